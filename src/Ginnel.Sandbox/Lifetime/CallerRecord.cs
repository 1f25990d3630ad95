using System.Globalization;

namespace Ginnel.Sandbox;

/// <summary>
/// What the launcher script saw before the .NET runtime changed it: ignored signals and the soft limit of open descriptors. It is handed on
/// as the first word of the command line, <c>--caller=SIGIGN:LIMIT</c>, because the environment belongs to the program that is run.
/// </summary>
/// <param name="IgnoredSignals">Bit n-1 for signal n; null if unknown.</param>
/// <param name="OpenFiles">The soft limit; null if unknown.</param>
public readonly record struct CallerRecord(ulong? IgnoredSignals, ulong? OpenFiles)
{
    private const string Prefix = "--caller=";

    /// <summary>Takes the word off, if it is there. One that cannot be read is taken off as well and counts as absent.</summary>
    public static CallerRecord Take(ref string[] arguments)
    {
        if (arguments.Length == 0 || !arguments[0].StartsWith(Prefix, StringComparison.Ordinal)) return default;
        string[] parts = arguments[0][Prefix.Length..].Split(':');
        arguments = arguments[1..];
        ulong? ignored = ulong.TryParse(parts[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out ulong mask) ? mask : null;
        if (parts.Length < 2) return new CallerRecord(ignored, null);
        if (parts[1] == "unlimited") return new CallerRecord(ignored, ulong.MaxValue);
        bool isNumber = ulong.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out ulong limit);
        return new CallerRecord(ignored, isNumber ? limit : null);
    }
}
