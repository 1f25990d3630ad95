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
    int ReceiveQueued);
