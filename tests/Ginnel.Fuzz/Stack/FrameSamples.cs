using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Fuzz;

/// <summary>Valid packets of every kind that a stack understands, for the mutator to begin from.</summary>
internal static class FrameSamples
{
    internal static readonly IpAddress OwnV4 = IpAddress.Parse("10.0.2.1"), PeerV4 = IpAddress.Parse("10.0.2.9"),
        FarV4 = IpAddress.Parse("203.0.113.7");
    internal static readonly IpAddress OwnV6 = IpAddress.Parse("fd00:2::1"), PeerV6 = IpAddress.Parse("fd00:2::9"),
        FarV6 = IpAddress.Parse("2001:db8::7");
    internal static readonly MacAddress OwnMac = new(0x0200_0000_0001), PeerMac = new(0x0200_0000_0009);

    /// <summary>The samples as IP packets, or as frames with the discovery messages that only Ethernet has.</summary>
    internal static List<byte[]> All(bool ethernet)
    {
        List<byte[]> packets = [];
        foreach (bool v4 in new[] { true, false })
        {
            IpAddress peer = v4 ? PeerV4 : PeerV6;
            foreach (IpAddress to in new[] { v4 ? OwnV4 : OwnV6, v4 ? FarV4 : FarV6 }) AddFlow(packets, peer, to);
            packets.Add(Udp(v4 ? IpAddress.AnyV4 : peer, v4 ? IpAddress.BroadcastV4 : IpAddress.AllNodesV6, 68, 67, new byte[30]));
        }
        packets.Add(IpV6(PeerV6, OwnV6, IpProtocol.HopByHop,
            [(byte)IpProtocol.Udp, 0, 5, 2, 0, 0, 1, 0, .. UdpBytes(PeerV6, OwnV6, 1, 53, [1])]));
        packets.Add(IpV6(PeerV6, OwnV6, IpProtocol.Routing,
            [(byte)IpProtocol.Udp, 2, 0, 1, .. new byte[20], .. UdpBytes(PeerV6, OwnV6, 1, 53, [1])]));
        if (!ethernet) return packets;
        List<byte[]> frames = packets.ConvertAll(packet => Frame(OwnMac, packet[0] >> 4 == 4 ? EtherType.IpV4 : EtherType.IpV6, packet));
        AddDiscovery(frames);
        AddRouters(frames);
        return frames;
    }

    /// <summary>
    /// Makes the IPv4 header checksum right again, and the lengths if wished: without that most mutations would test nothing but
    /// those two checks.
    /// </summary>
    internal static void Repair(Span<byte> packet, bool lengths)
    {
        if (packet.Length < IpV4Header.MinimumSize) return;
        if (lengths && packet[0] >> 4 == 4) BinaryPrimitives.WriteUInt16BigEndian(packet[2..], (ushort)packet.Length);
        if (lengths && packet[0] >> 4 == 6 && packet.Length >= IpV6Header.Size)
            BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)(packet.Length - IpV6Header.Size));
        int header = (packet[0] & 0xF) * 4;
        if (packet[0] >> 4 != 4 || header < IpV4Header.MinimumSize || header > packet.Length) return;
        packet[10] = packet[11] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], Checksum.Compute(packet[..header]));
    }

    /// <summary>Makes the frame one for us that carries what its payload seems to be.</summary>
    internal static void RepairFrame(Span<byte> frame)
    {
        if (frame.Length <= EthernetHeader.Size) return;
        int version = frame[EthernetHeader.Size] >> 4;
        if (version is not (4 or 6)) return;
        new EthernetHeader { Destination = OwnMac, Source = PeerMac, Type = version == 4 ? EtherType.IpV4 : EtherType.IpV6 }.Write(frame);
    }

    private static void AddFlow(List<byte[]> packets, IpAddress peer, IpAddress to)
    {
        bool v4 = peer.IsV4;
        IpProtocol icmp = v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        packets.Add(Udp(peer, to, 4000, 53, new byte[40]));
        packets.Add(Udp(peer, to, 4000, 54, []));
        byte[] echo = new byte[24];
        if (v4) IcmpMessage.WriteEcho(echo, IcmpType.EchoRequest, 7, 1, new byte[16]);
        else IcmpV6Message.WriteEcho(echo, peer, to, IcmpV6Type.EchoRequest, 7, 1, new byte[16]);
        packets.Add(Ip(peer, to, icmp, echo));
        foreach (TcpFlags flags in new[] { TcpFlags.Syn, TcpFlags.Ack, TcpFlags.Ack | TcpFlags.Psh, TcpFlags.Fin | TcpFlags.Ack,
            TcpFlags.Rst })
        {
            packets.Add(Tcp(peer, to, 80, flags));
            packets.Add(Tcp(peer, to, 81, flags));
        }
        byte[] large = UdpBytes(peer, to, 4000, 53, new byte[500]);
        for (int at = 0; at < large.Length; at += 256) packets.Add(Fragment(peer, to, large, at, Math.Min(256, large.Length - at)));
        byte[] quoted = Udp(to, peer, 53, 4000, new byte[8]);
        byte[] error = new byte[8 + quoted.Length];
        if (v4) IcmpMessage.WriteUnreachable(error, IcmpUnreachableCode.Port, quoted);
        else IcmpV6Message.WritePacketTooBig(error, peer, to, 1300, quoted);
        packets.Add(Ip(peer, to, icmp, error));
    }

    private static void AddDiscovery(List<byte[]> frames)
    {
        foreach (ArpOperation operation in new[] { ArpOperation.Request, ArpOperation.Reply })
        {
            byte[] arp = new byte[ArpHeader.Size];
            new ArpHeader { Operation = operation, SenderMac = PeerMac, SenderAddress = PeerV4, TargetMac = OwnMac,
                TargetAddress = OwnV4 }.Write(arp);
            frames.Add(Frame(operation == ArpOperation.Request ? MacAddress.Broadcast : OwnMac, EtherType.Arp, arp));
        }
        byte[] message = new byte[32];
        NeighborMessage.WriteSolicitation(message, PeerV6, OwnV6, OwnV6, PeerMac);
        frames.Add(Frame(OwnMac, EtherType.IpV6, IpV6(PeerV6, OwnV6, IpProtocol.IcmpV6, message, 255)));
        NeighborMessage.WriteAdvertisement(message, PeerV6, OwnV6, PeerV6, PeerMac, false, true, true);
        frames.Add(Frame(OwnMac, EtherType.IpV6, IpV6(PeerV6, OwnV6, IpProtocol.IcmpV6, message, 255)));
    }

    /// <summary>A router that asks, one that tells, and one who checks our address.</summary>
    private static void AddRouters(List<byte[]> frames)
    {
        IpAddress router = IpAddress.Parse("fe80::9"), all = IpAddress.AllNodesV6, routers = IpAddress.AllRoutersV6;
        RouterAdvertisement advertisement = new()
        {
            CurrentHopLimit = 64, RouterLifetimeSeconds = 1_800, SourceLinkLayer = PeerMac, Mtu = 1_400, DnsLifetimeSeconds = 60,
            DnsServers = (IpAddress[])[PeerV6], ReachableMilliseconds = 1_000,
            Prefixes = (PrefixInformation[])[new(new IpPrefix(OwnV6, 64), true, true, 3_600, 600)],
        };
        byte[] message = new byte[advertisement.Size];
        NeighborMessage.WriteRouterAdvertisement(message, router, all, advertisement);
        frames.Add(Frame(MacAddress.ForMulticast(all), EtherType.IpV6, IpV6(router, all, IpProtocol.IcmpV6, message, 255)));
        byte[] question = new byte[16];
        NeighborMessage.WriteRouterSolicitation(question, router, routers, PeerMac);
        frames.Add(Frame(MacAddress.ForMulticast(routers), EtherType.IpV6, IpV6(router, routers, IpProtocol.IcmpV6, question, 255)));
        IpAddress group = IpAddress.SolicitedNode(OwnV6);
        byte[] check = new byte[32];
        NeighborMessage.WriteDuplicateCheck(check, group, OwnV6, 1);
        frames.Add(Frame(MacAddress.ForMulticast(group), EtherType.IpV6, IpV6(IpAddress.AnyV6, group, IpProtocol.IcmpV6, check, 255)));
    }

    private static byte[] Frame(MacAddress to, EtherType type, byte[] payload)
    {
        byte[] frame = new byte[EthernetHeader.Size + payload.Length];
        new EthernetHeader { Destination = to, Source = PeerMac, Type = type }.Write(frame);
        payload.CopyTo(frame, EthernetHeader.Size);
        return frame;
    }

    private static byte[] Ip(IpAddress from, IpAddress to, IpProtocol protocol, byte[] payload)
    {
        if (!from.IsV4) return IpV6(from, to, protocol, payload);
        byte[] packet = new byte[IpV4Header.MinimumSize + payload.Length];
        new IpV4Header { TotalLength = (ushort)packet.Length, HopLimit = 64, Protocol = protocol, Source = from,
            Destination = to }.Write(packet);
        payload.CopyTo(packet, IpV4Header.MinimumSize);
        return packet;
    }

    private static byte[] IpV6(IpAddress from, IpAddress to, IpProtocol next, byte[] payload, byte hopLimit = 64)
    {
        byte[] packet = new byte[IpV6Header.Size + payload.Length];
        new IpV6Header { PayloadLength = (ushort)payload.Length, HopLimit = hopLimit, NextHeader = next, Source = from,
            Destination = to }.Write(packet);
        payload.CopyTo(packet, IpV6Header.Size);
        return packet;
    }

    private static byte[] UdpBytes(IpAddress from, IpAddress to, ushort source, ushort destination, byte[] payload)
    {
        byte[] datagram = new byte[UdpHeader.Size + payload.Length];
        new UdpHeader { SourcePort = source, DestinationPort = destination, Length = (ushort)datagram.Length }.Write(datagram);
        payload.CopyTo(datagram, UdpHeader.Size);
        UdpHeader.WriteChecksum(datagram, from, to);
        return datagram;
    }

    private static byte[] Udp(IpAddress from, IpAddress to, ushort source, ushort destination, byte[] payload) =>
        Ip(from, to, IpProtocol.Udp, UdpBytes(from, to, source, destination, payload));

    private static byte[] Fragment(IpAddress from, IpAddress to, byte[] whole, int at, int length)
    {
        bool more = at + length < whole.Length;
        byte[] part = whole[at..(at + length)];
        if (!from.IsV4)
        {
            byte[] header = new byte[IpV6FragmentHeader.Size];
            new IpV6FragmentHeader { NextHeader = IpProtocol.Udp, FragmentOffset = (ushort)at, MoreFragments = more,
                Identification = 9 }.Write(header);
            return IpV6(from, to, IpProtocol.Fragment, [.. header, .. part]);
        }
        byte[] packet = new byte[IpV4Header.MinimumSize + length];
        new IpV4Header
        {
            TotalLength = (ushort)packet.Length, HopLimit = 64, Protocol = IpProtocol.Udp, Source = from, Destination = to,
                Identification = 9,
            FragmentOffset = (ushort)at, MoreFragments = more,
        }.Write(packet);
        part.CopyTo(packet, IpV4Header.MinimumSize);
        return packet;
    }

    private static byte[] Tcp(IpAddress from, IpAddress to, ushort port, TcpFlags flags)
    {
        byte[] segment = new byte[60 + 20];
        TcpHeader header = new() { SourcePort = 5000, DestinationPort = port, Flags = flags, Window = 8192 };
        if (flags == TcpFlags.Syn) (header.MaximumSegmentSize, header.HasWindowScale, header.WindowScale) = (1460, true, 7);
        int length = header.Write(segment);
        if ((flags & TcpFlags.Psh) != 0) length += 20;
        return Ip(from, to, IpProtocol.Tcp, segment[..length]);
    }
}
