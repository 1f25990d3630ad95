using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>The transport checksum of a packet as a whole: completing, verifying and leaving it partial.</summary>
public static class PacketChecksum
{
    /// <summary>
    /// Turns a partial checksum into a complete one, for a link that has no offload. A packet in another state is left alone.
    /// What the field held is not believed: the sum is made anew.
    /// </summary>
    /// <param name="packet">The packet; stays the caller's.</param>
    /// <param name="ipOffset">Where the IP header begins: 0, or 14 behind an Ethernet header.</param>
    /// <returns><see cref="DropReason.None"/>, or why the packet is none whose checksum could be completed.</returns>
    public static DropReason Complete(Packet packet, int ipOffset)
    {
        if (packet.Checksum != ChecksumState.Partial) return DropReason.None;
        DropReason reason = TransportLayout.Read(packet.Span, ipOffset, out TransportLayout layout);
        if (reason != DropReason.None) return reason;
        Fill(packet.Span[layout.TransportOffset..layout.End], layout.Source, layout.Destination, layout.Protocol, partial: false);
        packet.Checksum = ChecksumState.Verified;
        return DropReason.None;
    }

    /// <summary>
    /// Verifies the checksum of a packet that needs it and notes the result in <see cref="Packet.Checksum"/>. Fragments and protocols
    /// other than TCP, UDP and ICMP pass unverified. The IPv4 header's own checksum is not looked at.
    /// </summary>
    /// <returns><see cref="DropReason.None"/>, <see cref="DropReason.BadChecksum"/>, or what is wrong with the headers.</returns>
    public static DropReason Verify(Packet packet, int ipOffset)
    {
        if (packet.Checksum != ChecksumState.Unverified) return DropReason.None;
        DropReason reason = TransportLayout.Read(packet.Span, ipOffset, out TransportLayout layout);
        if (reason is DropReason.UnknownProtocol or DropReason.BadFragment) return DropReason.None;
        if (reason != DropReason.None) return reason;
        ReadOnlySpan<byte> transport = packet.Span[layout.TransportOffset..layout.End];
        if (!IsAbsent(layout, transport) && Checksum.Fold(Checksum.Sum(transport, layout.PseudoHeader(transport.Length))) != 0xFFFF)
            return DropReason.BadChecksum;
        packet.Checksum = ChecksumState.Verified;
        return DropReason.None;
    }

    /// <summary>Stores the checksum of a TCP, UDP or ICMP packet that stands whole in <paramref name="transport"/>.</summary>
    /// <param name="transport">Transport header and payload.</param>
    /// <param name="source">The packet's source.</param>
    /// <param name="destination">The packet's destination.</param>
    /// <param name="protocol">TCP, UDP, ICMP or ICMPv6; of others nothing is stored.</param>
    /// <param name="partial">Store only the pseudo-header's sum, for <see cref="ChecksumState.Partial"/>.</param>
    public static void Fill(Span<byte> transport, IpAddress source, IpAddress destination, IpProtocol protocol, bool partial)
    {
        int at = protocol switch { IpProtocol.Tcp => 16, IpProtocol.Udp => 6, IpProtocol.Icmp or IpProtocol.IcmpV6 => 2, _ => -1 };
        if (at < 0) return;
        ulong sum = protocol == IpProtocol.Icmp ? 0 : Checksum.PseudoHeader(source, destination, protocol, transport.Length);
        Span<byte> field = transport.Slice(at, 2);
        if (partial)
        {
            BinaryPrimitives.WriteUInt16BigEndian(field, Checksum.Fold(sum));
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(field, 0);
        BinaryPrimitives.WriteUInt16BigEndian(field, Complement(protocol, Checksum.Sum(transport, sum)));
    }

    /// <summary>The field for a sum: over UDP zero means "none", so zero is sent as all ones (RFC 768).</summary>
    internal static ushort Complement(IpProtocol protocol, ulong sum)
    {
        ushort checksum = (ushort)~Checksum.Fold(sum);
        return checksum == 0 && protocol == IpProtocol.Udp ? (ushort)0xFFFF : checksum;
    }

    /// <summary>Whether this is a datagram without checksum, which only IPv4 permits.</summary>
    internal static bool IsAbsent(in TransportLayout layout, ReadOnlySpan<byte> transport) =>
        layout.Protocol == IpProtocol.Udp && layout.IsV4 && BinaryPrimitives.ReadUInt16BigEndian(transport[6..]) == 0;
}
