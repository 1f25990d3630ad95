using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Guests;

/// <summary>The guest's only file system: busybox, some of the host's programs with their libraries, modules, and an init of ours.</summary>
internal static class GuestImage
{
    /// <summary>Programs of the host's that the guest gets.</summary>
    public static readonly string[] Programs = ["wg", "ip", "tc", "socat"];

    /// <summary>
    /// Orders come over the second serial line, one a line: how many seconds it may take, and a script in base64. The answer is a line as
    /// well: the exit code, and in base64 what was printed. The first line is the console's.
    /// </summary>
    private const string Init = """
        #!/bin/busybox sh
        /bin/busybox mkdir -p /proc /sys /dev /tmp /usr/bin /usr/sbin
        /bin/busybox --install -s /bin
        export PATH=/bin:/host
        mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev
        # A guest that nobody ends must end all the same.
        (sleep "$(sed -n 's/.*guest_seconds=\([0-9]*\).*/\1/p' /proc/cmdline)"; poweroff -f) &
        for module in /modules/*; do insmod "$module" || echo "guest: $module was not loaded"; done
        ip link set lo up
        stty -F /dev/ttyS1 raw -echo
        # Orphans become this process's, and the shell's "read" forgets half a line when a child ends: another reads the orders.
        sh /orders </dev/ttyS1 >/dev/ttyS1 &
        while :; do wait; sleep 1; done
        """;

    private const string Orders = """
        echo ready
        while read -r seconds order; do
          printf %s "$order" | base64 -d >/tmp/order
          timeout -s KILL "$seconds" sh -c '. /programs; . /tmp/order' >/tmp/said 2>&1 </dev/null
          echo "$? $(base64 -w 0 /tmp/said)"
        done
        """;

    public static async Task WriteAsync(string path, GuestFiles files)
    {
        await using FileStream output = File.Create(path);
        CpioArchive archive = new(output);
        archive.AddFile("init", Init + "\n");
        archive.AddFile("orders", Orders + "\n");
        archive.AddFile("bin/busybox", await File.ReadAllBytesAsync(files.Busybox));
        byte[] pattern = new byte[GuestServers.FileSize];
        PeerServer.Fill(pattern, 0);
        archive.AddFile(GuestServers.File.TrimStart('/'), pattern);
        foreach (string module in files.Modules) archive.AddFile("modules/" + Path.GetFileName(module), await File.ReadAllBytesAsync(module));
        // This shell prefers its own "ip" to any in PATH.
        archive.AddFile("programs", string.Concat(Programs.Select(program => $"{program}() {{ /host/{program} \"$@\"; }}\n")));
        HashSet<string> libraries = [];
        foreach (string program in Programs)
        {
            string file = TestPrograms.PathOf(program)!;
            archive.AddFile("host/" + program, await File.ReadAllBytesAsync(file));
            libraries.UnionWith(await LibrariesOfAsync(file));
        }
        foreach (string library in libraries) archive.AddFile(library.TrimStart('/'), await File.ReadAllBytesAsync(library));
        archive.Complete();
    }

    /// <summary>What the loader would load, and the loader: each line has one absolute path.</summary>
    private static async Task<IEnumerable<string>> LibrariesOfAsync(string program)
    {
        Outcome listed = await Caller.RunAsync(Who.Root, "ldd", program);
        Assert.True(listed.ExitCode == 0, listed.Errors);
        return listed.Output.Split([' ', '\t', '\n'], StringSplitOptions.RemoveEmptyEntries).Where(word => word[0] == '/' && File.Exists(word));
    }
}
