using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// A TCP/IP stack as a value that changes when told: packets, requests and time go in, packets and events come out. It has no clock,
/// no threads and no I/O. Not thread-safe, by design: whoever owns it calls one verb at a time.
/// </summary>
/// <remarks>
/// The network can never make a verb throw. An exception other than one about an argument is a bug of ours, after which the stack's
/// state is not to be trusted: its owner drops this stack, with all its connections, and no other. The packets of a batch that was
/// being received have gone back to their pool.
/// </remarks>
public sealed partial class NetworkStack
{
    private readonly StackContext _context;
    private readonly IpLayer _ip;
    private readonly TcpLayer _tcp;
    private readonly DatagramLayer _datagrams;

    /// <summary>A stack without interfaces.</summary>
    public NetworkStack(StackOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Check();
        _context = new StackContext(options);
        _ip = new IpLayer(_context);
        _tcp = new TcpLayer(_context, _ip);
        _datagrams = new DatagramLayer(_context, _ip);
        _ip.Attach(_tcp, _datagrams);
    }

    /// <summary>What was counted.</summary>
    public StackCounters Counters => _context.Counters;

    /// <summary>
    /// Bytes that all buffers, queues and tables whose size others decide may hold together; lowering it takes nothing away at once, but nothing grows until below it.
    /// </summary>
    public long MemoryLimit
    {
        get => _context.Memory.Limit;
        set
        {
            _context.Memory.Limit = value;
            _tcp.MemoryChanged();
        }
    }

    /// <summary>Bytes of <see cref="MemoryLimit"/> that are in use.</summary>
    public long MemoryInUse => _context.Memory.InUse;

    /// <summary>Those of them that are used for this.</summary>
    public long MemoryInUseFor(MemoryUse use) => _context.Memory.Of(use);

    /// <summary>Those of them that belong to connections, released ones that still deliver included.</summary>
    public long ConnectionMemoryInUse => _tcp.Memory.InUse;

    /// <summary>Sockets of all kinds that exist, TIME-WAIT included.</summary>
    public int SocketCount => _context.Sockets.Count;

    /// <summary>Datagrams that have arrived, and errors about some, that no port's owner has received yet.</summary>
    public int DatagramsWaiting => _context.DatagramsWaiting;

    /// <summary>The earliest time at which <see cref="Advance"/> has something to do.</summary>
    public Instant NextDeadline => _context.Timers.Next;

    /// <summary>Packets in: every packet of the batch is consumed before the call returns.</summary>
    /// <param name="from">The interface whose link brought them.</param>
    /// <param name="batch">Owned by the stack from here on; empty afterwards.</param>
    /// <param name="now">The time of the batch.</param>
    public void Receive(InterfaceId from, ref PacketQueue batch, Instant now)
    {
        _ip.Receive(from, ref batch, now);
        _ip.DeliverLocal(now);
    }

    /// <summary>Time in: runs what is due.</summary>
    public void Advance(Instant now)
    {
        _context.Timers.Fire(now);
        _ip.DeliverLocal(now);
    }

    /// <summary>Whether <see cref="Transmit"/> would yield a packet now.</summary>
    public bool HasOutput(InterfaceId to) => _ip.HasOutput(to);

    /// <summary>
    /// Packets out: appends at most <paramref name="budget"/> packets (super-segments count once), which the caller then owns.
    /// </summary>
    public void Transmit(InterfaceId to, ref PacketQueue queue, int budget, Instant now) => _ip.Transmit(to, ref queue, budget, now);

    /// <summary>Events out: false when there is none.</summary>
    public bool TryTakeEvent(out SocketEvent socketEvent) => _context.Events.TryTake(out socketEvent);

    /// <summary>Whether <see cref="TryTakeEvent"/> would yield one.</summary>
    public bool HasEvents => !_context.Events.IsEmpty;

    /// <summary>Adds an interface, down until <see cref="SetLink"/> says otherwise.</summary>
    public InterfaceId AddInterface(InterfaceOptions options) => _ip.AddInterface(options);

    /// <summary>Tells that an interface's link changed, came up or went down. While down nothing is emitted and giving up waits.</summary>
    public void SetLink(InterfaceId id, LinkProperties properties, bool up, Instant now)
    {
        _ip.SetLink(id, properties, up, now);
        _ip.DeliverLocal(now);
    }

    /// <summary>
    /// Gives an interface an address in a network; the network becomes reachable through it, at once or, where
    /// <see cref="InterfaceOptions.DuplicateAddressDetection"/> or <see cref="InterfaceOptions.AddressConflictDetection"/> apply, when
    /// nobody else has the address: <see cref="AddressesOf"/> tells, and <see cref="ConfigurationVersion"/> when to look.
    /// </summary>
    public OpStatus AddAddress(InterfaceId id, IpAddress address, int prefixLength, Instant now) =>
        _ip.AddAddress(id, address, prefixLength, now);

    /// <summary>
    /// The addresses of an interface, those that are still being checked included; empty for an interface that does not exist.
    /// </summary>
    public IReadOnlyList<AddressInfo> AddressesOf(InterfaceId id) => _ip.AddressesOf(id);

    /// <summary>What the link of an interface is, or was last; default for an interface that does not exist.</summary>
    public LinkProperties LinkOf(InterfaceId id) => _ip.Interfaces.Find(id)?.Link ?? default;

    /// <summary>
    /// What routers have said about the link of an interface with <see cref="InterfaceOptions.AcceptRouterAdvertisements"/>.
    /// </summary>
    public AdvertisedConfiguration AdvertisedTo(InterfaceId id) => _ip.AdvertisedTo(id);

    /// <summary>
    /// Makes an interface a router for its link, changes what it advertises, or, with null, says goodbye: three last advertisements tell
    /// that it is a router no more (RFC 4861 section 6.2.5). <see cref="OpStatus.InvalidState"/> where advertisements are accepted.
    /// </summary>
    /// <exception cref="ArgumentException">Something cannot be advertised.</exception>
    public OpStatus SetRouterAdvertisements(InterfaceId id, RouterAdvertisementOptions? advertised, Instant now) =>
        _ip.SetRouterAdvertisements(id, advertised, now);

    /// <summary>
    /// Rises with every change of addresses, their states, and what routers advertise: whoever keeps a copy compares it after each verb.
    /// </summary>
    public long ConfigurationVersion => _context.ConfigurationVersion;

    /// <summary>Takes an address away. Connections that use it fail as their packets do.</summary>
    public OpStatus RemoveAddress(InterfaceId id, IpAddress address) => _ip.RemoveAddress(id, address);

    /// <summary>Adds a route, or replaces one with equal destination, interface and metric.</summary>
    public OpStatus AddRoute(Route route) => _ip.AddRoute(route);

    /// <summary>Removes a route.</summary>
    public OpStatus RemoveRoute(Route route) => _ip.RemoveRoute(route);

    /// <summary>
    /// The flow of a connection or pending connection; for a port or listener the remote end is default, for a pending port its source.
    /// </summary>
    public bool TryGetFlow(SocketId id, out FlowKey flow)
    {
        flow = default;
        return _context.Sockets.Find(id) switch
        {
            TcpConnection connection => Set(connection.Flow, out flow),
            DatagramPort port => Set(port.Flow, out flow),
            TcpListener listener => Set(new FlowKey(IpProtocol.Tcp, listener.Local, default), out flow),
            _ => false,
        };
    }

    /// <summary>How a socket failed; none while it has not. Valid until <see cref="Release"/>.</summary>
    public NetworkFailure FailureOf(SocketId id) => _context.Sockets.Find(id) switch
    {
        TcpConnection connection => connection.Failure,
        DatagramPort port => port.Failure,
        _ => NetworkFailure.None,
    };

    private static bool Set(FlowKey value, out FlowKey flow)
    {
        flow = value;
        return true;
    }
}
