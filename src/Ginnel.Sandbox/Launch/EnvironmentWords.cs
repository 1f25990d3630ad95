using System.Text;

namespace Ginnel.Sandbox.Launch;

/// <summary>
/// Carries an environment through a shell, in order and byte for byte, without its values standing in an argument that other users can
/// read. Shells reorder variables and change or drop some, so each value travels in a variable of ours and env(1) makes the true
/// environment from them: <c>env -i -S '-- NAME=${g0} …'</c>, whose words hold names only.
/// </summary>
internal sealed class EnvironmentWords
{
    /// <summary>The kernel takes no longer word (MAX_ARG_STRLEN, 32 pages).</summary>
    private const int LongestWord = 128 << 10;

    private readonly IReadOnlyList<byte[]> _entries;
    private readonly byte[] _split;

    /// <summary>Words for an environment of <c>NAME=value</c> entries.</summary>
    public EnvironmentWords(IReadOnlyList<byte[]> entries) => (_entries, _split) = (entries, ComposeSplit(entries));

    /// <summary>Why this environment cannot be carried so, or null.</summary>
    public string? Obstacle =>
        _entries.Any(entry => entry.AsSpan().IndexOf((byte)'=') <= 0) ? "the environment has an entry that is no variable"
        : _split.Length >= LongestWord ? "the names in the environment are too long for one word"
        : Variables().Any(entry => entry.Length >= LongestWord) ? "a value in the environment is too long for another name"
        : null;

    /// <summary>What the shell is started with: the values, each as a variable of ours.</summary>
    public IEnumerable<byte[]> Variables() =>
        _entries.Select((entry, index) => (byte[])[.. Name(index), .. entry.AsSpan(entry.AsSpan().IndexOf((byte)'='))]);

    /// <summary>env and its options, up to the word that it executes.</summary>
    /// <param name="env">The path of env.</param>
    public IEnumerable<byte[]> Words(string env) => [Encoding.UTF8.GetBytes(env), "-i"u8.ToArray(), "-S"u8.ToArray(), _split];

    /// <summary>Whether an env can split and expand (GNU since 8.30): the option's long name stands in its file.</summary>
    /// <param name="env">The path of env.</param>
    public static bool IsUnderstoodBy(string env)
    {
        const int LargestFile = 32 << 20;
        try
        {
            FileInfo file = new(env);
            return file.Length <= LargestFile && File.ReadAllBytes(env).AsSpan().IndexOf("split-string"u8) >= 0;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static byte[] ComposeSplit(IReadOnlyList<byte[]> entries)
    {
        using MemoryStream text = new();
        text.Write("--"u8);
        for (int index = 0; index < entries.Count; index++)
        {
            ReadOnlySpan<byte> entry = entries[index];
            text.Write(" '"u8);
            foreach (byte value in entry[..Math.Max(0, entry.IndexOf((byte)'='))])
            {
                // Within single quotes env knows these two escapes and no others.
                if (value is (byte)'\'' or (byte)'\\') text.WriteByte((byte)'\\');
                text.WriteByte(value);
            }
            text.Write("'=${"u8);
            text.Write(Name(index));
            text.Write("}"u8);
        }
        return text.ToArray();
    }

    private static byte[] Name(int index) => Encoding.ASCII.GetBytes($"g{index}");
}
