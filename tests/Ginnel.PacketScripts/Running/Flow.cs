using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// The connection that packets are about, and the way between the script's small numbers and the stack's unpredictable ones. The peer's
/// numbers are the script's; ours are moved by the distance between our first SYN and what the script says of it; timestamps likewise.
/// </summary>
internal sealed class Flow(IpProtocol protocol)
{
    private readonly Dictionary<uint, uint> _timestamps = [];
    private uint _local;
    private (uint Script, uint Live)? _firstTimestamp;
    private (uint Script, uint Live)? _label;

    internal IpProtocol Protocol => protocol;
    internal ushort LocalPort { get; set; }
    internal ushort RemotePort { get; set; }

    /// <summary>A packet of ours, and what the script calls its numbers.</summary>
    internal void Learn(in TcpHeader seen, TcpText expected)
    {
        if (seen.Has(TcpFlags.Syn)) _local = seen.Sequence.Value - expected.Sequence;
        if (!seen.HasTimestamps || expected.Options?.FirstOrDefault(each => each.Kind == OptionText.Timestamps) is not { } option) return;
        if (option.Values[0] == OptionText.Any) return;
        _firstTimestamp ??= (option.Values[0], seen.TimestampValue);
        _timestamps[option.Values[0]] = seen.TimestampValue;
    }

    /// <summary>Our sequence number for the stack.</summary>
    internal uint ToLocal(uint script) => script + _local;

    /// <summary>Our sequence number for the script.</summary>
    internal uint FromLocal(uint live) => live - _local;

    /// <summary>An echo of our timestamp for the stack; zero stays the invalid echo that it is unless we said zero.</summary>
    internal uint ToLocalTimestamp(uint script)
    {
        if (_timestamps.TryGetValue(script, out uint live)) return live;
        return script == 0 || _firstTimestamp is not { } first ? script : script - first.Script + first.Live;
    }

    /// <summary>Our timestamp as the script would count it from the first one.</summary>
    internal uint FromLocalTimestamp(uint live) => _firstTimestamp is { } first ? live - first.Live + first.Script : live;

    /// <summary>Flow labels have no values in scripts: equal names are equal labels, different ones differ. What is wrong, or null.</summary>
    internal string? CompareLabel(uint script, uint live)
    {
        if (live == 0) return "the packet has no flow label";
        (uint Script, uint Live)? former = _label;
        _label = (script, live);
        if (former is not { } before) return null;
        if (script == before.Script) return live == before.Live ? null : $"the flow label changed from {before.Live:x} to {live:x}";
        return live == before.Live ? "the flow label did not change" : null;
    }
}
