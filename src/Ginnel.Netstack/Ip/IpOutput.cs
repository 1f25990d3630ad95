using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>Packets on their way down: checksum, IP header, fragments, link header, and the queue in front of the link.</summary>
internal sealed class IpOutput(StackContext context)
{
    private const int FragmentAlignment = 8;
    private readonly Identifications _identifications = new(context.Entropy);

    /// <summary>Who finds stations on Ethernet.</summary>
    internal NeighborResolver Neighbors { get; set; } = null!;

    /// <summary>Sends a transport packet; owns it. Drops are counted here.</summary>
    internal DropReason Send(Packet packet, in RouteDecision route, in IpSend send, Instant now)
    {
        DropReason reason = route.Interface is null ? DropReason.NoRoute
            : send.HopLimit != 0 || route.Interface.AdvertisedHopLimit == 0 || send.Destination.IsV4 ? TrySend(packet, route, send, now)
            : TrySend(packet, route, send with { HopLimit = route.Interface.AdvertisedHopLimit }, now);
        if (reason == DropReason.None) return reason;
        context.Drop(reason);
        packet.Return();
        return reason;
    }

    /// <summary>Puts a finished IP packet behind its link header; owns it only if it succeeds.</summary>
    internal DropReason SendFinished(NetworkInterface to, Packet packet, IpAddress nextHop, MacAddress station, Instant now)
    {
        if (!to.IsUp) return DropReason.InterfaceDown;
        if (to.Link.Medium == LinkMedium.Ip) return Enqueue(to, packet);
        if (station.IsZero && !TryMapGroup(to, nextHop, out station)) return Neighbors.SendTo(to, packet, nextHop, now);
        return EnqueueFrame(to, packet, station);
    }

    /// <summary>Puts the Ethernet header in front and the frame into the queue; owns the packet only if it succeeds.</summary>
    internal DropReason EnqueueFrame(NetworkInterface to, Packet packet, MacAddress station)
    {
        if (!HasRoom(to, 1)) return DropReason.TransmitQueueFull;
        bool v4 = packet.Span[0] >> 4 == 4;
        return EnqueueFrame(to, packet, station, v4 ? EtherType.IpV4 : EtherType.IpV6);
    }

    internal DropReason EnqueueFrame(NetworkInterface to, Packet packet, MacAddress station, EtherType type)
    {
        if (!HasRoom(to, 1)) return DropReason.TransmitQueueFull;
        new EthernetHeader { Destination = station, Source = to.Mac, Type = type }.Write(packet.Prepend(EthernetHeader.Size));
        return Enqueue(to, packet);
    }

    private DropReason TrySend(Packet packet, in RouteDecision route, in IpSend send, Instant now)
    {
        NetworkInterface to = route.Interface;
        if (!to.IsUp) return DropReason.InterfaceDown;
        bool v4 = send.Destination.IsV4;
        int headerSize = v4 ? IpV4Header.MinimumSize : IpV6Header.Size;
        if (packet.Length + (v4 ? headerSize : 0) > IpV4Header.MaximumTotalLength) return DropReason.PacketTooBig;
        bool isSuper = packet.Segmentation.Kind != SegmentationKind.None;
        int mtu = route.PathMtu == 0 ? to.Link.Mtu : Math.Min(route.PathMtu, to.Link.Mtu);
        if (!isSuper && packet.Length + headerSize > mtu)
        {
            if (send.DontFragment || (!v4 && mtu < IpV6Header.MinimumMtu)) return DropReason.PacketTooBig;
            return SendFragments(packet, route, send, mtu, now);
        }
        if (!HasRoom(to, 1)) return DropReason.TransmitQueueFull;
        WriteChecksum(packet, send, (to.Link.Offloads & LinkOffloads.PartialChecksum) != 0);
        WriteHeader(packet, send, to);
        return SendFinished(to, packet, route.NextHop, send.LinkDestination, now);
    }

    /// <summary>
    /// Cuts a packet (RFC 791 section 3.2, RFC 8200 section 4.5). All fragments find room or none is sent, for a datagram with a hole
    /// only costs its receiver memory.
    /// </summary>
    private DropReason SendFragments(Packet packet, in RouteDecision route, in IpSend send, int mtu, Instant now)
    {
        NetworkInterface to = route.Interface;
        bool v4 = send.Destination.IsV4;
        int overhead = v4 ? IpV4Header.MinimumSize : IpV6Header.Size + IpV6FragmentHeader.Size;
        int share = (mtu - overhead) / FragmentAlignment * FragmentAlignment;
        int count = (packet.Length + share - 1) / share;
        if (!HasRoom(to, count)) return DropReason.TransmitQueueFull;
        WriteChecksum(packet, send, canBePartial: false);
        // Unpredictable, so that a stranger can neither inject fragments nor count our packets (RFC 7739 section 5).
        uint identification = _identifications.Next();
        ReadOnlySpan<byte> rest = packet.Span;
        int offset = 0;
        while (!rest.IsEmpty)
        {
            int length = Math.Min(share, rest.Length);
            if (!context.Pool.TryRent(PacketPool.SizeFor(length + Packet.Headroom), out Packet fragment)) return DropReason.OutOfBuffers;
            fragment.Write(rest[..length]);
            rest = rest[length..];
            if (v4) WriteFragmentV4(fragment, send, identification, offset, !rest.IsEmpty);
            else WriteFragmentV6(fragment, send, identification, offset, !rest.IsEmpty);
            offset += length;
            DropReason reason = SendFinished(to, fragment, route.NextHop, send.LinkDestination, now);
            if (reason == DropReason.None) continue;
            fragment.Return();
            return reason;
        }
        packet.Return();
        return DropReason.None;
    }

    private void WriteFragmentV4(Packet fragment, in IpSend send, uint identification, int offset, bool more)
    {
        IpV4Header header = HeaderV4(send, IpV4Header.MinimumSize + fragment.Length);
        header.Identification = (ushort)identification;
        header.FragmentOffset = (ushort)offset;
        header.MoreFragments = more;
        header.Write(fragment.Prepend(IpV4Header.MinimumSize));
    }

    private void WriteFragmentV6(Packet fragment, in IpSend send, uint identification, int offset, bool more)
    {
        new IpV6FragmentHeader
        {
            NextHeader = send.Protocol, FragmentOffset = (ushort)offset, MoreFragments = more, Identification = identification,
        }.Write(fragment.Prepend(IpV6FragmentHeader.Size));
        IpV6Header header = HeaderV6(send, fragment.Length);
        header.NextHeader = IpProtocol.Fragment;
        header.Write(fragment.Prepend(IpV6Header.Size));
    }

    private void WriteHeader(Packet packet, in IpSend send, NetworkInterface to)
    {
        if (!send.Destination.IsV4)
        {
            HeaderV6(send, packet.Length).Write(packet.Prepend(IpV6Header.Size));
            return;
        }
        IpV4Header header = HeaderV4(send, IpV4Header.MinimumSize + packet.Length);
        header.DontFragment = send.DontFragment;
        // An atomic packet's identification means nothing and is zero, which tells nobody how much we send (RFC 6864 section 4.1).
        header.Identification = send.DontFragment || to.IsInternal ? (ushort)0 : (ushort)_identifications.Next();
        header.Write(packet.Prepend(IpV4Header.MinimumSize));
    }

    private IpV4Header HeaderV4(in IpSend send, int totalLength) => new()
    {
        TotalLength = (ushort)totalLength, TrafficClass = send.ServiceOctet, HopLimit = HopLimit(send), Protocol = send.Protocol,
        Source = send.Source, Destination = send.Destination,
    };

    private IpV6Header HeaderV6(in IpSend send, int payloadLength) => new()
    {
        PayloadLength = (ushort)payloadLength, TrafficClass = send.ServiceOctet, FlowLabel = send.FlowLabel, HopLimit = HopLimit(send),
        NextHeader = send.Protocol, Source = send.Source, Destination = send.Destination,
    };

    private byte HopLimit(in IpSend send) => send.HopLimit == 0 ? context.Options.HopLimit : send.HopLimit;

    private static void WriteChecksum(Packet packet, in IpSend send, bool canBePartial)
    {
        Span<byte> transport = packet.Span;
        int at = send.Protocol switch
        {
            IpProtocol.Tcp => 16,
            IpProtocol.Udp => 6,
            IpProtocol.Icmp or IpProtocol.IcmpV6 => 2,
            _ => -1,
        };
        if (at < 0) return;
        bool isIcmp = at == 2;
        ulong sum = send.Protocol == IpProtocol.Icmp
            ? 0
            : Checksum.PseudoHeader(send.Source, send.Destination, send.Protocol, transport.Length);
        if (canBePartial && !isIcmp)
        {
            // Whoever completes it adds the transport's bytes, this field included.
            BinaryPrimitives.WriteUInt16BigEndian(transport[at..], Checksum.Fold(sum));
            packet.Checksum = ChecksumState.Partial;
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(transport[at..], 0);
        int head = transport.Length - send.SummedLength;
        ushort checksum = (ushort)~Checksum.Fold(Checksum.Combine(Checksum.Sum(transport[..head], sum), head, send.Sum));
        if (checksum == 0 && send.Protocol == IpProtocol.Udp) checksum = 0xFFFF;
        BinaryPrimitives.WriteUInt16BigEndian(transport[at..], checksum);
        packet.Checksum = ChecksumState.Unverified;
    }

    /// <summary>Broadcast and multicast addresses have stations of their own (RFC 1112 section 6.4, RFC 2464 section 7).</summary>
    private static bool TryMapGroup(NetworkInterface to, IpAddress nextHop, out MacAddress station)
    {
        station = nextHop.IsMulticast ? MacAddress.ForMulticast(nextHop) : MacAddress.Broadcast;
        return Router.IsGroup(to, nextHop);
    }

    /// <summary>Whether so many packets find room in front of the link.</summary>
    internal bool HasRoom(NetworkInterface to, int count) => to.IsCollecting || to.Output.Count + count <= context.Options.MaxTransmitQueue;

    private DropReason Enqueue(NetworkInterface to, Packet packet)
    {
        if (!HasRoom(to, 1)) return DropReason.TransmitQueueFull;
        if (to.IsCollecting) to.TcpOutput.Add(packet); else to.Output.Add(packet);
        return DropReason.None;
    }
}
