namespace Ginnel.Sandbox.Launch;

/// <summary>The programs of the system that a launch may use, by path. Looked for in the system's folders first, then in PATH.</summary>
internal sealed class SystemTools
{
    private static readonly string[] Folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin"];
    private readonly Dictionary<string, string?> _found = [];

    public string? Unshare => Find("unshare");
    public string? Shell => Find("sh");
    public string? Ip => Find("ip");
    public string? Mount => Find("mount");
    public string? Unmount => Find("umount");
    public string? Env => Find("env");
    public string? SetPriv => Find("setpriv");
    public string? NewUidMap => Find("newuidmap");
    public string? NewGidMap => Find("newgidmap");

    /// <summary>What the short way needs and this machine has not; null when it has everything.</summary>
    public string? MissingForShell()
    {
        foreach (string name in (string[])["unshare", "sh", "ip", "mount", "umount", "env", "setpriv"])
        {
            if (Find(name) is null) return name;
        }
        if (!EnvironmentWords.IsUnderstoodBy(Env!)) return "env of coreutils 8.30 or later";
        // BusyBox's setpriv and unshare have fewer options.
        return IsBusyBox("setpriv") ? "setpriv of util-linux" : IsBusyBox("mount") ? "mount of util-linux" : null;
    }

    private bool IsBusyBox(string name) =>
        Find(name) is { } path
            && File.ResolveLinkTarget(path, returnFinalTarget: true)?.Name.StartsWith("busybox", StringComparison.Ordinal) == true;

    private string? Find(string name)
    {
        if (_found.TryGetValue(name, out string? known)) return known;
        string[] path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        IEnumerable<string> all = Folders.Concat(path.Where(folder => folder.StartsWith('/')));
        return _found[name] = all.Select(folder => Path.Combine(folder, name)).FirstOrDefault(Executable.IsExecutable);
    }
}
