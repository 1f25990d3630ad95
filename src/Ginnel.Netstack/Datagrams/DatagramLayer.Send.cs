using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>Datagrams on their way down, and the failures that the shell reports.</content>
internal sealed partial class DatagramLayer
{
    internal OpStatus Send(SocketId id, in DatagramSend send, ReadOnlySpan<byte> payload, Instant now)
    {
        if (context.Sockets.Find(id) is not DatagramPort port) return OpStatus.Stale;
        if (port.State is DatagramPortState.Pending) return OpStatus.InvalidState;
        if (port.State is DatagramPortState.Abandoned) return OpStatus.Failed;
        IpEndpoint destination = send.Destination;
        if (port.Flow.Protocol == IpProtocol.Udp && destination.Port == 0) return OpStatus.InvalidAddress;
        if (send.SegmentSize < 0 || (send.SegmentSize > 0 && port.Flow.Protocol != IpProtocol.Udp)) return OpStatus.InvalidState;
        OpStatus status = port.State == DatagramPortState.Accepted
            ? RouteAnswer(port, send, now, out RouteDecision route, out IpEndpoint source)
            : RouteOwn(port, send, now, out route, out source);
        if (status != OpStatus.Ok) return status;
        int most = IpV4Header.MaximumTotalLength - HeaderSize - (destination.Address.IsV4 ? IpV4Header.MinimumSize : 0);
        int size = send.SegmentSize == 0 ? payload.Length : Math.Min(send.SegmentSize, payload.Length);
        if (size > most) return OpStatus.MessageTooLong;
        int mtuPayload = route.PathMtu - HeaderSize - (destination.Address.IsV4 ? IpV4Header.MinimumSize : IpV6Header.Size);
        if (port.Options.DontFragment && size > mtuPayload) return OpStatus.MessageTooLong;
        int each = size < payload.Length && size <= mtuPayload && TakesSegments(route.Interface)
            ? Math.Min(most / size, MaxSegments) * size
            : size;
        int count = each == 0 ? 1 : (payload.Length + each - 1) / each;
        if (count > context.Options.MaxTransmitQueue) return OpStatus.MessageTooLong;
        if (!ip.HasRoom(route.Interface, count))
        {
            Wait(port, route.Interface);
            return OpStatus.WouldBlock;
        }
        do
        {
            ReadOnlySpan<byte> part = payload[..Math.Min(each, payload.Length)];
            payload = payload[part.Length..];
            status = SendOne(port, send, source, route, part, part.Length > size ? size : 0, now);
        }
        while (status == OpStatus.Ok && !payload.IsEmpty);
        return status;
    }

    /// <summary>Tells the source of an accepted port by ICMP that a target failed, as though the network had said so.</summary>
    internal OpStatus ReportFailure(SocketId id, IpEndpoint target, NetworkFailure failure, int mtu, Instant now)
    {
        if (context.Sockets.Find(id) is not DatagramPort port) return OpStatus.Stale;
        if (port.State != DatagramPortState.Accepted) return OpStatus.InvalidState;
        if (target.Address.IsV4 != port.Flow.Remote.Address.IsV4) return OpStatus.InvalidAddress;
        Answer(port, target, failure, mtu, port.LastLength, port.LastEchoSequence, [], now);
        return OpStatus.Ok;
    }

    private const int HeaderSize = 8;

    /// <summary>Datagrams in one super-segment; Linux takes no more (UDP_MAX_SEGMENTS).</summary>
    private const int MaxSegments = 64;

    private static bool TakesSegments(NetworkInterface to) =>
        to.Link.Offloads.HasFlag(LinkOffloads.UdpSegmentation | LinkOffloads.PartialChecksum);

    /// <summary>An any-IP port speaks to its source only, and as the endpoint that the source called.</summary>
    private OpStatus RouteAnswer(DatagramPort port, in DatagramSend send, Instant now, out RouteDecision route, out IpEndpoint source)
    {
        route = default;
        source = send.Source;
        bool isSourcePossible = !source.Address.IsUnspecified && !source.Address.IsMulticast;
        if (send.Destination != port.Flow.Remote || !isSourcePossible) return OpStatus.InvalidAddress;
        if (source.Address.IsV4 != send.Destination.Address.IsV4) return OpStatus.InvalidAddress;
        if (!port.Interface!.IsUp) return OpStatus.NoRoute;
        route = ip.Router.RouteVia(port.Interface, source.Address, send.Destination.Address, now);
        return OpStatus.Ok;
    }

    private OpStatus RouteOwn(DatagramPort port, in DatagramSend send, Instant now, out RouteDecision route, out IpEndpoint source)
    {
        IpAddress destination = send.Destination.Address;
        IpEndpoint local = port.Flow.Local;
        route = default;
        source = local;
        IpProtocol protocol = port.Flow.Protocol;
        if (protocol != IpProtocol.Udp && destination.IsV4 != (protocol == IpProtocol.Icmp)) return OpStatus.InvalidAddress;
        if (destination.IsV4 != local.Address.IsV4 && !(local.Address.IsV6 && local.Address.IsUnspecified && port.Options.DualStack))
            return OpStatus.InvalidAddress;
        IpAddress wanted = local.Address;
        if (!send.Source.Address.IsUnspecified)
        {
            if (send.Source.Port != 0 && send.Source.Port != local.Port) return OpStatus.InvalidAddress;
            if (!wanted.IsUnspecified && wanted != send.Source.Address) return OpStatus.InvalidAddress;
            wanted = send.Source.Address;
        }
        if (wanted.IsUnspecified) wanted = default;
        OpStatus status = ip.Router.TryRoute(destination, wanted, port.Interface?.Id ?? InterfaceId.None, now, out route);
        if (status == OpStatus.NoRoute && MaySendWithoutAddress(port, destination))
            status = RouteWithoutAddress(port, destination, out route);
        if (status != OpStatus.Ok) return status;
        if (!route.Interface.IsUp) return OpStatus.NoRoute;
        bool isBroadcast = destination.IsLimitedBroadcast || route.Interface.IsDirectedBroadcast(destination);
        if (isBroadcast && !port.Options.Broadcast) return OpStatus.InvalidAddress;
        source = new IpEndpoint(route.Source, local.Port);
        return OpStatus.Ok;
    }

    /// <summary>A DHCP client calls out as 0.0.0.0 on a named interface (RFC 2131 section 4.1).</summary>
    private static bool MaySendWithoutAddress(DatagramPort port, IpAddress destination) =>
        port.Options.Broadcast && port.Interface is { } on && destination.IsLimitedBroadcast && !on.TryGetAddress(v4: true, out _);

    private static OpStatus RouteWithoutAddress(DatagramPort port, IpAddress destination, out RouteDecision route)
    {
        route = new RouteDecision(port.Interface!, destination, IpAddress.AnyV4, port.Interface!.Link.Mtu);
        return OpStatus.Ok;
    }

    private OpStatus SendOne(
        DatagramPort port, in DatagramSend send, IpEndpoint source, in RouteDecision route, ReadOnlySpan<byte> payload, int segmentSize,
        Instant now)
    {
        if (!ip.TryRent(HeaderSize + payload.Length, out Packet packet))
        {
            context.Drop(DropReason.OutOfBuffers);
            return OpStatus.LimitReached;
        }
        Span<byte> bytes = packet.Append(HeaderSize + payload.Length);
        if (port.Flow.Protocol == IpProtocol.Udp)
        {
            WriteUdp(bytes, source.Port, send.Destination.Port, payload);
        }
        else
        {
            // Requests carry our identifier, replies the asker's.
            ushort identifier = send.EchoRequest ? source.Port : send.Destination.Port;
            IcmpSender.WriteEcho(bytes, source.Address.IsV4, send.EchoRequest, identifier, send.EchoSequence, payload);
        }
        if (segmentSize > 0) packet.Segmentation = new Segmentation(SegmentationKind.Udp, (ushort)segmentSize);
        IpSend header = new(source.Address, send.Destination.Address, port.Flow.Protocol, send.HopLimit, port.Options.DontFragment,
            LinkDestination: send.LinkDestination, TrafficClass: port.Options.TrafficClass,
            FlowLabel: port.LabelOf(source, send.Destination, context.FlowLabels));
        return ip.Send(packet, route, header, now) switch
        {
            DropReason.PacketTooBig => OpStatus.MessageTooLong,
            DropReason.OutOfBuffers => OpStatus.LimitReached,
            DropReason.InterfaceDown or DropReason.NoRoute => OpStatus.NoRoute,
            // Anything else is the network's way of losing a datagram, and is counted.
            _ => OpStatus.Ok,
        };
    }

    private static void WriteUdp(Span<byte> destination, ushort from, ushort to, ReadOnlySpan<byte> payload)
    {
        new UdpHeader { SourcePort = from, DestinationPort = to, Length = (ushort)(HeaderSize + payload.Length) }.Write(destination);
        payload.CopyTo(destination[HeaderSize..]);
    }

    /// <summary>Answers each datagram that a rejected source has sent so far.</summary>
    private void AnswerAll(DatagramPort port, NetworkFailure reason, Instant now)
    {
        if (reason == NetworkFailure.None) return;
        Span<byte> start = stackalloc byte[32];
        while (port.Queue.TryTake(start, out DatagramRecord record, context))
        {
            ReadOnlySpan<byte> quoted = start[..Math.Min(start.Length, record.Length)];
            Answer(port, record.Destination, reason, 0, record.Length, record.EchoSequence, quoted, now);
        }
    }

    private void Answer(
        DatagramPort port, IpEndpoint target, NetworkFailure failure, int mtu, int length, ushort sequence, ReadOnlySpan<byte> payload,
        Instant now)
    {
        Span<byte> transport = stackalloc byte[HeaderSize + 32];
        IpEndpoint guest = port.Flow.Remote;
        if (port.Flow.Protocol == IpProtocol.Udp)
        {
            WriteUdp(transport, guest.Port, target.Port, payload);
            BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)(HeaderSize + length));
        }
        else
        {
            IcmpSender.WriteEcho(transport, guest.Address.IsV4, isRequest: true, guest.Port, sequence, payload);
            // There is no port to be unreachable: for a ping the host is.
            if (failure == NetworkFailure.Refused) failure = NetworkFailure.HostUnreachable;
        }
        FlowKey flow = new(port.Flow.Protocol, target, guest);
        ip.SendUnreachable(port.Interface!, flow, transport[..(HeaderSize + payload.Length)], failure, mtu, now);
    }
}
