namespace Ginnel.Sandbox.Resolver;

/// <summary>
/// Plans the mounts that make the stack's name server the only one: a file over /etc/resolv.conf, whatever stands there, and nothing where
/// the host's resolvers listen on Unix sockets, for those would resolve names past any DNS.
/// </summary>
internal static class ResolverCover
{
    public const string ResolverFile = "/etc/resolv.conf";

    /// <summary>systemd-resolved, nscd and unscd, avahi.</summary>
    private static readonly string[] SocketFolders =
        ["/run/systemd/resolve", "/var/run/systemd/resolve", "/run/systemd/resolve.hook", "/run/nscd", "/var/run/nscd", "/var/db/nscd",
            "/run/avahi-daemon", "/var/run/avahi-daemon"];

    /// <summary>Where a tmpfs may stand for a moment while its file is bound elsewhere.</summary>
    private static readonly string[] ScratchFolders = ["/tmp", "/var/tmp", "/dev/shm", "/mnt", "/srv", "/opt", "/usr", "/"];

    /// <summary>The steps, in order.</summary>
    /// <param name="root">A prefix before every path that is looked at, for tests; the steps do not bear it.</param>
    public static IReadOnlyList<MountStep> Plan(string root = "")
    {
        List<MountStep> steps = [];
        List<string> hidden = [];
        foreach (string folder in SocketFolders)
        {
            if (CanonicalPath.Of(folder, root) is { } path && !hidden.Contains(path) && Directory.Exists(root + path)) hidden.Add(path);
        }
        foreach (string path in hidden) steps.Add(new MountStep(MountAction.Empty, path));
        string? target = CanonicalPath.Of(ResolverFile, root);
        if (target is not null && hidden.Find(folder => target.StartsWith(folder + "/", StringComparison.Ordinal)) is not null)
        {
            // /etc/resolv.conf leads into a folder that we have just emptied: the file goes there.
            steps.Add(new MountStep(MountAction.MakeFolder, target[..target.LastIndexOf('/')]));
            steps.Add(new MountStep(MountAction.WriteText, target));
            return steps;
        }
        string scratch = ScratchFolders.First(folder => Directory.Exists(root + folder) && CanonicalPath.Of(folder, root) == folder);
        string file = (scratch == "/" ? "" : scratch) + "/resolv.conf";
        steps.Add(new MountStep(MountAction.Empty, scratch));
        steps.Add(new MountStep(MountAction.WriteText, file));
        if (target is not null && File.Exists(root + target)) steps.Add(new MountStep(MountAction.Bind, target, file));
        else if (IsLink(root + ResolverFile)) steps.Add(new MountStep(MountAction.BindOnLink, ResolverFile, file));
        else
        {
            steps.Add(new MountStep(MountAction.Shadow, "/etc"));
            steps.Add(new MountStep(MountAction.WriteText, ResolverFile));
        }
        steps.Add(new MountStep(MountAction.Unmount, scratch));
        return steps;
    }

    /// <summary>Whether mount(8) can do all steps; the others need calls that only our own helper makes.</summary>
    public static bool FitsShell(IReadOnlyList<MountStep> steps)
    {
        foreach (MountStep step in steps)
        {
            if (step.Action is MountAction.BindOnLink or MountAction.Shadow) return false;
        }
        return true;
    }

    private static bool IsLink(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget is not null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
