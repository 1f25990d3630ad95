using System.Buffers.Binary;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Linux.Links;

/// <summary>
/// Between virtio-net headers and what travels with a <see cref="Packet"/>. The header is checked like any other, although the kernel wrote
/// it: a program inside can send raw packets with a virtio header of its own making (AF_PACKET), and the kernel passes much of it on.
/// </summary>
internal static class OffloadCodec
{
    private const int TcpChecksumOffset = 16, UdpChecksumOffset = 6, FlagsOffset = 13;

    /// <summary>
    /// Applies the header to a packet that begins with <paramref name="linkHeaderLength"/> bytes of link header.
    /// </summary>
    /// <returns>None, or why the packet must be dropped.</returns>
    public static DropReason Receive(in VirtioHeader header, Packet packet, int linkHeaderLength)
    {
        packet.Checksum = (header.Flags & VirtioHeader.DataValid) != 0 ? ChecksumState.Verified : ChecksumState.Unverified;
        bool isSuper = (header.GsoType & ~VirtioHeader.GsoEcn) != VirtioHeader.GsoNone;
        if ((header.Flags & VirtioHeader.NeedsChecksum) == 0) return isSuper ? DropReason.BadSegmentation : DropReason.None;
        Span<byte> bytes = packet.Span;
        int field = header.ChecksumStart + header.ChecksumOffset;
        if (header.ChecksumStart < linkHeaderLength || field + 2 > bytes.Length) return DropReason.BadSegmentation;
        bool isTransport = IsTransportChecksum(header, bytes, linkHeaderLength, out IpProtocol protocol, out bool isV4);
        if (isSuper) return isTransport ? ReceiveSuper(header, packet, protocol, isV4) : DropReason.BadSegmentation;
        if (isTransport)
        {
            packet.Checksum = ChecksumState.Partial;
            return DropReason.None;
        }
        // A checksum of some inner header, as tunnels have them: finished here, where the start of the sum is still known.
        ushort complete = Checksum.Compute(bytes[header.ChecksumStart..]);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[field..], complete);
        packet.Checksum = ChecksumState.Unverified;
        return DropReason.None;
    }

    /// <summary>
    /// The header for a packet that is about to be written. False when the packet cannot be what its metadata say, or asks for what the
    /// device does not do.
    /// </summary>
    public static bool TrySend(Packet packet, int linkHeaderLength, LinkOffloads offloads, out VirtioHeader header)
    {
        header = default;
        if (packet.Checksum != ChecksumState.Partial) return packet.Segmentation.Kind == SegmentationKind.None;
        if ((offloads & LinkOffloads.PartialChecksum) == 0 || packet.Length <= linkHeaderLength) return false;
        if (IpView.TryParse(packet.Span[linkHeaderLength..], out IpView view) != DropReason.None || view.IsFragment) return false;
        int offset = view.Protocol switch
        {
            IpProtocol.Tcp => TcpChecksumOffset,
            IpProtocol.Udp => UdpChecksumOffset,
            _ => -1,
        };
        int start = linkHeaderLength + view.HeaderLength;
        if (offset < 0 || view.Payload.Length < offset + 2) return false;
        byte type = VirtioHeader.GsoNone;
        int transportHeader = 0;
        if (packet.Segmentation.Kind != SegmentationKind.None && !TrySendSuper(packet, view, offloads, out type, out transportHeader))
            return false;
        header = new VirtioHeader(
            VirtioHeader.NeedsChecksum, type, (ushort)(type == VirtioHeader.GsoNone ? 0 : start + transportHeader),
            packet.Segmentation.SegmentSize, (ushort)start, (ushort)offset);
        return true;
    }

    /// <summary>What a device's offloads mean to a stack.</summary>
    public static LinkOffloads Offloads(TunOffloads granted)
    {
        LinkOffloads offloads = LinkOffloads.None;
        if ((granted & TunOffloads.Checksum) != 0) offloads |= LinkOffloads.PartialChecksum;
        // Reading super-segments depends on what was granted; writing them does not, but a kernel that knows no USO knows no such header.
        if ((granted & TunOffloads.Tcp) != 0) offloads |= LinkOffloads.TcpV4Segmentation | LinkOffloads.TcpV6Segmentation;
        if ((granted & TunOffloads.Udp) != 0) offloads |= LinkOffloads.UdpSegmentation;
        return offloads;
    }

    private static bool IsTransportChecksum(in VirtioHeader header, ReadOnlySpan<byte> bytes, int linkHeaderLength,
        out IpProtocol protocol, out bool isV4)
    {
        protocol = default;
        isV4 = false;
        if (IpView.TryParse(bytes[linkHeaderLength..], out IpView view) != DropReason.None || view.IsFragment) return false;
        protocol = view.Protocol;
        isV4 = view.IsV4;
        if (header.ChecksumStart != linkHeaderLength + view.HeaderLength) return false;
        return (protocol == IpProtocol.Tcp && header.ChecksumOffset == TcpChecksumOffset)
            || (protocol == IpProtocol.Udp && header.ChecksumOffset == UdpChecksumOffset);
    }

    private static DropReason ReceiveSuper(in VirtioHeader header, Packet packet, IpProtocol protocol, bool isV4)
    {
        SegmentationKind kind = (header.GsoType & ~VirtioHeader.GsoEcn) switch
        {
            VirtioHeader.GsoTcp4 when protocol == IpProtocol.Tcp && isV4 => SegmentationKind.TcpV4,
            VirtioHeader.GsoTcp6 when protocol == IpProtocol.Tcp && !isV4 => SegmentationKind.TcpV6,
            VirtioHeader.GsoUdp when protocol == IpProtocol.Udp => SegmentationKind.Udp,
            _ => SegmentationKind.None,
        };
        if (kind == SegmentationKind.None || header.GsoSize == 0) return DropReason.BadSegmentation;
        packet.Checksum = ChecksumState.Partial;
        packet.Segmentation = new Segmentation(kind, header.GsoSize);
        return DropReason.None;
    }

    private static bool TrySendSuper(Packet packet, in IpView view, LinkOffloads offloads, out byte type, out int transportHeader)
    {
        (byte gso, LinkOffloads needed, IpProtocol protocol) = packet.Segmentation.Kind switch
        {
            SegmentationKind.TcpV4 when view.IsV4 => (VirtioHeader.GsoTcp4, LinkOffloads.TcpV4Segmentation, IpProtocol.Tcp),
            SegmentationKind.TcpV6 when !view.IsV4 => (VirtioHeader.GsoTcp6, LinkOffloads.TcpV6Segmentation, IpProtocol.Tcp),
            SegmentationKind.Udp => (VirtioHeader.GsoUdp, LinkOffloads.UdpSegmentation, IpProtocol.Udp),
            _ => (VirtioHeader.GsoNone, LinkOffloads.None, default(IpProtocol)),
        };
        // A device that cuts must leave CWR on the first segment only (virtio 1.2, section 5.1.6.2.1; RFC 3168 section 6.1.2).
        bool hasCwr = protocol == IpProtocol.Tcp && view.Payload.Length > FlagsOffset && ((TcpFlags)view.Payload[FlagsOffset] & TcpFlags.Cwr) != 0;
        type = hasCwr ? (byte)(gso | VirtioHeader.GsoEcn) : gso;
        transportHeader = protocol == IpProtocol.Udp ? UdpHeader.Size : view.Payload.Length > 12 ? (view.Payload[12] >> 4) * 4 : 0;
        return gso != VirtioHeader.GsoNone && (offloads & needed) != 0 && view.Protocol == protocol
            && packet.Segmentation.SegmentSize > 0 && view.Payload.Length >= transportHeader;
    }
}
