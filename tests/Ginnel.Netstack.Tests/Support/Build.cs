using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>Packets byte by byte, for tests.</summary>
internal static class Build
{
    internal static byte[] Bytes(int count, int seed = 0)
    {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++) bytes[i] = (byte)(i * 7 + seed);
        return bytes;
    }

    internal static byte[] Ip(IpAddress source, IpAddress destination, IpProtocol protocol, byte[] transport, byte hopLimit = 64) =>
        source.IsV4
        ? IpV4(source, destination, protocol, transport, hopLimit)
        : IpV6(source, destination, protocol, transport, hopLimit);

    internal static byte[] IpV4(
        IpAddress source, IpAddress destination, IpProtocol protocol, byte[] payload, byte hopLimit = 64, ushort id = 0, int offset = 0,
        bool more = false, byte[]? options = null, byte trafficClass = 0)
    {
        options ??= [];
        byte[] packet = new byte[20 + options.Length + payload.Length];
        new IpV4Header
        {
            TotalLength = (ushort)packet.Length, HopLimit = hopLimit, Protocol = protocol, Source = source, Destination = destination,
            Identification = id, FragmentOffset = (ushort)offset, MoreFragments = more, TrafficClass = trafficClass,
        }.Write(packet, options);
        payload.CopyTo(packet, 20 + options.Length);
        return packet;
    }

    internal static byte[] IpV6(IpAddress source, IpAddress destination, IpProtocol next, byte[] payload, byte hopLimit = 64)
    {
        byte[] packet = new byte[40 + payload.Length];
        new IpV6Header { PayloadLength = (ushort)payload.Length, HopLimit = hopLimit, NextHeader = next, Source = source,
            Destination = destination }
            .Write(packet);
        payload.CopyTo(packet, 40);
        return packet;
    }

    internal static byte[] IpV6Fragment(
        IpAddress source, IpAddress destination, IpProtocol protocol, byte[] payload, uint id, int offset, bool more)
    {
        byte[] inner = new byte[8 + payload.Length];
        new IpV6FragmentHeader { NextHeader = protocol, FragmentOffset = (ushort)offset, MoreFragments = more,
            Identification = id }.Write(inner);
        payload.CopyTo(inner, 8);
        return IpV6(source, destination, IpProtocol.Fragment, inner);
    }

    internal static byte[] UdpSegment(IpEndpoint source, IpEndpoint destination, byte[] payload)
    {
        byte[] datagram = new byte[8 + payload.Length];
        new UdpHeader { SourcePort = source.Port, DestinationPort = destination.Port, Length = (ushort)datagram.Length }.Write(datagram);
        payload.CopyTo(datagram, 8);
        UdpHeader.WriteChecksum(datagram, source.Address, destination.Address);
        return datagram;
    }

    internal static byte[] Udp(IpEndpoint source, IpEndpoint destination, params byte[] payload) =>
        Ip(source.Address, destination.Address, IpProtocol.Udp, UdpSegment(source, destination, payload));

    internal static byte[] EchoMessage(IpAddress source, IpAddress destination, bool request, ushort id, ushort sequence, byte[] data)
    {
        byte[] message = new byte[8 + data.Length];
        if (source.IsV4) IcmpMessage.WriteEcho(message, request ? IcmpType.EchoRequest : IcmpType.EchoReply, id, sequence, data);
        else IcmpV6Message.WriteEcho(message, source, destination, request ? IcmpV6Type.EchoRequest : IcmpV6Type.EchoReply, id, sequence,
            data);
        return message;
    }

    internal static byte[] Echo(IpAddress source, IpAddress destination, ushort id, ushort sequence, byte[] data, bool request = true) =>
        Ip(source, destination, source.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6,
            EchoMessage(source, destination, request, id, sequence, data));

    /// <summary>An ICMP error of either family; type and code as on the wire.</summary>
    internal static byte[] Error(IpAddress source, IpAddress destination, byte type, byte code, uint rest, byte[] quoted)
    {
        byte[] message = new byte[8 + quoted.Length];
        message[0] = type;
        message[1] = code;
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(4), rest);
        quoted.CopyTo(message, 8);
        IpProtocol protocol = source.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6;
        ulong pseudo = source.IsV4 ? 0 : Checksum.PseudoHeader(source, destination, protocol, message.Length);
        BinaryPrimitives.WriteUInt16BigEndian(message.AsSpan(2), (ushort)~Checksum.Fold(Checksum.Sum(message, pseudo)));
        return Ip(source, destination, protocol, message);
    }

    internal static byte[] Frame(MacAddress destination, MacAddress source, EtherType type, byte[] payload)
    {
        byte[] frame = new byte[14 + payload.Length];
        new EthernetHeader { Destination = destination, Source = source, Type = type }.Write(frame);
        payload.CopyTo(frame, 14);
        return frame;
    }

    internal static byte[] Arp(ArpOperation operation, MacAddress senderMac, IpAddress sender, MacAddress targetMac, IpAddress target,
        MacAddress? to = null)
    {
        byte[] packet = new byte[ArpHeader.Size];
        new ArpHeader { Operation = operation, SenderMac = senderMac, SenderAddress = sender, TargetMac = targetMac,
            TargetAddress = target }.Write(packet);
        return Frame(to ?? MacAddress.Broadcast, senderMac, EtherType.Arp, packet);
    }
}
