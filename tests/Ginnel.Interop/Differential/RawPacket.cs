using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>IP packets made by hand.</summary>
internal static class RawPacket
{
    private const byte EchoRequest = 8, EchoReply = 0;
    private const int IcmpHeaderSize = 8;

    public static byte[] Build(IpProtocol protocol, IpAddress source, IpAddress destination, ReadOnlySpan<byte> payload)
    {
        byte[] packet;
        if (source.IsV4)
        {
            packet = new byte[IpV4Header.MinimumSize + payload.Length];
            new IpV4Header
            {
                TotalLength = (ushort)packet.Length, DontFragment = true, HopLimit = 64, Protocol = protocol,
                Source = source, Destination = destination,
            }.Write(packet);
        }
        else
        {
            packet = new byte[IpV6Header.Size + payload.Length];
            new IpV6Header
            {
                PayloadLength = (ushort)payload.Length, HopLimit = 64, NextHeader = protocol, Source = source, Destination = destination,
            }.Write(packet);
        }
        payload.CopyTo(packet.AsSpan(packet.Length - payload.Length));
        return packet;
    }

    /// <summary>An echo request over IPv4 with this number.</summary>
    public static byte[] Echo(IpAddress source, IpAddress destination, uint number)
    {
        Span<byte> message = stackalloc byte[IcmpHeaderSize];
        message.Clear();
        message[0] = EchoRequest;
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], number);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum.Compute(message));
        return Build(IpProtocol.Icmp, source, destination, message);
    }

    /// <summary>Whether the packet answers that request.</summary>
    public static bool IsEchoReply(ReadOnlySpan<byte> packet, uint number) =>
        IpView.TryParse(packet, out IpView ip) == DropReason.None && ip.Protocol == IpProtocol.Icmp && ip.Payload.Length >= IcmpHeaderSize
        && ip.Payload[0] == EchoReply && BinaryPrimitives.ReadUInt32BigEndian(ip.Payload[4..]) == number;

    /// <summary>Reads a segment that is for this address.</summary>
    public static bool TryReadTcp(ReadOnlySpan<byte> packet, IpAddress destination, out TcpView view, out TcpHeader header)
    {
        view = default;
        header = default;
        return IpView.TryParse(packet, out IpView ip) == DropReason.None && ip.Protocol == IpProtocol.Tcp && ip.Destination == destination
            && TcpView.TryParse(ip.Payload, out view) == DropReason.None && TcpHeader.Read(view, out header) == DropReason.None;
    }
}
