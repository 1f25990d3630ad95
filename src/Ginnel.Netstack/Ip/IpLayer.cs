using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>IP of one stack: interfaces, neighbors, routes, fragments, ICMP. The seam between the verbs and the transports.</summary>
internal sealed class IpLayer
{
    /// <summary>Packets to own addresses that one verb delivers; the rest waits for the next, so that no call runs for ever.</summary>
    private const int LocalBudget = 256;

    /// <summary>Connections that may be asked in vain for a packet, per packet that a link has room for.</summary>
    private const int FruitlessLimit = 32;

    private readonly StackContext _context;
    private readonly InterfaceTable _interfaces = new();
    private readonly Router _router;
    private readonly IpOutput _output;
    private readonly IpInput _input;
    private readonly IcmpSender _icmpSender;
    private readonly NeighborResolver _neighbors;
    private readonly ArpProtocol _arp;
    private readonly NeighborDiscovery _discovery;
    private readonly AddressAssignment _addresses;
    private readonly Autoconfiguration _configuration;
    private readonly LocalWork _localWork = new();
    private TcpLayer _tcp = null!;
    private DatagramLayer _datagrams = null!;
    private Instant _now;

    internal IpLayer(StackContext context)
    {
        _context = context;
        _router = new Router(context, _interfaces);
        _output = new IpOutput(context);
        _icmpSender = new IcmpSender(context, _router, _output);
        _input = new IpInput(context, _interfaces, _icmpSender);
        _neighbors = new NeighborResolver(context, _output);
        _arp = new ArpProtocol(context, _neighbors, _output);
        _discovery = new NeighborDiscovery(context, _neighbors, _output);
        _addresses = new AddressAssignment(context, _interfaces, _router, _arp, _discovery);
        _configuration = new Autoconfiguration(context, _router, _neighbors, _discovery, _addresses);
        (_arp.Addresses, _discovery.Addresses, _discovery.Configuration) = (_addresses, _addresses, _configuration);
        _addresses.Duplicated = _configuration.AddressIsTaken;
        _output.Neighbors = _neighbors;
        _input.Attach(_neighbors, _arp, _discovery);
    }

    /// <summary>Makes the next <see cref="NetworkStack.Advance"/> due; delivering is what every verb does at its end anyway.</summary>
    private sealed class LocalWork : Timed
    {
        internal override void OnDeadline(Instant now) { }
    }

    internal InterfaceTable Interfaces => _interfaces;
    internal Router Router => _router;
    internal IcmpSender Icmp => _icmpSender;
    internal Reassembler Reassembler => _input.Reassembler;

    internal void Attach(TcpLayer tcp, DatagramLayer datagrams)
    {
        (_tcp, _datagrams) = (tcp, datagrams);
        IcmpInput icmp = new(_icmpSender, tcp, datagrams);
        _input.Attach(tcp, datagrams, icmp);
        _neighbors.Attach(_arp, _discovery, icmp);
    }

    internal InterfaceId AddInterface(InterfaceOptions options)
    {
        NetworkInterface added = _interfaces.Add(options);
        if (options.AcceptRouterAdvertisements) added.Configuration = new LinkConfiguration(_configuration, added);
        if (options.RouterAdvertisements is { } advertised) added.Advertiser = new RouterAdvertiser(_context, added, _discovery, advertised);
        return added.Id;
    }

    internal OpStatus SetRouterAdvertisements(InterfaceId id, RouterAdvertisementOptions? advertised, Instant now)
    {
        if (_interfaces.Find(id) is not { IsInternal: false } on) return OpStatus.Stale;
        if (on.Options.AcceptRouterAdvertisements) return OpStatus.InvalidState;
        advertised?.Check(on.Link.Mtu);
        if (advertised is null)
        {
            on.Advertiser?.End(now);
            return OpStatus.Ok;
        }
        on.Advertiser?.Stop();
        on.Advertiser = new RouterAdvertiser(_context, on, _discovery, advertised);
        if (on.IsUp) StartAdvertising(on, now);
        return OpStatus.Ok;
    }

    private void StartAdvertising(NetworkInterface on, Instant now)
    {
        if (on.Advertiser is not { IsEnding: false } advertiser || !on.Speaks(v4: false)) return;
        _configuration.EnsureLinkLocal(on, now);
        advertiser.Begin(now);
    }

    internal AdvertisedConfiguration AdvertisedTo(InterfaceId id) =>
        _interfaces.Find(id) is { IsInternal: false } on ? Autoconfiguration.Describe(on) : AdvertisedConfiguration.None;

    internal void SetLink(InterfaceId id, LinkProperties properties, bool up, Instant now)
    {
        if (_interfaces.Find(id) is not { IsInternal: false } changed) return;
        InterfaceTable.CheckLink(properties, changed.Mac);
        bool rebuilt = changed.Link.Medium != properties.Medium || changed.Link.Offloads != properties.Offloads
            || changed.Link.Mtu != properties.Mtu;
        bool wentUp = up && !changed.IsUp;
        changed.Link = properties;
        changed.IsUp = up;
        // Packets in the form of the former link are of no use to this one, and after an outage nobody waits for them.
        if (!up || rebuilt)
        {
            DropOutput(changed);
            _neighbors.Forget(changed, DropReason.InterfaceDown);
        }
        _tcp.LinkChanged(changed, now);
        // Whoever waits for room learns what has become of the link, be it that there is none.
        _datagrams.RoomAgain(changed);
        if (!up || wentUp) LinkChanged(changed, wentUp, now);
    }

    private void LinkChanged(NetworkInterface changed, bool wentUp, Instant now)
    {
        _addresses.LinkChanged(changed, wentUp, now);
        if (wentUp)
        {
            _configuration.LinkCameUp(changed, now);
            StartAdvertising(changed, now);
            return;
        }
        _configuration.LinkWentDown(changed);
        changed.Advertiser?.LinkWentDown();
    }

    internal OpStatus AddAddress(InterfaceId id, IpAddress address, int prefixLength, Instant now) =>
        _addresses.Add(id, address, prefixLength, now);

    internal OpStatus RemoveAddress(InterfaceId id, IpAddress address) => _addresses.Remove(id, address);

    internal IReadOnlyList<AddressInfo> AddressesOf(InterfaceId id)
    {
        if (_interfaces.Find(id) is not { IsInternal: false } on) return [];
        List<AddressInfo> all = new(on.Addresses.Count + on.Unassigned.Count);
        foreach (OwnAddress own in on.Addresses) all.Add(own.Info);
        foreach (OwnAddress own in on.Unassigned) all.Add(own.Info);
        return all;
    }

    internal OpStatus AddRoute(Route route)
    {
        if (_interfaces.Find(route.Interface) is not { IsInternal: false }) return OpStatus.Stale;
        bool isV4 = route.Destination.Address.IsV4;
        if (route.Gateway is { } gateway && (gateway.IsV4 != isV4 || !gateway.IsHost)) return OpStatus.InvalidAddress;
        return _router.Routes.Add(route);
    }

    internal OpStatus RemoveRoute(Route route) => _router.Routes.Remove(route);

    internal void Receive(InterfaceId from, ref PacketQueue batch, Instant now)
    {
        _now = now;
        NetworkInterface? source = _interfaces.Find(from);
        Packet? packet = null;
        // Returned together: the pool's lock is then taken once.
        PacketQueue done = default;
        try
        {
            while ((packet = batch.Take()) is not null)
            {
                _context.Counters.PacketsReceived++;
                _context.Counters.BytesReceived += packet.Length;
                if (source is { IsUp: true }) _input.Receive(source, packet, now); else _context.Drop(DropReason.InterfaceDown);
                done.Add(packet);
            }
        }
        finally
        {
            // Only a bug of ours throws; it may cost this stack, but not the process's packets.
            packet?.Return();
            done.ReturnAll();
            batch.ReturnAll();
        }
    }

    /// <summary>Delivers what the internal interface (own addresses) holds, bounded; what remains makes <c>NextDeadline</c> due.</summary>
    internal void DeliverLocal(Instant now)
    {
        _now = now;
        NetworkInterface local = _interfaces.Internal;
        for (int budget = LocalBudget; budget > 0 && HasOutput(local); budget--)
        {
            if (TakeNext(local, now) is not { } packet) break;
            _input.Receive(local, packet, now);
            packet.Return();
        }
        if (HasOutput(local)) _context.Timers.Arm(_localWork, now);
        if (local.FirstWaiting is not null) _datagrams.RoomAgain(local);
    }

    internal bool HasOutput(InterfaceId to) => _interfaces.Find(to) is { } found && HasOutput(found);

    internal void Transmit(InterfaceId to, ref PacketQueue queue, int budget, Instant now)
    {
        _now = now;
        if (_interfaces.Find(to) is not { IsUp: true, IsInternal: false } from) return;
        while (budget-- > 0 && TakeNext(from, now) is { } packet)
        {
            _context.Counters.PacketsSent++;
            _context.Counters.BytesSent += packet.Length;
            queue.Add(packet);
        }
        if (from.FirstWaiting is not null && from.Output.Count <= _context.Options.MaxTransmitQueue / 2) _datagrams.RoomAgain(from);
    }

    /// <summary>Finds the way out; <paramref name="source"/> unspecified lets IP choose one (RFC 6724).</summary>
    internal OpStatus TryRoute(IpAddress destination, IpAddress source, out RouteDecision decision) =>
        _router.TryRoute(destination, source, InterfaceId.None, _now, out decision);

    /// <summary>
    /// The way back for an answer to something that came in on this interface: used by any-IP connections, whose local address is not ours.
    /// </summary>
    internal RouteDecision RouteVia(NetworkInterface via, IpAddress localAddress, IpAddress destination) =>
        _router.RouteVia(via, localAddress, destination, _now);

    /// <summary>Rents a packet with room for the transport header and payload and all headers below.</summary>
    internal bool TryRent(int transportLength, out Packet packet) =>
        _context.Pool.TryRent(PacketPool.SizeFor(transportLength + Packet.Headroom), out packet);

    /// <summary>
    /// Takes a transport packet (header and payload, checksum field zero) and puts it, with IP and link headers, into the interface's
    /// output, or with the neighbor that must answer first, or delivers it locally. Computes the transport checksum, or leaves it partial
    /// where the link takes that. <see cref="Packet.Segmentation"/> must be set by the caller for super-segments. Owns the packet.
    /// </summary>
    internal DropReason Send(Packet packet, in RouteDecision route, in IpSend send, Instant now) => _output.Send(packet, route, send, now);

    /// <summary>Whether so many packets find room in front of a link.</summary>
    internal bool HasRoom(NetworkInterface to, int count) => _output.HasRoom(to, count);

    /// <summary>
    /// Answers a flow of any-IP mode by ICMP: rebuilds the head of the packet remote → local and quotes it. Rate-limited.
    /// </summary>
    internal void SendUnreachable(NetworkInterface via, in FlowKey flow, ReadOnlySpan<byte> transportStart, NetworkFailure failure, int mtu,
        Instant now) =>
        _icmpSender.SendUnreachable(via, flow, transportStart, failure, mtu, now);

    /// <summary>A transport's peer has acknowledged something new that went this way: the next hop gets what it is sent.</summary>
    internal void ConfirmForward(in RouteDecision route, Instant now)
    {
        if (route.Interface.Link.Medium == LinkMedium.Ethernet) _neighbors.ConfirmForward(route.Interface, route.NextHop, now);
    }

    /// <summary>Remembers a path MTU learned from ICMP or probing; returns the one now in force.</summary>
    internal int LearnPathMtu(IpAddress destination, int mtu, Instant now) => _router.LearnPathMtu(destination, mtu, now);

    private static bool HasOutput(NetworkInterface to) =>
        to.IsUp && (!to.Output.IsEmpty || !to.TcpOutput.IsEmpty || to.FirstReady is not null);

    /// <summary>The next packet to leave: TCP's and the others' in turn, whichever has one.</summary>
    private Packet? TakeNext(NetworkInterface from, Instant now)
    {
        for (int attempt = 0; attempt < 2; attempt++)
        {
            from.IsTcpTurn = !from.IsTcpTurn;
            Packet? packet = from.IsTcpTurn ? TakeFromTcp(from, now) : from.Output.Take();
            if (packet is not null) return packet;
        }
        return null;
    }

    private Packet? TakeFromTcp(NetworkInterface from, Instant now)
    {
        if (from.TcpOutput.IsEmpty && from.FirstReady is not null)
        {
            from.IsCollecting = true;
            // A packet may go to a neighbor's queue, and a connection may find that it has nothing to say after all.
            for (int tries = 0; tries < FruitlessLimit && from.TcpOutput.IsEmpty; tries++)
            {
                if (!_tcp.TransmitOne(from, now)) break;
            }
            from.IsCollecting = false;
        }
        return from.TcpOutput.Take();
    }

    private void DropOutput(NetworkInterface from)
    {
        for (int count = from.Output.Count + from.TcpOutput.Count; count > 0; count--) _context.Drop(DropReason.InterfaceDown);
        from.Output.ReturnAll();
        from.TcpOutput.ReturnAll();
    }
}
