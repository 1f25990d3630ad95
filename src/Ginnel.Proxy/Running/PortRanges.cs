using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Ginnel.Proxy;

/// <summary>Ports as people write them: <c>22,80,8000-8100</c>.</summary>
public sealed class PortRanges
{
    private readonly IReadOnlyList<(int First, int Last)> _ranges;

    private PortRanges(IReadOnlyList<(int First, int Last)> ranges) => _ranges = ranges;

    /// <summary>Every port.</summary>
    public static PortRanges All { get; } = new([(1, 65_535)]);

    /// <summary>Reads ports and ranges between commas.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out PortRanges? ports)
    {
        ArgumentNullException.ThrowIfNull(text);
        ports = null;
        List<(int First, int Last)> ranges = [];
        foreach (string part in text.Split(','))
        {
            string[] ends = part.Split('-');
            if (ends.Length > 2 || !TryPort(ends[0], out int first) || !TryPort(ends[^1], out int last) || first > last) return false;
            ranges.Add((first, last));
        }
        ports = new PortRanges(ranges);
        return true;
    }

    /// <summary>Whether a port is among them.</summary>
    public bool Contains(int port) => _ranges.Any(range => port >= range.First && port <= range.Last);

    /// <inheritdoc/>
    public override string ToString() => string.Join(',', _ranges.Select(range => range.First == range.Last ? $"{range.First}" : $"{range.First}-{range.Last}"));

    private static bool TryPort(string text, out int port) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65_535;
}
