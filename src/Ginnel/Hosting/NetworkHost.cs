using System.Net;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// A host on a network, in this process: it has interfaces with addresses, routes, and a TCP/IP stack of its own; it connects, listens and
/// binds as a computer would. Thread-safe.
/// </summary>
/// <remarks>
/// Links carry its packets: <see cref="Attach"/> one to an interface. A fault of ours ends one host, never the process: see
/// <see cref="Failed"/>. <see cref="StopAsync"/> lets connections finish, <see cref="DisposeAsync"/> resets what is left.
/// </remarks>
public sealed partial class NetworkHost : IAsyncDisposable
{
    private readonly NetworkHostOptions _options;
    private readonly Shard _shard;
    private readonly TaskCompletionSource<Exception> _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<HostInterface> _interfaces = [];
    private int _disposed;

    /// <summary>A host without interfaces.</summary>
    public NetworkHost(NetworkHostOptions? options = null)
    {
        _options = options ?? new NetworkHostOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxSockets, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_options.MaxSockets, 1 << 20, nameof(options));
        Runtime = _options.Runtime ?? NetworkRuntime.Shared;
        Resolver = _options.Resolver;
        AddressNames = _options.AddressNames;
        _shard = new Shard(Runtime, _options) { Pending = OnPending, Ending = OnEnding, Poisoned = exception => _failed.TrySetResult(exception) };
        _shard.ConfigurationChanged = () => ConfigurationChanged?.Invoke(this, EventArgs.Empty);
        Dialer = new StackDialer(this);
    }

    /// <summary>Its name.</summary>
    public string Name => _options.Name;

    /// <summary>What it shares with other hosts.</summary>
    public NetworkRuntime Runtime { get; }

    /// <summary>Resolves names for dials; may be set once something that resolves through this host exists.</summary>
    public INameResolver? Resolver { get; set; }

    /// <summary>Tells names of addresses for <see cref="FlowInfo.Names"/>.</summary>
    public IAddressNames? AddressNames { get; set; }

    /// <summary>A dialer that goes out through this host's stack.</summary>
    public StackDialer Dialer { get; }

    /// <summary>Completes with the fault if one of ours has ended this host; never otherwise.</summary>
    public Task<Exception> Failed => _failed.Task;

    /// <summary>Its interfaces, a copy.</summary>
    public IReadOnlyList<HostInterface> Interfaces
    {
        get
        {
            lock (_interfaces) return [.. _interfaces];
        }
    }

    /// <summary>
    /// Raised on a thread of the pool after addresses, their states, or what routers of a link have advertised have changed: see
    /// <see cref="HostInterface.AddressStates"/>, <see cref="HostInterface.DefaultRouters"/> and
    /// <see cref="HostInterface.AdvertisedNameServers"/>. Several changes may be told once.
    /// </summary>
    public event EventHandler? ConfigurationChanged;

    internal Shard Shard => _shard;

    /// <summary>Adds an interface, down until a link is attached.</summary>
    /// <exception cref="ArgumentException">An address or the Ethernet address cannot be an interface's.</exception>
    public HostInterface AddInterface(HostInterfaceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ThrowIfEnded();
        MacAddress mac = options.Mac is null ? RandomMac() : MacAddress.Read(options.Mac.GetAddressBytes());
        if (mac.IsGroup || mac.IsZero) throw new ArgumentException($"{mac} is not a station's address: it must be unicast.", nameof(options));
        if (options is { AcceptRouterAdvertisements: true, Router: not null })
            throw new ArgumentException("An interface cannot both accept router advertisements and send them.", nameof(options));
        RouterAdvertisementOptions? router = options.Router?.ToCore();
        router?.Check(options.Link.Mtu);
        InterfaceOptions core = new()
        {
            Name = options.Name,
            Link = options.Link,
            Mac = mac,
            AnyIp = options.AnyIp,
            AnyPort = options.AnyPort,
            AnyIpExcept = ToPrefixes(options.AnyIpExcept),
            IpV6 = options.IpV6,
            PeerLoopback = options.PeerLoopback,
            PeerLoopbackV6 = options.PeerLoopbackV6,
            DuplicateAddressDetection = options.DuplicateAddressDetection,
            AddressConflictDetection = options.AddressConflictDetection,
            AcceptRouterAdvertisements = options.AcceptRouterAdvertisements,
            RouterAdvertisements = router,
        };
        (InterfaceOptions Options, InterfaceId Id) state = (core, default);
        _shard.Run(ref state, static (NetworkStack stack, ref (InterfaceOptions Options, InterfaceId Id) s, Instant _, ref ShardWork _) =>
        {
            s.Id = stack.AddInterface(s.Options);
            return OpStatus.Ok;
        });
        ThrowIfEnded();
        HostInterface added = new(_shard, state.Id, options.Name, mac);
        foreach (InterfaceAddress address in options.Addresses) added.AddAddress(address);
        lock (_interfaces) _interfaces.Add(added);
        return added;
    }

    // A loop, and none of LINQ's: its code for types of values would have to be compiled at every start.
    private static IpPrefix[] ToPrefixes(IReadOnlyList<IPNetwork> networks)
    {
        IpPrefix[] prefixes = new IpPrefix[networks.Count];
        for (int i = 0; i < prefixes.Length; i++) prefixes[i] = IpPrefix.From(networks[i]);
        return prefixes;
    }

    /// <summary>Adds a route.</summary>
    /// <param name="destination">The network; <c>0.0.0.0/0</c> and <c>::/0</c> are default routes.</param>
    /// <param name="way">The interface.</param>
    /// <param name="gateway">The next hop; null where the destination is on the link, and on links of medium IP.</param>
    /// <param name="metric">Lower is preferred among equal prefixes.</param>
    /// <exception cref="ArgumentException">The route is impossible, or the route table full.</exception>
    public void AddRoute(IPNetwork destination, HostInterface way, IPAddress? gateway = null, int metric = 0)
    {
        Route route = ToRoute(destination, way, gateway, metric);
        OpStatus status = _shard.Run(ref route, static (NetworkStack stack, ref Route r, Instant _, ref ShardWork _) => stack.AddRoute(r));
        ThrowIfEnded();
        if (status != OpStatus.Ok) throw new ArgumentException($"The route to {destination} by {way.Name} cannot be added: {status}.", nameof(destination));
    }

    /// <summary>Removes a route; false if there is none like it.</summary>
    public bool RemoveRoute(IPNetwork destination, HostInterface way, IPAddress? gateway = null, int metric = 0)
    {
        Route route = ToRoute(destination, way, gateway, metric);
        return _shard.Run(ref route, static (NetworkStack stack, ref Route r, Instant _, ref ShardWork _) => stack.RemoveRoute(r)) == OpStatus.Ok;
    }

    /// <summary>
    /// Attaches a link: the interface comes up and packets flow until the link ends or the attachment is disposed of. The link's
    /// <see cref="ILink.RunAsync"/> is called on this thread and must return when it first waits.
    /// </summary>
    /// <param name="way">The interface, without a link at present.</param>
    /// <param name="link">The link.</param>
    /// <param name="ownsLink">Whether detaching disposes of the link.</param>
    /// <exception cref="InvalidOperationException">The interface has a link.</exception>
    public LinkAttachment Attach(HostInterface way, ILink link, bool ownsLink = true)
    {
        ArgumentNullException.ThrowIfNull(way);
        ArgumentNullException.ThrowIfNull(link);
        ThrowIfEnded();
        ShardPort port = new(_shard, way.Id, link);
        LinkAttachment attachment = new(_shard, port, way, ownsLink);
        if (!way.TryAttach(attachment)) throw new InvalidOperationException($"{way.Name} of {Name} has a link already; detach it first.");
        if (!_shard.Open(port))
        {
            way.Forget(attachment);
            ThrowIfEnded();
            throw new InvalidOperationException($"{way.Name} of {Name} still sends to its last link.");
        }
        attachment.Start();
        return attachment;
    }

    /// <summary>Detaches the link of an interface, if it has one. Its connections wait for the next.</summary>
    public async ValueTask DetachAsync(HostInterface way)
    {
        ArgumentNullException.ThrowIfNull(way);
        if (way.Attachment is { } attachment) await attachment.DisposeAsync().ConfigureAwait(false);
    }

    private static Route ToRoute(IPNetwork destination, HostInterface way, IPAddress? gateway, int metric)
    {
        ArgumentNullException.ThrowIfNull(way);
        return new Route(IpPrefix.From(destination), way.Id, gateway is null ? null : IpAddress.From(gateway), metric);
    }

    // Locally administered and unicast (IEEE 802, section 8.4 of its overview): the second-lowest bit set, the lowest clear.
    private MacAddress RandomMac() =>
        new(((ulong)Runtime.Entropy.NextUInt32() << 16 | Runtime.Entropy.NextUInt32() & 0xFFFF) & 0xFCFF_FFFF_FFFF | 0x0200_0000_0000);

    private void ThrowIfEnded()
    {
        if (_shard.Ended is not { } ended) return;
        ObjectDisposedException.ThrowIf(ended is ObjectDisposedException, this);
        throw new InvalidOperationException(ended.Message, ended);
    }
}
