using System.Buffers.Binary;

namespace Ginnel.Wire.Tests;

/// <summary>Valid packets to start from.</summary>
internal static class Sample
{
    internal static readonly IpAddress V4A = IpAddress.Parse("10.0.0.1"), V4B = IpAddress.Parse("192.0.2.7");
    internal static readonly IpAddress V6A = IpAddress.Parse("fd00::1"), V6B = IpAddress.Parse("2001:db8::7");
    internal static readonly MacAddress MacA = new(0x0200_0000_0001), MacB = new(0x0200_0000_0002);

    internal static byte[] Bytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    internal static byte[] Ip(bool v4, IpProtocol protocol, ReadOnlySpan<byte> transport, ushort id = 77, bool dontFragment = true, byte hopLimit = 64)
    {
        byte[] packet = new byte[(v4 ? 20 : 40) + transport.Length];
        int size = v4
            ? new IpV4Header { TotalLength = (ushort)packet.Length, Identification = id, DontFragment = dontFragment, HopLimit = hopLimit, Protocol = protocol, Source = V4A, Destination = V4B }.Write(packet)
            : new IpV6Header { PayloadLength = (ushort)transport.Length, NextHeader = protocol, HopLimit = hopLimit, Source = V6A, Destination = V6B, FlowLabel = 0xABCDE }.Write(packet);
        transport.CopyTo(packet.AsSpan(size));
        PacketChecksum.Fill(packet.AsSpan(size), v4 ? V4A : V6A, v4 ? V4B : V6B, protocol, partial: false);
        return packet;
    }

    internal static byte[] Tcp(bool v4, in TcpHeader header, ReadOnlySpan<byte> payload, ushort id = 77, bool dontFragment = true)
    {
        byte[] segment = new byte[header.Size + payload.Length];
        header.Write(segment);
        payload.CopyTo(segment.AsSpan(header.Size));
        return Ip(v4, IpProtocol.Tcp, segment, id, dontFragment);
    }

    internal static byte[] Udp(bool v4, ReadOnlySpan<byte> payload, ushort sourcePort = 1000, ushort destinationPort = 2000, ushort id = 77)
    {
        byte[] datagram = new byte[8 + payload.Length];
        new UdpHeader { SourcePort = sourcePort, DestinationPort = destinationPort, Length = (ushort)datagram.Length }.Write(datagram);
        payload.CopyTo(datagram.AsSpan(8));
        return Ip(v4, IpProtocol.Udp, datagram, id);
    }

    internal static byte[] Framed(ReadOnlySpan<byte> packet)
    {
        byte[] frame = new byte[14 + packet.Length];
        new EthernetHeader { Destination = MacB, Source = MacA, Type = packet[0] >> 4 == 4 ? EtherType.IpV4 : EtherType.IpV6 }.Write(frame);
        packet.CopyTo(frame.AsSpan(14));
        return frame;
    }

    /// <summary>An IPv6 packet with extension headers as raw bytes in front of the upper layer.</summary>
    internal static byte[] V6With(ReadOnlySpan<byte> extensions, byte firstHeader, ReadOnlySpan<byte> upper)
    {
        byte[] packet = new byte[40 + extensions.Length + upper.Length];
        new IpV6Header { PayloadLength = (ushort)(packet.Length - 40), NextHeader = (IpProtocol)firstHeader, HopLimit = 64, Source = V6A, Destination = V6B }.Write(packet);
        extensions.CopyTo(packet.AsSpan(40));
        upper.CopyTo(packet.AsSpan(40 + extensions.Length));
        return packet;
    }

    internal static Packet Packet(PacketPool pool, ReadOnlySpan<byte> bytes)
    {
        if (!pool.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet)) throw new InvalidOperationException("pool");
        packet.Write(bytes);
        return packet;
    }

    internal static void SetV4Checksum(Span<byte> packet)
    {
        int length = (packet[0] & 15) * 4;
        packet[10] = packet[11] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(packet[10..], Checksum.Compute(packet[..length]));
    }
}
