using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Guests;

/// <summary>
/// A distribution's kernel, the modules that a guest loads, and busybox: fetched as packages and unpacked, not installed, below
/// <c>artifacts/guest</c>, once for all runs.
/// </summary>
internal sealed record GuestFiles(string Folder)
{
    private static readonly string[] s_modules =
        ["virtio_pci", "virtio_net", "wireguard", "sch_netem", "sch_ingress", "cls_matchall", "act_mirred", "ifb"];

    // Lists that are missing or old name versions that are no longer there: then they are fetched, and it is tried once more.
    private const string Fetch = """
        cd "$1" || exit
        try() {
          image=$(apt-cache depends linux-image-cloud-amd64 2>&1 | sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
          [ "$image" ] || { echo "apt knows no linux-image-cloud-amd64" >&2; return 1; }
          timeout 200 apt-get -qq -o APT::Sandbox::User=root download "$image" busybox-static
        }
        try || { timeout 200 apt-get -qq update && try; } || exit
        for package in *.deb; do dpkg-deb -x "$package" . || exit; rm "$package"; done
        # Later releases have all of this below usr, and modules compressed.
        if [ -d usr/lib/modules ]; then cp -rl usr/. . || exit; fi
        find lib/modules -name '*.ko.xz' -exec xz -d {} + || exit
        """;

    public string Kernel => Path.Combine(Folder, "vmlinuz");

    public string Busybox => Path.Combine(Folder, "busybox");

    /// <summary>The modules in the order in which they are loaded.</summary>
    public IEnumerable<string> Modules => Directory.EnumerateFiles(Path.Combine(Folder, "modules")).Order(StringComparer.Ordinal);

    /// <summary>Fetches what is not there yet; skips the test where that cannot be done.</summary>
    public static async Task<GuestFiles> ObtainAsync(string checkout)
    {
        GuestFiles files = new(Path.Combine(checkout, "artifacts", "guest"));
        if (File.Exists(files.Kernel)) return files;
        Assert.SkipUnless(File.Exists("/usr/bin/apt-get"), "no apt here, and so no kernel for a guest");
        string work = Path.Combine(checkout, "artifacts", $"guest-{Environment.ProcessId}");
        Directory.CreateDirectory(work);
        try
        {
            Outcome fetched = await Caller.RunAsync(Who.Root, ["sh", "-c", Fetch, "sh", work], [], TimeSpan.FromMinutes(8));
            Assert.SkipUnless(fetched.ExitCode == 0, $"a kernel for the guest could not be fetched: {fetched.Errors.Trim()}");
            Arrange(work);
            // Another run may have been as quick; its files are as good.
            if (!Directory.Exists(files.Folder)) Directory.Move(Path.Combine(work, "done"), files.Folder);
            return files;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static void Arrange(string work)
    {
        string done = Path.Combine(work, "done");
        Directory.CreateDirectory(Path.Combine(done, "modules"));
        string tree = Directory.GetDirectories(Path.Combine(work, "lib", "modules")).Single();
        int place = 0;
        foreach (string module in KernelModules.InOrder(tree, s_modules))
            File.Copy(module, Path.Combine(done, "modules", $"{place++:00}-{Path.GetFileName(module)}"));
        File.Move(Path.Combine(work, "bin", "busybox"), Path.Combine(done, "busybox"));
        File.Move(Directory.GetFiles(Path.Combine(work, "boot"), "vmlinuz-*").Single(), Path.Combine(done, "vmlinuz"));
    }
}
