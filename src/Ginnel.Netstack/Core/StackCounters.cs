using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>What a stack has counted since it was made. Read it under the same lock as the stack.</summary>
public sealed class StackCounters
{
    private readonly long[] _drops = new long[Enum.GetValues<DropReason>().Length];

    /// <summary>Packets received from links; a super-segment counts once.</summary>
    public long PacketsReceived { get; internal set; }

    /// <summary>Bytes received from links, link headers included.</summary>
    public long BytesReceived { get; internal set; }

    /// <summary>Packets handed to links.</summary>
    public long PacketsSent { get; internal set; }

    /// <summary>Bytes handed to links, link headers included.</summary>
    public long BytesSent { get; internal set; }

    /// <summary>TCP segments that were the expected ones and took the fast path; a super-segment counts once.</summary>
    public long SegmentsPredicted { get; internal set; }

    /// <summary>TCP segments sent again.</summary>
    public long Retransmissions { get; internal set; }

    /// <summary>Retransmission timeouts.</summary>
    public long RetransmitTimeouts { get; internal set; }

    /// <summary>Probes of the tail that were sent (RFC 8985 section 7).</summary>
    public long LossProbes { get; internal set; }

    /// <summary>Recoveries that were taken back, because nothing had been lost (RFC 3522, RFC 5682, RFC 2883).</summary>
    public long SpuriousRecoveries { get; internal set; }

    /// <summary>TCP segments that arrived with a router's mark, on connections with ECN (RFC 3168).</summary>
    public long CongestionMarks { get; internal set; }

    /// <summary>Times that a connection's window came down because the peer echoed a mark (RFC 3168 section 6.1.2).</summary>
    public long CongestionEchoes { get; internal set; }

    /// <summary>Pending connections and ports that gave way to others.</summary>
    public long PendingEvicted { get; internal set; }

    /// <summary>Half-open connections of listeners that gave way to others.</summary>
    public long HalfOpenEvicted { get; internal set; }

    /// <summary>SYNs that were answered with a cookie and not remembered (RFC 4987 section 3.6).</summary>
    public long SynCookiesSent { get; internal set; }

    /// <summary>Cookies that came back and became connections.</summary>
    public long SynCookiesAccepted { get; internal set; }

    /// <summary>Acknowledgments without a connection that brought none that fits, while cookies were expected.</summary>
    public long SynCookiesRejected { get; internal set; }

    /// <summary>Neighbors that fell silent to every probe while they were needed (RFC 4861 section 7.3).</summary>
    public long NeighborsLost { get; internal set; }

    /// <summary>Neighbors that gave way to others because the cache was full.</summary>
    public long NeighborsEvicted { get; internal set; }

    /// <summary>Stations that told of themselves while the cache was full of neighbors in use, and were not noted.</summary>
    public long NeighborsRefused { get; internal set; }

    /// <summary>Times that another station claimed an address of ours, or one that we were about to take.</summary>
    public long AddressConflicts { get; internal set; }

    /// <summary>Routers, prefixes, addresses and DNS servers that were advertised and not noted, because a table was full.</summary>
    public long AdvertisementsRefused { get; internal set; }

    /// <summary>Times that a connection cut its segments because large ones seemed to vanish without a word (RFC 4821).</summary>
    public long PathBlackHoles { get; internal set; }

    /// <summary>Packets dropped for this reason.</summary>
    public long Drops(DropReason reason) => _drops[(int)reason];

    /// <summary>Datagrams, and errors about some, in the queues of all ports.</summary>
    internal int DatagramsWaiting { get; set; }

    internal void Drop(DropReason reason) => _drops[(int)reason]++;
}

/// <summary>What the layers of one stack share.</summary>
internal sealed class StackContext
{
    internal StackContext(StackOptions options)
    {
        Options = options;
        Sockets = new SocketTable(options.MaxSockets);
        Memory = new StackMemory(options.MemoryLimit);
        Hash = new KeyedHash(options.Entropy);
        FlowLabels = new FlowLabels(Hash);
    }

    internal StackOptions Options { get; }
    internal PacketPool Pool => Options.Pool;
    internal EntropySource Entropy => Options.Entropy;
    internal KeyedHash Hash { get; }
    internal FlowLabels FlowLabels { get; }
    internal StackCounters Counters { get; } = new();
    internal SocketTable Sockets { get; }
    internal EventQueue Events { get; } = new();
    internal TimerQueue Timers { get; } = new();

    /// <summary>The budget that everything shares whose size others decide.</summary>
    internal StackMemory Memory { get; }

    /// <summary>Pending connections and ports together, bounded by <see cref="StackOptions.MaxPending"/>.</summary>
    internal int PendingCount { get; set; }

    /// <summary>Datagrams, and errors about some, in the queues of all ports.</summary>
    internal int DatagramsWaiting { get; set; }

    /// <summary>Rises with every change of addresses and of what routers advertise.</summary>
    internal long ConfigurationVersion { get; private set; }

    internal void ConfigurationChanged() => ConfigurationVersion++;

    internal void Drop(DropReason reason) => Counters.Drop(reason);
}
