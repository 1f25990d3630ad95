using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>IP of one stack: interfaces, neighbors, routes, fragments, ICMP.</summary>
internal sealed class IpLayer(StackContext context)
{
    private TcpLayer _tcp = null!;
    private DatagramLayer _datagrams = null!;

    internal void Attach(TcpLayer tcp, DatagramLayer datagrams) => (_tcp, _datagrams) = (tcp, datagrams);

    internal InterfaceId AddInterface(InterfaceOptions options) => default;
    internal void SetLink(InterfaceId id, LinkProperties properties, bool up, Instant now) { }
    internal OpStatus AddAddress(InterfaceId id, IpAddress address, int prefixLength, Instant now) => OpStatus.InvalidAddress;
    internal OpStatus RemoveAddress(InterfaceId id, IpAddress address) => OpStatus.InvalidAddress;
    internal OpStatus AddRoute(Route route) => OpStatus.NoRoute;
    internal OpStatus RemoveRoute(Route route) => OpStatus.NoRoute;

    internal void Receive(InterfaceId from, ref PacketQueue batch, Instant now) { batch.ReturnAll(); _ = _datagrams; _ = context; }

    /// <summary>Delivers what the internal interface (own addresses) holds, bounded; what remains makes <c>NextDeadline</c> due.</summary>
    internal void DeliverLocal(Instant now) { }

    internal bool HasOutput(InterfaceId to) => false;
    internal void Transmit(InterfaceId to, ref PacketQueue queue, int budget, Instant now) { _ = _tcp; }

    /// <summary>Finds the way out; <paramref name="source"/> unspecified lets IP choose one (RFC 6724).</summary>
    internal OpStatus TryRoute(IpAddress destination, IpAddress source, out RouteDecision decision) { decision = default; return OpStatus.NoRoute; }

    /// <summary>The way back for an answer to something that came in on this interface: used by any-IP connections, whose local address is not ours.</summary>
    internal RouteDecision RouteVia(NetworkInterface via, IpAddress localAddress, IpAddress destination) => default;

    /// <summary>Rents a packet with room for the transport header and payload and all headers below.</summary>
    internal bool TryRent(int transportLength, out Packet packet) => context.Pool.TryRent(PacketPool.SizeFor(transportLength + 128), out packet);

    /// <summary>
    /// Takes a transport packet (header and payload, checksum field zero) and puts it, with IP and link headers, into the interface's
    /// output, or with the neighbor that must answer first, or delivers it locally. Computes the transport checksum, or leaves it partial
    /// where the link takes that. <see cref="Packet.Segmentation"/> must be set by the caller for super-segments. Owns the packet.
    /// </summary>
    internal DropReason Send(Packet packet, in RouteDecision route, in IpSend send, Instant now) { packet.Return(); return DropReason.NoRoute; }

    /// <summary>Answers a flow of any-IP mode by ICMP: rebuilds the head of the packet remote → local and quotes it. Rate-limited.</summary>
    internal void SendUnreachable(NetworkInterface via, in FlowKey flow, ReadOnlySpan<byte> transportStart, NetworkFailure failure, int mtu, Instant now) { }

    /// <summary>Remembers a path MTU learned from ICMP or probing; returns the one now in force.</summary>
    internal int LearnPathMtu(IpAddress destination, int mtu, Instant now) => mtu;
}
