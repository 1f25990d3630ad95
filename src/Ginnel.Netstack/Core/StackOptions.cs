using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>How a stack behaves and how much it may hold. Every limit's effect on the peer stands in docs/limits.md.</summary>
public sealed class StackOptions
{
    /// <summary>Where packets come from and go back to.</summary>
    public required PacketPool Pool { get; init; }

    /// <summary>Where unpredictability comes from.</summary>
    public required EntropySource Entropy { get; init; }

    /// <summary>How TCP behaves.</summary>
    public TcpOptions Tcp { get; init; } = new();

    /// <summary>Most sockets of all kinds; one more is refused, a SYN or datagram for it dropped. 1–1,048,576.</summary>
    public int MaxSockets { get; init; } = 65_536;

    /// <summary>
    /// Most connections and ports that wait for accept or reject in any-IP mode. A further SYN is dropped at random in place of another or
    /// itself.
    /// </summary>
    public int MaxPending { get; init; } = 1_024;

    /// <summary>
    /// Bytes that receive and send buffers, records of what is in flight, queues of datagrams, fragments and memory of SYNs may hold together; the
    /// shell may change it at any time. From half of it on windows shrink to what their readers take; from five eighths on who keeps a window shut gets no
    /// more to send from and is reset after 15 s; from three quarters on writers wait; from seven eighths on windows shrink to what is held; at the
    /// limit what arrives is dropped. Beside it stand the sockets themselves, some 1,250 bytes each.
    /// </summary>
    public long MemoryLimit { get; init; } = 256L << 20;

    /// <summary>Most neighbors per interface; the longest unused makes room.</summary>
    public int MaxNeighbors { get; init; } = 1_024;

    /// <summary>Packets that wait for one neighbor to answer (RFC 1122 section 2.3.2.2); the oldest gives way.</summary>
    public int MaxPacketsPerNeighbor { get; init; } = 8;

    /// <summary>Most routes.</summary>
    public int MaxRoutes { get; init; } = 1_024;

    /// <summary>Most default routers of one interface that advertisements may teach; further ones are not noted.</summary>
    public int MaxAdvertisedRouters { get; init; } = 8;

    /// <summary>Most other routes and on-link prefixes of one interface likewise.</summary>
    public int MaxAdvertisedRoutes { get; init; } = 32;

    /// <summary>Most addresses that one interface forms from advertised prefixes; of further prefixes it forms none.</summary>
    public int MaxAdvertisedAddresses { get; init; } = 16;

    /// <summary>Most DNS servers of one interface that advertisements may teach; further ones are not noted.</summary>
    public int MaxAdvertisedNameServers { get; init; } = 8;

    /// <summary>
    /// What the interface identifiers of formed addresses are derived from (RFC 7217 section 5), 16 bytes or more that nobody else knows: with
    /// the same secret, interface name and prefix the address is the same again. Empty for a random one, whose addresses live as long as the
    /// stack.
    /// </summary>
    public ReadOnlyMemory<byte> StableSecret { get; init; }

    /// <summary>Most datagrams in reassembly at once; the oldest gives way.</summary>
    public int MaxReassemblies { get; init; } = 64;

    /// <summary>Bytes of fragments held at once, which also count against <see cref="MemoryLimit"/>; the oldest packet gives way.</summary>
    public int MaxReassemblyBytes { get; init; } = 1 << 20;

    /// <summary>How long fragments wait for the rest (RFC 8200: 60 s; RFC 1122: 60–120 s).</summary>
    public TimeSpan ReassemblyTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>ICMP errors per second, with a burst of as many; more are not sent.</summary>
    public int IcmpErrorsPerSecond { get; init; } = 1_000;

    /// <summary>Bytes of datagrams that one port's receive queue holds; more are dropped.</summary>
    public int DatagramReceiveBuffer { get; init; } = 256 << 10;

    /// <summary>Packets other than TCP's that wait for one link; more are dropped.</summary>
    public int MaxTransmitQueue { get; init; } = 1_024;

    /// <summary>Path MTUs remembered; the oldest gives way.</summary>
    public int MaxPathMtus { get; init; } = 1_024;

    /// <summary>Hop limit of what the stack sends; 1–255.</summary>
    public byte HopLimit { get; init; } = 64;

    /// <summary>Refuses what cannot be meant: a caller's mistake is told when the stack is made, not when the limit is met.</summary>
    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Pool);
        ArgumentNullException.ThrowIfNull(Entropy);
        ArgumentNullException.ThrowIfNull(Tcp);
        CheckRange(MaxSockets, 1, 1 << 20, nameof(MaxSockets));
        CheckRange(MaxPending, 0, 1 << 20, nameof(MaxPending));
        CheckRange(MaxNeighbors, 1, 1 << 20, nameof(MaxNeighbors));
        CheckRange(MaxPacketsPerNeighbor, 1, 1_024, nameof(MaxPacketsPerNeighbor));
        CheckRange(MaxRoutes, 0, 1 << 20, nameof(MaxRoutes));
        CheckRange(MaxAdvertisedRouters, 0, 1_024, nameof(MaxAdvertisedRouters));
        CheckRange(MaxAdvertisedRoutes, 0, 1_024, nameof(MaxAdvertisedRoutes));
        CheckRange(MaxAdvertisedAddresses, 0, NetworkInterface.MaxAddresses, nameof(MaxAdvertisedAddresses));
        CheckRange(MaxAdvertisedNameServers, 0, 1_024, nameof(MaxAdvertisedNameServers));
        if (StableSecret.Length is > 0 and < 16)
            throw new ArgumentException($"{nameof(StableSecret)} has {StableSecret.Length} bytes; none, or 16 and more, are possible.", nameof(StableSecret));
        CheckRange(MaxReassemblies, 1, 1 << 16, nameof(MaxReassemblies));
        CheckRange(MaxReassemblyBytes, 0, 1 << 30, nameof(MaxReassemblyBytes));
        CheckRange(IcmpErrorsPerSecond, 0, 1 << 20, nameof(IcmpErrorsPerSecond));
        CheckRange(DatagramReceiveBuffer, 0, 1 << 30, nameof(DatagramReceiveBuffer));
        CheckRange(MaxTransmitQueue, 1, 1 << 20, nameof(MaxTransmitQueue));
        CheckRange(MaxPathMtus, 0, 1 << 20, nameof(MaxPathMtus));
        CheckRange(HopLimit, 1, 255, nameof(HopLimit));
        CheckRange(MemoryLimit, 0, long.MaxValue, nameof(MemoryLimit));
        CheckRange(ReassemblyTimeout.Ticks, 1, TimeSpan.TicksPerDay, nameof(ReassemblyTimeout));
    }

    private static void CheckRange(long value, long least, long most, string name)
    {
        if (value >= least && value <= most) return;
        throw new ArgumentOutOfRangeException(name, value, $"{name} is {value}; {least} to {most} are possible.");
    }
}

/// <summary>How TCP behaves: buffers, timers, switches.</summary>
public sealed class TcpOptions
{
    /// <summary>Most bytes that wait in a connection's send buffer; a power of two. It begins with 256 KiB and follows the congestion window.</summary>
    public int SendBuffer { get; init; } = 4 << 20;

    /// <summary>
    /// Most bytes that wait in a connection's receive buffer, hence the largest window; a power of two. It begins with 64 KiB and follows what the
    /// reader takes in a round trip.
    /// </summary>
    public int ReceiveBuffer { get; init; } = 4 << 20;

    /// <summary>Whether the send buffer begins small and grows with the congestion window; otherwise it is as large as may be at once.</summary>
    public bool TuneSendBuffer { get; init; } = true;

    /// <summary>Which congestion control new connections use.</summary>
    public CongestionControlKind CongestionControl { get; init; } = CongestionControlKind.Cubic;

    /// <summary>
    /// Whether routers may mark segments instead of dropping them (RFC 3168). By itself who asks for it gets it, and we do not ask: what Linux
    /// does, for a few paths still swallow a SYN that asks, which then costs the first repetition's time.
    /// </summary>
    public EcnMode Ecn { get; init; } = EcnMode.Passive;

    /// <summary>
    /// Whether repeated timeouts of large segments are taken for a path that swallows them: then small ones are sent, and larger ones tried
    /// again after ten minutes (RFC 4821).
    /// </summary>
    public bool PathMtuProbing { get; init; } = true;

    /// <summary>Whether small writes wait for an acknowledgment (RFC 9293 section 3.7.4); off suits relays.</summary>
    public bool Nagle { get; init; }

    /// <summary>
    /// Whether Nagle's algorithm lets the end of a write follow full segments and holds back only what would be a second small segment in
    /// flight, as Linux does (Minshall's change); by itself it waits for everything in flight (RFC 9293 section 3.7.4).
    /// </summary>
    public bool NagleHoldsSecondSmall { get; init; }

    /// <summary>
    /// Whether the window that is told follows the buffer octet by octet, as in the BSDs; by itself its edge moves by whole segments (RFC
    /// 9293 section 3.8.6.2.2). Only where the window is far from closed is there no difference to a peer.
    /// </summary>
    public bool WindowFollowsBuffer { get; init; }

    /// <summary>
    /// Whether a closed window is probed with an old sequence number and no data, as Linux does; by itself with the next octet (RFC 9293
    /// section 3.8.6.1).
    /// </summary>
    public bool ProbeBehindWindow { get; init; }

    /// <summary>
    /// Differentiated services of segments: the upper six bits of the traffic class (RFC 9293 section 3.9.2); the lower two belong to ECN and
    /// are ignored.
    /// </summary>
    public byte TrafficClass { get; init; }

    /// <summary>Initial congestion window in segments (RFC 6928).</summary>
    public int InitialWindow { get; init; } = 10;

    /// <summary>Longest wait before an acknowledgment (RFC 9293 section 3.8.6.3: below 0.5 s).</summary>
    public TimeSpan DelayedAck { get; init; } = TimeSpan.FromMilliseconds(40);

    /// <summary>
    /// How many of a connection's first data segments are acknowledged at once, until we answer data with data; others wait as
    /// <see cref="DelayedAck"/> says. Linux begins with 16, which helps a peer in slow start; RFC 9293 section 3.8.6.3 leaves it open.
    /// </summary>
    public int QuickAcks { get; init; }

    /// <summary>Retransmission timeout before a round trip was measured (RFC 6298 section 2.1).</summary>
    public TimeSpan InitialRetransmitTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Least retransmission timeout. RFC 6298 says 1 s should be the floor; common practice is 200 ms.</summary>
    public TimeSpan MinRetransmitTimeout { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Whether the least retransmission timeout bounds the variation's part of it, as Linux does: SRTT + max(4·RTTVAR, least). By itself
    /// the whole is bounded (RFC 6298 section 2.4).
    /// </summary>
    public bool MinRetransmitTimeoutIsVariation { get; init; }

    /// <summary>Greatest retransmission timeout (RFC 6298 section 2.5: at least 60 s).</summary>
    public TimeSpan MaxRetransmitTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long data may go unacknowledged before the connection fails (RFC 9293 section 3.8.3, R2: at least 100 s).</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long a SYN or SYN-ACK is repeated before the attempt fails.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>Silence before the first keepalive probe; zero switches keepalive off (RFC 9293 section 3.8.4: off by default).</summary>
    public TimeSpan KeepAliveTime { get; init; } = TimeSpan.Zero;

    /// <summary>Time between keepalive probes.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(75);

    /// <summary>Unanswered probes before the connection fails.</summary>
    public int KeepAliveProbes { get; init; } = 9;

    /// <summary>How long TIME-WAIT lasts (twice the maximum segment lifetime).</summary>
    public TimeSpan TimeWait { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long a connection that nobody reads any more waits in FIN-WAIT-2 for the peer's FIN.</summary>
    public TimeSpan FinWait2 { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Most connections in TIME-WAIT; the oldest gives way.</summary>
    public int MaxTimeWait { get; init; } = 16_384;

    /// <summary>Holes that one connection's out-of-order data may have; further islands are dropped.</summary>
    public int MaxOutOfOrderRanges { get; init; } = 128;

    /// <summary>Whether timestamps are offered (RFC 7323).</summary>
    public bool Timestamps { get; init; } = true;

    /// <summary>
    /// Whether segments without timestamps are taken though both sides agreed on them, as Linux does. By itself they are dropped, as RFC 7323
    /// section 3.2 says they should.
    /// </summary>
    public bool TolerateMissingTimestamps { get; init; }

    /// <summary>Whether window scale stands before SACK-permitted on a SYN, as the BSDs have it; by itself behind, as in Linux.</summary>
    public bool WindowScaleFirst { get; init; }

    /// <summary>Whether SACK is offered (RFC 2018).</summary>
    public bool Sack { get; init; } = true;

    /// <summary>Whether window scaling is offered (RFC 7323).</summary>
    public bool WindowScaling { get; init; } = true;

    /// <summary>When a listener answers SYNs with cookies instead of remembering them.</summary>
    public SynCookieUse SynCookies { get; init; } = SynCookieUse.OnOverflow;

    /// <summary>Switches header prediction off: what it does must be what the general way does, and tests compare them.</summary>
    internal bool GeneralWayOnly { get; init; }

    /// <summary>How long a pending connection may wait for accept or reject before it is abandoned.</summary>
    public TimeSpan PendingTimeout { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>When SYNs are answered with cookies (RFC 4987 section 3.6). In any-IP mode never: there the answer waits for a dial.</summary>
public enum SynCookieUse : byte
{
    /// <summary>Never: when the half-open connections of a listener are at its backlog, a random one gives way.</summary>
    Off,
    /// <summary>When the half-open connections of a listener are at its backlog.</summary>
    OnOverflow,
    /// <summary>Always: no SYN takes memory.</summary>
    Always,
}

/// <summary>Whether connections use explicit congestion notification (RFC 3168).</summary>
public enum EcnMode : byte
{
    /// <summary>Never: not offered, and not agreed to.</summary>
    Off,
    /// <summary>Where the peer's SYN asks for it.</summary>
    Passive,
    /// <summary>Asked for as well, on our own SYNs.</summary>
    Active,
}

/// <summary>The congestion controls.</summary>
public enum CongestionControlKind : byte
{
    /// <summary>CUBIC (RFC 9438).</summary>
    Cubic,
    /// <summary>Reno with NewReno's recovery (RFC 5681, RFC 6582).</summary>
    NewReno,
}
