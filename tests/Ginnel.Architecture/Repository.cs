namespace Ginnel.Architecture;

/// <summary>The working tree that this test assembly was built from.</summary>
static class Repository
{
    static readonly HashSet<string> NotOurs = new(StringComparer.Ordinal)
    {
        ".git", ".vs", ".idea", ".vscode", "artifacts", "bin", "obj", "TestResults", "node_modules",
    };

    static readonly HashSet<string> Binary = new(StringComparer.OrdinalIgnoreCase)
    {
        ".png", ".jpg", ".gif", ".ico", ".gz", ".xz", ".zip", ".dll", ".so", ".bin", ".pcap", ".pcapng", ".snk", ".wasm", ".corpus",
    };

    public static string Root { get; } = FindRoot();

    /// <summary>Every text file of ours, as a path relative to <see cref="Root"/> with forward slashes.</summary>
    public static IEnumerable<string> TextFiles() =>
        Walk(Root).Where(path => !Binary.Contains(Path.GetExtension(path))).Where(path => !LooksBinary(path));

    public static IEnumerable<string> SourceFiles() => TextFiles().Where(path => path.EndsWith(".cs", StringComparison.Ordinal));

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The projects under src/, by assembly name.</summary>
    public static IEnumerable<string> ShippedProjects() =>
        Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal);

    static IEnumerable<string> Walk(string folder)
    {
        foreach (string file in Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal))
        {
            // A link may lead anywhere; what it names is judged where it stands.
            if (new FileInfo(file).LinkTarget is null)
            {
                yield return Path.GetRelativePath(Root, file).Replace('\\', '/');
            }
        }

        foreach (string child in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
        {
            if (NotOurs.Contains(Path.GetFileName(child)) || new DirectoryInfo(child).LinkTarget is not null)
            {
                continue;
            }

            foreach (string file in Walk(child))
            {
                yield return file;
            }
        }
    }

    static bool LooksBinary(string path)
    {
        using FileStream stream = File.OpenRead(Path.Combine(Root, path));
        Span<byte> start = stackalloc byte[512];
        return start[..stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)].Contains((byte)0);
    }

    static string FindRoot()
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Ginnel.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No Ginnel.slnx in {AppContext.BaseDirectory} or a folder above it.");
    }
}
