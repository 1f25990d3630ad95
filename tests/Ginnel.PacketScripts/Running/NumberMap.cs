using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// Between the script's small numbers and the stack's unpredictable ones. The peer's numbers are the script's; ours are moved by the
/// distance between the first SYN of ours and what the script says of it; timestamps likewise.
/// </summary>
internal sealed class NumberMap
{
    private readonly Dictionary<uint, uint> _timestamps = [];
    private uint _local;
    private uint? _timestamp;

    /// <summary>Our SYN was seen, and the script calls its number this.</summary>
    internal void Learn(in TcpHeader seen, TcpText expected)
    {
        if (seen.Has(TcpFlags.Syn)) _local = seen.Sequence.Value - expected.Sequence;
        if (seen.HasTimestamps && expected.Options?.FirstOrDefault(option => option.Name == "TS") is { } option)
        {
            _timestamp ??= seen.TimestampValue - option.Values[0];
            _timestamps[option.Values[0]] = seen.TimestampValue;
        }
    }

    /// <summary>Our sequence number for the stack.</summary>
    internal uint ToLocal(uint script) => script + _local;

    /// <summary>Our sequence number for the script.</summary>
    internal uint FromLocal(uint live) => live - _local;

    /// <summary>An echo of our timestamp for the stack; zero stays the invalid echo that it is.</summary>
    internal uint ToLocalTimestamp(uint script) =>
        script == 0 ? 0 : _timestamps.TryGetValue(script, out uint live) ? live : script + (_timestamp ?? 0);
}
