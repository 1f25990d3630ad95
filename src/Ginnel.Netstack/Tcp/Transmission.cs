using System.Runtime.CompilerServices;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>What became of octets that were sent.</summary>
internal enum TransmissionState : byte
{
    /// <summary>On their way, as far as we know.</summary>
    InFlight,

    /// <summary>The peer has them (RFC 2018); it may still throw them away.</summary>
    Sacked,

    /// <summary>Taken for lost, and not sent again yet.</summary>
    Lost,
}

/// <summary>
/// Neighboring octets that were last sent at the same instant and have fared alike: the per-segment state of RFC 8985 section 5.2, for
/// many segments at once. They begin where the record before ends.
/// </summary>
internal struct Transmission
{
    /// <summary>Segment.xmit_ts: when they were sent last.</summary>
    internal Instant SentAt;

    /// <summary>The number after the last octet.</summary>
    internal SequenceNumber End;

    internal TransmissionState State;

    /// <summary>Segment.retransmitted: sent more than once.</summary>
    internal bool SentAgain;
}

/// <summary>So many records need no memory beside the connection's own: a request, its answer, and one hole.</summary>
[InlineArray(Length)]
internal struct FewTransmissions
{
    internal const int Length = 2;
    private Transmission _first;
}

/// <summary>What one acknowledgment has told to have arrived, whether cumulatively or selectively.</summary>
internal struct Delivery
{
    /// <summary>DeliveredData of RFC 9937: octets that were not known to have arrived before.</summary>
    internal int Octets;

    /// <summary>Whether some of them were sent only once; then the one sent last, and the lowest end of all.</summary>
    internal bool HasOriginal;
    internal Instant OriginalSentAt;
    internal SequenceNumber OriginalEnd;
    internal SequenceNumber LowestOriginalEnd;

    /// <summary>Whether some of them were sent again; then the one sent last.</summary>
    internal bool HasAgain;
    internal Instant AgainSentAt;
    internal SequenceNumber AgainEnd;

    /// <summary>Whether the acknowledgment reports octets that came twice (RFC 2883), and which.</summary>
    internal bool HasDuplicate;
    internal SackBlock Duplicate;

    internal void Add(in Transmission sent, SequenceNumber left, SequenceNumber end)
    {
        Octets += end - left;
        if (sent.SentAgain)
        {
            if (HasAgain && !Rack.IsAfter(sent.SentAt, end, AgainSentAt, AgainEnd)) return;
            (HasAgain, AgainSentAt, AgainEnd) = (true, sent.SentAt, end);
            return;
        }
        LowestOriginalEnd = HasOriginal ? SequenceNumber.Min(LowestOriginalEnd, end) : end;
        if (HasOriginal && !Rack.IsAfter(sent.SentAt, end, OriginalSentAt, OriginalEnd)) return;
        (HasOriginal, OriginalSentAt, OriginalEnd) = (true, sent.SentAt, end);
    }
}
