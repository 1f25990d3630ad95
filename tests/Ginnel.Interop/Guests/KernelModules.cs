using System.Text;

namespace Ginnel.Interop.Guests;

/// <summary>Modules of an unpacked kernel package, which has no modules.dep: each says itself what it depends on.</summary>
internal static class KernelModules
{
    /// <summary>The files of modules and of all they depend on, in the order in which they can be loaded.</summary>
    /// <param name="folder">A kernel's folder below lib/modules.</param>
    /// <param name="names">What is wanted; what the kernel has built in is no file and not missed.</param>
    public static IReadOnlyList<string> InOrder(string folder, IEnumerable<string> names)
    {
        Dictionary<string, string> files = [];
        foreach (string file in Directory.EnumerateFiles(folder, "*.ko", SearchOption.AllDirectories)) files[NameOf(file)] = file;
        List<string> order = [];
        HashSet<string> seen = [];
        void Visit(string name)
        {
            if (!seen.Add(name) || !files.TryGetValue(name, out string? file)) return;
            foreach (string needed in Dependencies(File.ReadAllBytes(file))) Visit(needed);
            order.Add(file);
        }
        foreach (string name in names) Visit(name);
        return order;
    }

    /// <summary>A module's name as others call it: files have hyphens where names have underscores, in no fixed manner.</summary>
    private static string NameOf(string file) => Path.GetFileName(file).Split('.')[0].Replace('-', '_');

    private static IEnumerable<string> Dependencies(byte[] module)
    {
        ReadOnlySpan<byte> rest = module;
        ReadOnlySpan<byte> word = "\0depends="u8;
        int at = rest.IndexOf(word);
        if (at < 0) return [];
        rest = rest[(at + word.Length)..];
        string list = Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)0)]);
        return list.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(name => name.Replace('-', '_'));
    }
}
