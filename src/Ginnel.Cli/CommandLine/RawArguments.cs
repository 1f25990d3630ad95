using System.Text;

namespace Ginnel.Cli.CommandLine;

/// <summary>
/// The argument vector as the kernel got it. .NET decodes it as UTF-8 and replaces what is none; a command's arguments are bytes.
/// </summary>
internal static class RawArguments
{
    /// <summary>The last words of the vector.</summary>
    /// <param name="arguments">The decoded vector, which decides how many there are.</param>
    /// <param name="from">Index of the first wanted.</param>
    public static IReadOnlyList<byte[]> Tail(IReadOnlyList<string> arguments, int from)
    {
        int count = arguments.Count - from;
        List<byte[]> raw = Split(ReadCommandLine());
        // Before our words stand the program and, where the host program runs it, the assembly's path.
        if (raw.Count > arguments.Count) return raw.GetRange(raw.Count - count, count);
        return [.. arguments.Skip(from).Select(Encoding.UTF8.GetBytes)];
    }

    internal static List<byte[]> Split(ReadOnlySpan<byte> commandLine)
    {
        List<byte[]> words = [];
        while (!commandLine.IsEmpty)
        {
            int end = commandLine.IndexOf((byte)0);
            if (end < 0) end = commandLine.Length;
            words.Add(commandLine[..end].ToArray());
            commandLine = commandLine[Math.Min(end + 1, commandLine.Length)..];
        }
        return words;
    }

    private static byte[] ReadCommandLine()
    {
        try
        {
            return File.ReadAllBytes("/proc/self/cmdline");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
