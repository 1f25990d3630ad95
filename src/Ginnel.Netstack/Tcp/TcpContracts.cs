using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Bytes lent out of a connection's ring: up to two pieces. Until the lease ends with <see cref="NetworkStack.Consume"/> or
/// <see cref="NetworkStack.Commit"/> they are neither moved nor freed, so copies and system calls run outside the stack's lock.
/// </summary>
/// <param name="First">The first piece.</param>
/// <param name="Second">The rest beyond the ring's end; often empty.</param>
public readonly record struct RingLease(Memory<byte> First, Memory<byte> Second)
{
    /// <summary>Bytes in both pieces.</summary>
    public int Length => First.Length + Second.Length;
}

/// <summary>The states of RFC 9293 section 3.3.2, and two that come before and after them here.</summary>
public enum TcpState : byte
{
    /// <summary>No connection.</summary>
    Closed,
    /// <summary>A listener.</summary>
    Listen,
    /// <summary>Any-IP mode: a SYN is held, unanswered, until accepted or rejected.</summary>
    Pending,
    /// <summary>SYN sent.</summary>
    SynSent,
    /// <summary>SYN received and answered.</summary>
    SynReceived,
    /// <summary>Established.</summary>
    Established,
    /// <summary>We closed first; our FIN is not yet acknowledged.</summary>
    FinWait1,
    /// <summary>We closed first; our FIN is acknowledged.</summary>
    FinWait2,
    /// <summary>The peer closed first.</summary>
    CloseWait,
    /// <summary>Both closed at the same time.</summary>
    Closing,
    /// <summary>The peer closed first, then we; our FIN is not yet acknowledged.</summary>
    LastAck,
    /// <summary>Waiting for old segments to die out.</summary>
    TimeWait,
}

/// <summary>A connection at a glance, for status, tests and the like of <c>ss -ti</c>.</summary>
public readonly record struct TcpInfo(
    TcpState State, IpEndpoint Local, IpEndpoint Remote, int CongestionWindow, int SlowStartThreshold, TimeSpan SmoothedRoundTrip,
    TimeSpan RoundTripVariation, TimeSpan RetransmitTimeout, int SendMss, int BytesInFlight, int SendWindow, int ReceiveWindow,
    bool Timestamps, bool Sack, int SendScale, int ReceiveScale, long BytesSent, long BytesReceived, long Retransmissions, int SendQueued,
    int ReceiveQueued)
{
    /// <summary>Where loss recovery stands.</summary>
    public TcpLossState Loss { get; init; }

    /// <summary>Octets in flight that the peer has told to have, beyond what it acknowledges (RFC 2018).</summary>
    public int BytesSacked { get; init; }

    /// <summary>Octets in flight that are taken for lost and have not been sent again yet.</summary>
    public int BytesLost { get; init; }

    /// <summary>Octets in flight that were sent again and about which nothing has been heard since.</summary>
    public int BytesSentAgain { get; init; }

    /// <summary>The least round trip of late (RFC 8985 section 6.1); zero before the first.</summary>
    public TimeSpan LeastRoundTrip { get; init; }

    /// <summary>How often the retransmission timer has expired since something was acknowledged (RFC 6298 section 5.5).</summary>
    public int Expiries { get; init; }

    /// <summary>The MSS that we told, octets (RFC 6691).</summary>
    public int AnnouncedMss { get; init; }

    /// <summary>Longest IP packet towards the peer, as known.</summary>
    public int PathMtu { get; init; }

    /// <summary>Whether both sides agreed that routers may mark segments (RFC 3168).</summary>
    public bool Ecn { get; init; }

    /// <summary>Whether the peer has sent anything yet that may be marked.</summary>
    public bool EcnSeen { get; init; }

    /// <summary>Octets that were sent again, each time counted. Wraps at 2³².</summary>
    public uint BytesRetransmitted { get; init; }

    /// <summary>Segments received, bare acknowledgments included; a super-segment counts as those that it stands for. Wraps at 2³².</summary>
    public uint SegmentsReceived { get; init; }

    /// <summary>Segments sent likewise, those that were sent again included. Wraps at 2³².</summary>
    public uint SegmentsSent { get; init; }

    /// <summary>How often the peer has reported that something came twice (RFC 2883); 65,535 stands for more.</summary>
    public int DuplicatesReported { get; init; }

    /// <summary>Whether the network was seen to reorder (RFC 8985 section 6.2, step 3).</summary>
    public bool ReorderingSeen { get; init; }

    /// <summary>Probes of the peer's window since it closed (RFC 9293 section 3.8.6.1), or of its silence (section 3.8.4).</summary>
    public int Probes { get; init; }
}

/// <summary>The stages of loss recovery.</summary>
public enum TcpLossState : byte
{
    /// <summary>Nothing is missing.</summary>
    Open,
    /// <summary>Something arrived out of order, or looks like it; perhaps it is only late.</summary>
    Disorder,
    /// <summary>A router's mark was echoed, and the window comes down; nothing is missing (RFC 3168 section 6.1.2).</summary>
    WindowReduced,
    /// <summary>Acknowledgments showed a loss, which is being mended (RFC 5681 section 3.2, RFC 6675).</summary>
    Recovery,
    /// <summary>The timer expired (RFC 6298 section 5).</summary>
    Loss,
}
