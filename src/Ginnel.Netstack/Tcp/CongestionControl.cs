using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>What made the sender believe that the path is congested.</summary>
internal enum CongestionSign : byte
{
    /// <summary>Acknowledgments showed a loss (RFC 5681 section 3.2, RFC 8985 section 6).</summary>
    Loss,

    /// <summary>A retransmission was lost too: the second sign within one recovery (RFC 5681 section 4.3).</summary>
    LostRetransmission,

    /// <summary>A loss that the probe of the tail had mended already (RFC 8985 section 7.4.2).</summary>
    MendedTail,

    /// <summary>The peer echoes a router's mark; nothing was lost (RFC 3168 section 6.1.2).</summary>
    Echo,
}

/// <summary>
/// How much may be in flight. Theory of operation: all quantities are octets; what the algorithms count in segments is converted with
/// the segment size. Growth counts acknowledged octets, not acknowledgments, so that acknowledgments of super-segments count fully and
/// acknowledgments split into many (attack case C13) gain nothing (RFC 3465). The window grows only while it was the limit (RFC 7661).
/// </summary>
internal abstract class CongestionControl
{
    /// <summary>cwnd in octets.</summary>
    internal int CongestionWindow { get; set; }

    /// <summary>ssthresh in octets; "arbitrarily high" at first (RFC 5681 section 3.1).</summary>
    internal int SlowStartThreshold { get; set; } = int.MaxValue;

    /// <summary>SMSS in octets, options included in neither.</summary>
    internal int SegmentSize { get; set; } = 536;

    private protected const int MaxWindow = 1 << 30;

    private HyStart _hyStart;

    /// <summary>Whether the window doubles per round trip.</summary>
    internal bool InSlowStart => CongestionWindow < SlowStartThreshold;

    /// <summary>Begins with the initial window (RFC 6928), or one segment if the SYN was lost (RFC 5681 section 3.1).</summary>
    internal void Start(int segmentSize, int initialWindow, bool synLost)
    {
        SegmentSize = segmentSize;
        // RFC 6928 section 2: at most ten segments and, for large segments, at most 14,600 octets but two segments at least.
        CongestionWindow = synLost ? segmentSize : InitialWindow(initialWindow);
    }

    /// <summary>IW in octets.</summary>
    internal int InitialWindow(int segments) => InitialWindow(segments, SegmentSize);

    /// <summary>IW in octets for segments of a size.</summary>
    internal static int InitialWindow(int segments, int size) => Math.Min(segments * size, Math.Max(2 * size, segments * 1460));

    /// <summary>New octets were acknowledged outside recovery.</summary>
    internal void Acknowledged(int octets, TimeSpan roundTrip, Instant now)
    {
        if (InSlowStart)
        {
            // RFC 5681 section 3.1, octets counted (RFC 3465); what goes past ssthresh belongs to congestion avoidance.
            int growth = SlowStartThreshold == int.MaxValue ? _hyStart.Growth(octets) : octets;
            int grown = (int)Math.Min((long)CongestionWindow + growth, SlowStartThreshold);
            octets = growth - (grown - CongestionWindow);
            CongestionWindow = Math.Min(grown, MaxWindow);
            if (octets <= 0) return;
        }
        Avoid(octets, roundTrip, now);
        CongestionWindow = Math.Min(CongestionWindow, MaxWindow);
    }

    /// <summary>
    /// The path is congested: ssthresh falls, and cwnd with it. <paramref name="flight"/> is what was in the network.
    /// </summary>
    internal void Congested(CongestionSign sign, int flight, Instant now)
    {
        // The second reduction of one recovery starts from the first one's aim, not from what was just in flight on the way there.
        if (sign == CongestionSign.LostRetransmission) CongestionWindow = SlowStartThreshold;
        int reduced = Reduce(flight, now);
        SlowStartThreshold = Math.Max(reduced, 2 * SegmentSize);
        // RFC 9438 section 4.6: an echo may bring the window down to one segment, a loss to two.
        CongestionWindow = sign == CongestionSign.Echo ? Math.Max(reduced, SegmentSize) : SlowStartThreshold;
    }

    /// <summary>The retransmission timer expired for the first time for this segment (RFC 5681 section 3.1, equation 4).</summary>
    internal void TimedOut(int flight, bool again, Instant now)
    {
        if (!again) SlowStartThreshold = Math.Max(Reduce(flight, now), 2 * SegmentSize);
        CongestionWindow = SegmentSize;
        BeginAnew();
    }

    /// <summary>
    /// Nothing was sent for longer than a retransmission timeout: cwnd falls to the restart window (RFC 5681 section 4.1), and ssthresh
    /// remembers most of what the path was good for (RFC 2861 section 2).
    /// </summary>
    internal virtual void RestartAfterIdle(int initialWindow, Instant now)
    {
        int restart = InitialWindow(initialWindow);
        if (CongestionWindow <= restart) return;
        SlowStartThreshold = Math.Max(SlowStartThreshold, (int)(CongestionWindow * 3L / 4));
        CongestionWindow = restart;
    }

    /// <summary>
    /// A round trip was measured, on something sent once, with this acknowledgment: SND.UNA and SND.NXT after it. It may end the first slow start,
    /// which knows no threshold, before that overflows a queue (RFC 9406).
    /// </summary>
    internal void RoundTripMeasured(TimeSpan roundTrip, SequenceNumber sndUna, SequenceNumber sndNxt)
    {
        if (SlowStartThreshold != int.MaxValue) return;
        if (_hyStart.Measured(roundTrip, sndUna, sndNxt)) SlowStartThreshold = CongestionWindow;
    }

    /// <summary>The loss was none: back to where we were.</summary>
    internal virtual void Undo(int congestionWindow, int slowStartThreshold)
    {
        CongestionWindow = Math.Max(CongestionWindow, congestionWindow);
        SlowStartThreshold = Math.Max(SlowStartThreshold, slowStartThreshold);
    }

    /// <summary>After a timeout nothing is left of what the window was.</summary>
    private protected virtual void BeginAnew()
    {
    }

    /// <summary>Growth above ssthresh.</summary>
    private protected abstract void Avoid(int octets, TimeSpan roundTrip, Instant now);

    /// <summary>The new ssthresh, before it is made two segments at least.</summary>
    private protected abstract int Reduce(int flight, Instant now);

    /// <summary>Makes the one that the options name.</summary>
    internal static CongestionControl Create(CongestionControlKind kind) =>
        kind == CongestionControlKind.NewReno ? new NewReno() : new Cubic();
}

/// <summary>Reno's growth and reduction (RFC 5681); NewReno's recovery (RFC 6582) is in the connection, for CUBIC uses it too.</summary>
internal sealed class NewReno : CongestionControl
{
    private long _acknowledged;

    private protected override void Avoid(int octets, TimeSpan roundTrip, Instant now)
    {
        // RFC 5681 section 3.1: one segment per window of acknowledged octets (RFC 3465 section 2.1).
        _acknowledged += octets;
        while (_acknowledged >= CongestionWindow)
        {
            _acknowledged -= CongestionWindow;
            CongestionWindow += SegmentSize;
        }
    }

    private protected override int Reduce(int flight, Instant now)
    {
        _acknowledged = 0;
        return flight / 2;
    }
}
