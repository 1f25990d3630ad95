namespace Ginnel.Sandbox.Resolver;

/// <summary>Follows every symbolic link of a path, as realpath -m does: what does not exist stays as it is spelt.</summary>
internal static class CanonicalPath
{
    private const int MostLinks = 40; // the kernel's own limit (ELOOP)

    /// <summary>The path without links, below <paramref name="root"/> if given; null when the links lead in a circle.</summary>
    public static string? Of(string path, string root = "")
    {
        Stack<string> pending = new(path.Split('/').Reverse());
        string done = "";
        int links = 0;
        while (pending.TryPop(out string? name))
        {
            if (name is "" or ".") continue;
            if (name == "..")
            {
                done = done.Length == 0 ? "" : done[..done.LastIndexOf('/')];
                continue;
            }
            string next = done + "/" + name;
            if (LinkTarget(root + next) is not { } target)
            {
                done = next;
                continue;
            }
            if (++links > MostLinks) return null;
            if (target.StartsWith('/')) done = "";
            foreach (string part in target.Split('/').Reverse()) pending.Push(part);
        }
        return done.Length == 0 ? "/" : done;
    }

    private static string? LinkTarget(string path)
    {
        try
        {
            return new FileInfo(path).LinkTarget;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
