using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Attacks;

/// <summary>Packets that an attacker writes himself.</summary>
internal static class AttackPackets
{
    /// <summary>A segment over IPv4, checksums right.</summary>
    internal static byte[] Tcp(IpEndpoint source, IpEndpoint destination, in TcpHeader fields, ReadOnlySpan<byte> payload = default)
    {
        TcpHeader header = fields;
        (header.SourcePort, header.DestinationPort) = (source.Port, destination.Port);
        byte[] packet = new byte[IpV4Header.MinimumSize + header.Size + payload.Length];
        Ip(packet, source.Address, destination.Address, IpProtocol.Tcp);
        Span<byte> transport = packet.AsSpan(IpV4Header.MinimumSize);
        header.Write(transport);
        payload.CopyTo(transport[header.Size..]);
        ushort sum = (ushort)~Checksum.Fold(
            Checksum.Sum(transport, Checksum.PseudoHeader(source.Address, destination.Address, IpProtocol.Tcp, transport.Length)));
        (transport[16], transport[17]) = ((byte)(sum >> 8), (byte)sum);
        return packet;
    }

    /// <summary>A fragment of a UDP datagram that never becomes whole.</summary>
    internal static byte[] Fragment(IpAddress source, IpAddress destination, ushort id, int offset, int length)
    {
        byte[] packet = new byte[IpV4Header.MinimumSize + length];
        Ip(packet, source, destination, IpProtocol.Udp, id, offset, more: true);
        return packet;
    }

    /// <summary>What the victim has sent, if it is a segment.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> packet, out IpEndpoint source, out IpEndpoint destination, out TcpHeader header, out int length)
    {
        (source, destination, header, length) = (default, default, default, 0);
        if (IpV4View.TryParse(packet, out IpV4View ip) != DropReason.None || ip.Protocol != IpProtocol.Tcp) return false;
        if (TcpView.TryParse(ip.Payload, out TcpView view) != DropReason.None || TcpHeader.Read(view, out header) != DropReason.None) return false;
        (source, destination) = (new IpEndpoint(ip.Source, header.SourcePort), new IpEndpoint(ip.Destination, header.DestinationPort));
        length = view.Payload.Length;
        return true;
    }

    private static void Ip(
        Span<byte> packet, IpAddress source, IpAddress destination, IpProtocol protocol, ushort id = 0, int offset = 0, bool more = false) =>
        new IpV4Header
        {
            TotalLength = (ushort)packet.Length, HopLimit = 64, Protocol = protocol, Source = source, Destination = destination,
            Identification = id, FragmentOffset = (ushort)offset, MoreFragments = more,
        }.Write(packet, []);
}
