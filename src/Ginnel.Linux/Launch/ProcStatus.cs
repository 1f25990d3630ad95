using System.Globalization;

namespace Ginnel.Linux.Launch;

/// <summary>Reads single values from /proc/PID/status and /proc/PID/limits; absent or unreadable ones are null.</summary>
internal static class ProcStatus
{
    /// <summary>A mask such as SigIgn or CapEff, printed in hexadecimal.</summary>
    public static ulong? Mask(string path, string field) =>
        Field(path, field) is { } text && ulong.TryParse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : null;

    /// <summary>A decimal number such as PPid or Seccomp.</summary>
    public static long? Number(string path, string field) =>
        Field(path, field) is { } text && long.TryParse(text, CultureInfo.InvariantCulture, out long value) ? value : null;

    /// <summary>The soft limit of open descriptors.</summary>
    public static ulong? SoftOpenFiles(string path)
    {
        const string Name = "Max open files";
        foreach (string line in Lines(path))
        {
            if (!line.StartsWith(Name, StringComparison.Ordinal)) continue;
            string[] words = line[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0) return null;
            if (words[0] == "unlimited") return ulong.MaxValue;
            return ulong.TryParse(words[0], CultureInfo.InvariantCulture, out ulong value) ? value : null;
        }
        return null;
    }

    private static string? Field(string path, string field)
    {
        foreach (string line in Lines(path))
        {
            if (line.Length > field.Length && line[field.Length] == ':' && line.StartsWith(field, StringComparison.Ordinal))
                return line[(field.Length + 1)..].Trim();
        }
        return null;
    }

    private static string[] Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
