using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Packets on their way up: frames and IP headers are checked, fragments joined, addresses judged, and what is left goes to TCP,
/// datagrams or ICMP. Never throws, whatever the bytes; every packet that goes no further is counted under its reason.
/// </summary>
internal sealed partial class IpInput(StackContext context, InterfaceTable interfaces, IcmpSender errors)
{
    private TcpLayer _tcp = null!;
    private DatagramLayer _datagrams = null!;
    private IcmpInput _icmp = null!;
    private ArpProtocol _arp = null!;
    private NeighborDiscovery _discovery = null!;
    private NeighborResolver _neighbors = null!;

    internal void Attach(TcpLayer tcp, DatagramLayer datagrams, IcmpInput icmp) => (_tcp, _datagrams, _icmp) = (tcp, datagrams, icmp);

    internal void Attach(NeighborResolver neighbors, ArpProtocol arp, NeighborDiscovery discovery) =>
        (_neighbors, _arp, _discovery) = (neighbors, arp, discovery);

    /// <summary>What came with the bytes of an IP packet.</summary>
    /// <param name="Interface">Where it came in.</param>
    /// <param name="Station">On Ethernet its sender.</param>
    /// <param name="IsLinkGroup">Whether the frame went to more than one station.</param>
    /// <param name="Segmentation">The packet's segmentation.</param>
    /// <param name="Checksum">What is known of its transport checksum.</param>
    /// <param name="IsReassembled">Whether we put it together ourselves.</param>
    internal readonly record struct Arrival(
        NetworkInterface Interface, MacAddress Station, bool IsLinkGroup, Segmentation Segmentation, ChecksumState Checksum,
        bool IsReassembled);

    /// <summary>Takes in one packet of a link; the caller keeps it and returns it afterwards.</summary>
    internal void Receive(NetworkInterface from, Packet packet, Instant now)
    {
        Arrival arrival = new(from, default, false, packet.Segmentation, packet.Checksum, false);
        DropReason reason = from.Link.Medium == LinkMedium.Ethernet
            ? ReceiveFrame(packet.Span, arrival, now)
            : ReceiveIp(packet.Span, arrival, now);
        if (reason != DropReason.None) context.Drop(reason);
    }

    private DropReason ReceiveFrame(ReadOnlySpan<byte> bytes, in Arrival arrival, Instant now)
    {
        DropReason reason = EthernetView.TryParse(bytes, out EthernetView frame);
        if (reason != DropReason.None) return reason;
        NetworkInterface from = arrival.Interface;
        MacAddress destination = frame.Destination;
        if (destination != from.Mac && !destination.IsGroup) return DropReason.NotOurMac;
        // A frame of our own that comes back, or a station that claims to be us.
        if (frame.Source == from.Mac || frame.Source.IsZero) return DropReason.BadSource;
        Arrival inner = arrival with { Station = frame.Source, IsLinkGroup = destination.IsGroup };
        if (frame.Type == EtherType.Arp) return _arp.Receive(frame.Payload, inner, now);
        bool isV6 = frame.Type == EtherType.IpV6;
        if (isV6 && !from.Options.IpV6) return DropReason.UnknownEtherType;
        if (!frame.Payload.IsEmpty && frame.Payload[0] >> 4 != (isV6 ? 6 : 4)) return DropReason.BadVersion;
        return ReceiveIp(frame.Payload, inner, now);
    }

    private DropReason ReceiveIp(ReadOnlySpan<byte> bytes, in Arrival arrival, Instant now)
    {
        if (bytes.IsEmpty) return DropReason.Truncated;
        return (bytes[0] >> 4) switch
        {
            4 => ReceiveV4(bytes, arrival, now),
            6 when arrival.Interface.Options.IpV6 => ReceiveV6(bytes, arrival, now),
            _ => DropReason.BadVersion,
        };
    }

    private DropReason ReceiveV4(ReadOnlySpan<byte> bytes, in Arrival arrival, Instant now)
    {
        DropReason reason = IpV4View.TryParse(bytes, out IpV4View view);
        if (reason == DropReason.BadOption) ReportBadOption(bytes, arrival, now);
        if (reason != DropReason.None) return reason;
        bool isTrusted = arrival.IsReassembled || arrival.Interface.IsInternal;
        if (!isTrusted && !view.IsChecksumValid) return DropReason.BadChecksum;
        // RFC 6274 section 3.13.2.3: a host that is not a router by choice refuses to be one by option.
        if (view.IsSourceRouted) return DropReason.SourceRouted;
        IpAddress source = view.Source, destination = view.Destination;
        reason = JudgeV4(arrival, source, destination, view.Protocol, out bool isOwn, out bool isBroadcast);
        if (reason == DropReason.None) reason = CheckSegmentation(arrival, view.Protocol, v4: true, view.IsFragment);
        if (reason != DropReason.None) return reason;
        if (!arrival.Station.IsZero && !source.IsUnspecified) _neighbors.Hear(arrival.Interface, source, arrival.Station);
        if (view.IsFragment) return ReceiveFragment(view, arrival, isOwn, now);
        ReceivedPacket packet = new()
        {
            Interface = arrival.Interface, Source = source, Destination = destination, Protocol = view.Protocol, HopLimit = view.HopLimit,
            Ecn = (EcnCodepoint)(view.TrafficClass & 3), IsForOwnAddress = isOwn, IsBroadcast = isBroadcast || arrival.IsLinkGroup,
            IpBytes = view.Bytes, Transport = view.Payload, Segmentation = arrival.Segmentation, Checksum = arrival.Checksum,
        };
        if (IsSpent(packet, now)) return DropReason.HopLimitExceeded;
        switch (view.Protocol)
        {
            case IpProtocol.Tcp: _tcp.Receive(packet, now); return DropReason.None;
            case IpProtocol.Udp: _datagrams.Receive(packet, now); return DropReason.None;
            case IpProtocol.Icmp: return _icmp.ReceiveV4(packet, now);
            default:
                // RFC 1122 section 3.2.2.1: protocol unreachable.
                if (!packet.IsBroadcast) errors.SendError(packet, NetworkFailure.ProtocolUnreachable, now);
                return DropReason.UnknownProtocol;
        }
    }

    private DropReason ReceiveV6(ReadOnlySpan<byte> bytes, in Arrival arrival, Instant now)
    {
        DropReason reason = IpV6View.TryParse(bytes, out IpV6View view, out IpV6Problem problem);
        if (reason != DropReason.None && !problem.IsPresent) return reason;
        IpAddress source = view.Source, destination = view.Destination;
        DropReason judged = JudgeV6(arrival, source, destination, view.Protocol, out bool isOwn, out bool isBroadcast);
        if (judged != DropReason.None) return reason == DropReason.None ? judged : reason;
        ReceivedPacket packet = new()
        {
            Interface = arrival.Interface, Source = source, Destination = destination, Protocol = view.Protocol, HopLimit = view.HopLimit,
            Ecn = (EcnCodepoint)(view.TrafficClass & 3), IsForOwnAddress = isOwn, IsBroadcast = isBroadcast || arrival.IsLinkGroup,
            IpBytes = view.Bytes, Transport = view.Payload, Segmentation = arrival.Segmentation, Checksum = arrival.Checksum,
        };
        if (reason != DropReason.None)
        {
            if (!packet.IsBroadcast || problem.EvenIfMulticast) errors.SendParameterProblem(packet, problem.Code, problem.Pointer, now);
            return reason;
        }
        reason = CheckSegmentation(arrival, view.Protocol, v4: false, view.IsFragment);
        if (reason != DropReason.None) return reason;
        // Discovery says more than the frame does, and is judged by its own rules.
        if (!arrival.Station.IsZero && !source.IsUnspecified && view.Protocol != IpProtocol.IcmpV6)
            _neighbors.Hear(arrival.Interface, source, arrival.Station);
        // A fragment header inside a reassembled packet would make the work recursive.
        if (arrival.IsReassembled && view.HasFragmentHeader) return DropReason.BadFragment;
        if (view.IsFragment) return ReceiveFragment(view, arrival, isOwn, now);
        if (IsSpent(packet, now)) return DropReason.HopLimitExceeded;
        switch (view.Protocol)
        {
            case IpProtocol.Tcp: _tcp.Receive(packet, now); return DropReason.None;
            case IpProtocol.Udp: _datagrams.Receive(packet, now); return DropReason.None;
            case IpProtocol.IcmpV6: return ReceiveIcmpV6(view, packet, arrival, now);
            case IpProtocol.NoNextHeader: return DropReason.Ignored;
            default:
                // RFC 8200 section 4: unrecognised next header.
                if (!packet.IsBroadcast)
                    errors.SendParameterProblem(packet, IpV6ProblemCode.UnrecognizedNextHeader, view.NextHeaderOffset, now);
                return DropReason.UnknownProtocol;
        }
    }

    private DropReason ReceiveIcmpV6(in IpV6View view, in ReceivedPacket packet, in Arrival arrival, Instant now)
    {
        DropReason reason = IcmpV6View.TryParse(packet.Transport, out IcmpV6View icmp);
        if (reason != DropReason.None) return reason;
        bool isValid = packet.Checksum != ChecksumState.Unverified || icmp.IsChecksumValid(packet.Source, packet.Destination);
        if (!isValid) return DropReason.BadChecksum;
        if (icmp.Type is < IcmpV6Type.RouterSolicitation or > IcmpV6Type.Redirect) return _icmp.ReceiveV6(packet, icmp, now);
        // RFC 6980: no discovery in fragments, be they reassembled.
        if (arrival.IsReassembled) return DropReason.BadNeighborMessage;
        reason = NeighborView.TryParse(view, icmp, out NeighborView message);
        return reason == DropReason.None ? _discovery.Receive(message, packet, arrival, now) : reason;
    }

    /// <summary>
    /// Towards the world beyond the link we are the first router, which a packet of hop limit 1 does not get past; so traceroute shows
    /// the gateway, and what is meant for the link stays there (RFC 1812 section 5.3.1). Discovery bears 255 and is for the link.
    /// </summary>
    private bool IsSpent(in ReceivedPacket packet, Instant now)
    {
        if (packet.HopLimit > 1 || packet.IsForOwnAddress || packet.IsBroadcast) return false;
        errors.SendHopLimitExceeded(packet, now);
        return true;
    }

    /// <summary>Segmentation metadata are checked like any header, wherever they came from.</summary>
    private static DropReason CheckSegmentation(in Arrival arrival, IpProtocol protocol, bool v4, bool isFragment)
    {
        Segmentation segmentation = arrival.Segmentation;
        bool fits = segmentation.Kind switch
        {
            SegmentationKind.None => segmentation.SegmentSize == 0,
            SegmentationKind.TcpV4 => v4 && protocol == IpProtocol.Tcp,
            SegmentationKind.TcpV6 => !v4 && protocol == IpProtocol.Tcp,
            SegmentationKind.Udp => protocol == IpProtocol.Udp,
            _ => false,
        };
        if (segmentation.Kind != SegmentationKind.None) fits &= segmentation.SegmentSize > 0 && !isFragment;
        return fits ? DropReason.None : DropReason.BadSegmentation;
    }
}
