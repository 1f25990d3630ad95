using Ginnel.Netstack;

namespace Ginnel.Testing;

/// <summary>
/// How one direction of a simulated link treats packets. Probabilities are per packet, 0–1, and independent of each other. The default
/// is a perfect link of 5 ms.
/// </summary>
public sealed record SimulatedLinkOptions
{
    /// <summary>What the link carries; both directions alike.</summary>
    public LinkMedium Medium { get; init; } = LinkMedium.Ip;

    /// <summary>Longest IP packet in bytes. A stack that sends a longer one breaks an invariant.</summary>
    public int Mtu { get; init; } = 1500;

    /// <summary>What the stack may leave to the link.</summary>
    public LinkOffloads Offloads { get; init; }

    /// <summary>
    /// Whether a super-segment is cut when it enters the wire, as a network card does, so that each segment meets its own fate; otherwise
    /// it travels whole, as between two stacks in memory.
    /// </summary>
    public bool SplitOnWire { get; init; }

    /// <summary>Whether segments that arrive together are joined again, as a card with receive offload does.</summary>
    public bool CoalesceOnArrival { get; init; }

    /// <summary>Propagation time in one direction.</summary>
    public TimeSpan Delay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Up to this much is added to each packet's delay; packets keep their order.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Serialisation rate; 0 for none.</summary>
    public long BitsPerSecond { get; init; }

    /// <summary>Bytes that wait for serialisation. A packet that finds more waiting is dropped, or waits in its stack with <see cref="BackPressure"/>.</summary>
    public int QueueBytes { get; init; } = 256 << 10;

    /// <summary>
    /// Whether the sender's stack is asked for packets only while the queue has room, as with a network card; otherwise the queue is that
    /// of a router on the way, which drops at its tail.
    /// </summary>
    public bool BackPressure { get; init; }

    /// <summary>Probability that a packet is lost.</summary>
    public double Loss { get; init; }

    /// <summary>
    /// Probability that a packet is marked as having met congestion (RFC 3168 section 5), or lost if its sender does not allow marks.
    /// </summary>
    public double Marking { get; init; }

    /// <summary>
    /// Packets that find more bytes than this waiting for serialisation are marked, or lost if their sender does not allow it: the simplest of
    /// active queue managements. 0 for a queue that only drops at its tail.
    /// </summary>
    public int MarkAboveBytes { get; init; }

    /// <summary>Probability that a burst of losses begins at a packet (the Gilbert model).</summary>
    public double BurstLoss { get; init; }

    /// <summary>Mean number of packets that a burst takes, at least 1.</summary>
    public double BurstLength { get; init; } = 4;

    /// <summary>Probability that a packet is held back by up to <see cref="ReorderDelay"/> while others pass.</summary>
    public double Reordering { get; init; }

    /// <summary>How long a reordered packet is held back at most.</summary>
    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(3);

    /// <summary>Probability that a packet arrives twice.</summary>
    public double Duplication { get; init; }

    /// <summary>
    /// Probability that one bit of a packet is flipped, which a checksum always detects. On Ethernet the frame's own check sequence would
    /// catch a flip in what no checksum of IP covers, so header and ARP are spared there.
    /// </summary>
    public double Corruption { get; init; }

    /// <summary>
    /// Whether ARP and neighbor discovery are neither lost nor duplicated: three losses in a row rightly make a host unreachable, which
    /// would drown what a simulation of something else is to show.
    /// </summary>
    public bool SparesResolution { get; init; }

    /// <summary>What a stack is told of the link.</summary>
    public LinkProperties Properties => new(Medium, Mtu, Offloads);
}
