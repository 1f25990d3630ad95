namespace Ginnel.Netstack;

/// <summary>What a stack's memory is used for.</summary>
public enum MemoryUse : byte
{
    /// <summary>Octets that were written and are not acknowledged.</summary>
    Send,
    /// <summary>Octets that were received and are not read, those beyond a hole included.</summary>
    Receive,
    /// <summary>Records of what is in flight, beyond the few that a connection holds itself.</summary>
    Scoreboard,
    /// <summary>Datagrams that wait for their port's owner.</summary>
    Datagrams,
    /// <summary>Fragments that wait for the rest of their packet.</summary>
    Reassembly,
    /// <summary>What is remembered of SYNs that were turned away.</summary>
    Handshakes,
}

/// <summary>
/// The one budget of a stack: everything whose size a peer or a slow owner decides counts against it. Theory of operation: nothing is reserved.
/// Who needs memory asks for it at the moment; who is refused drops, waits or gives way, as the owner of each use says. What is promised to
/// peers, windows, may be more than there is, for most promises are never called in; it shrinks as the budget does (see
/// <see cref="ReceiveTuning"/>).
/// </summary>
internal sealed class StackMemory(long limit)
{
    private readonly long[] _uses = new long[Enum.GetValues<MemoryUse>().Length];

    /// <summary>Bytes that may be in use. May be set below what is.</summary>
    internal long Limit { get; set; } = limit;

    /// <summary>Bytes in use.</summary>
    internal long InUse { get; private set; }

    /// <summary>Told when something was given back; set while somebody waits.</summary>
    internal Action? Freed { get; set; }

    /// <summary>Half is in use: promises shrink to what is taken, and what lies beyond a hole takes no more memory.</summary>
    internal bool IsShort => InUse > Limit / 2;

    /// <summary>Five eighths are in use: who cannot send now gets nothing more to send from, and who cannot for long is ended.</summary>
    internal bool IsShortForSending => InUse > Limit / 8 * 5;

    /// <summary>What sending may bring the use to: the last quarter is left to receiving.</summary>
    internal long SendingLimit => Limit / 4 * 3;

    /// <summary>Seven eighths are in use: nothing beyond what is held is promised.</summary>
    internal bool IsTight => InUse > Limit / 8 * 7;

    internal long Of(MemoryUse use) => _uses[(int)use];

    /// <summary>Whether so much more would stay within the limit.</summary>
    internal bool Has(long bytes) => InUse + bytes <= Limit;

    /// <summary>Counts bytes that are taken, or with a negative number given back. Whether they may be taken was asked before.</summary>
    internal void Count(MemoryUse use, long bytes)
    {
        InUse += bytes;
        _uses[(int)use] += bytes;
        if (bytes < 0) Freed?.Invoke();
    }
}
