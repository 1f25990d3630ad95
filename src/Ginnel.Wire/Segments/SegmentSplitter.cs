using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// Cuts a super-segment into the packets that it stands for, at links that have no segmentation offload. Every packet gets the
/// headers of the super-segment with its own lengths, sequence number, IPv4 identification, flags and checksums.
/// </summary>
public static class SegmentSplitter
{
    /// <summary>
    /// Most packets that one super-segment may become. 64 KiB in segments of 48 bytes, the smallest that Linux sends, make 1,365;
    /// smaller ones are an attempt at amplification.
    /// </summary>
    public const int SegmentLimit = 2048;

    /// <summary>
    /// Whether the segmentation metadata agree with the packet's headers. Every packet that comes from outside with metadata is to
    /// be checked once, by the link that brings it or by the stack.
    /// </summary>
    /// <param name="packet">Any packet; an ordinary one is always right.</param>
    /// <param name="ipOffset">Where the IP header begins: 0, or 14 behind an Ethernet header.</param>
    /// <returns><see cref="DropReason.None"/>, <see cref="DropReason.BadSegmentation"/>, or what is wrong with the headers.</returns>
    public static DropReason Check(Packet packet, int ipOffset) =>
        packet.Segmentation.Kind == SegmentationKind.None ? DropReason.None : ReadLayout(packet, ipOffset, out _);

    /// <summary>
    /// Cuts a packet and adds the pieces to <paramref name="output"/>; an ordinary packet is passed on, its checksum completed.
    /// </summary>
    /// <param name="packet">The packet; handed over, whatever the result.</param>
    /// <param name="ipOffset">Where the IP header begins: 0, or 14 behind an Ethernet header.</param>
    /// <param name="partialChecksums">Whether the link completes transport checksums itself.</param>
    /// <param name="output">Gets the pieces, in order.</param>
    /// <returns>
    /// <see cref="DropReason.None"/>; <see cref="DropReason.OutOfBuffers"/> when the pool had no packets for the last pieces (the
    /// first ones are in the output); otherwise why nothing was added.
    /// </returns>
    public static DropReason Split(Packet packet, int ipOffset, bool partialChecksums, ref PacketQueue output)
    {
        DropReason reason = DropReason.None;
        if (packet.Segmentation.Kind != SegmentationKind.None)
        {
            reason = ReadLayout(packet, ipOffset, out TransportLayout layout);
            // Cutting makes new checksums, which must not lend a corrupt packet good ones.
            if (reason == DropReason.None) reason = PacketChecksum.Verify(packet, ipOffset);
            if (reason == DropReason.None && layout.PayloadLength > packet.Segmentation.SegmentSize)
                return CutAll(packet, layout, partialChecksums, ref output);
            packet.Segmentation = Segmentation.None;
        }
        if (reason == DropReason.None && !partialChecksums) reason = PacketChecksum.Complete(packet, ipOffset);
        if (reason == DropReason.None) output.Add(packet); else packet.Return();
        return reason;
    }

    private static DropReason CutAll(Packet packet, in TransportLayout layout, bool partial, ref PacketQueue output)
    {
        int segmentSize = packet.Segmentation.SegmentSize;
        DropReason reason = DropReason.None;
        for (int offset = 0; offset < layout.PayloadLength && reason == DropReason.None; offset += segmentSize)
            reason = CutOne(packet, layout, offset, Math.Min(segmentSize, layout.PayloadLength - offset), partial, ref output);
        packet.Return();
        return reason;
    }

    private static DropReason CutOne(Packet whole, in TransportLayout layout, int offset, int length, bool partial, ref PacketQueue output)
    {
        int size = layout.PayloadOffset + length;
        if (!whole.Owner.TryRent(PacketPool.SizeFor(size), out Packet piece)) return DropReason.OutOfBuffers;
        Span<byte> frame = piece.Append(size);
        ReadOnlySpan<byte> source = whole.Span;
        source[..layout.PayloadOffset].CopyTo(frame);
        int index = offset / whole.Segmentation.SegmentSize;
        if (layout.IsV4) WriteIdentification(frame[layout.IpOffset..], index);
        layout.WriteIpLength(frame, size);
        Span<byte> transport = frame[layout.TransportOffset..];
        if (layout.Protocol == IpProtocol.Tcp) WriteTcp(transport, offset, last: offset + length == layout.PayloadLength);
        else BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        bool absent = whole.Checksum != ChecksumState.Partial && PacketChecksum.IsAbsent(layout, source[layout.TransportOffset..]);
        piece.Checksum = partial && !absent ? ChecksumState.Partial : ChecksumState.Verified;
        ReadOnlySpan<byte> payload = source.Slice(layout.PayloadOffset + offset, length);
        if (absent) payload.CopyTo(frame[layout.PayloadOffset..]);
        else CopyWithChecksum(frame, payload, layout, partial);
        output.Add(piece);
        return DropReason.None;
    }

    // Copies the payload in the same pass as it sums it.
    private static void CopyWithChecksum(Span<byte> frame, ReadOnlySpan<byte> payload, in TransportLayout layout, bool partial)
    {
        Span<byte> header = frame[layout.TransportOffset..layout.PayloadOffset];
        Span<byte> field = frame.Slice(layout.ChecksumOffset, 2);
        ulong pseudo = layout.PseudoHeader(header.Length + payload.Length);
        if (partial)
        {
            payload.CopyTo(frame[layout.PayloadOffset..]);
            BinaryPrimitives.WriteUInt16BigEndian(field, Checksum.Fold(pseudo));
            return;
        }
        BinaryPrimitives.WriteUInt16BigEndian(field, 0);
        ulong sum = Checksum.Sum(header, pseudo);
        sum = Checksum.SumAndCopy(payload, frame[layout.PayloadOffset..], sum);
        BinaryPrimitives.WriteUInt16BigEndian(field, PacketChecksum.Complement(layout.Protocol, sum));
    }

    // Identifications count up, save that a packet with DF and identification 0 comes from a sender that leaves them all 0 (RFC 6864).
    private static void WriteIdentification(Span<byte> ip, int index)
    {
        ushort first = BinaryPrimitives.ReadUInt16BigEndian(ip[4..]);
        if (first == 0 && (ip[6] & 0x40) != 0) return;
        BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(first + index));
    }

    // FIN and PSH belong to the last octet, CWR to the first segment after the window was reduced (RFC 3168 section 6.1.2).
    private static void WriteTcp(Span<byte> tcp, int offset, bool last)
    {
        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(tcp[4..]);
        BinaryPrimitives.WriteUInt32BigEndian(tcp[4..], sequence + (uint)offset);
        TcpFlags flags = (TcpFlags)tcp[13];
        if (!last) flags &= ~(TcpFlags.Fin | TcpFlags.Psh);
        if (offset > 0) flags &= ~TcpFlags.Cwr;
        if ((flags & TcpFlags.Urg) != 0)
        {
            // The pointer counts from this segment's sequence number; segments behind the urgent octet have none.
            int urgent = BinaryPrimitives.ReadUInt16BigEndian(tcp[18..]) - offset;
            if (urgent <= 0) flags &= ~TcpFlags.Urg;
            BinaryPrimitives.WriteUInt16BigEndian(tcp[18..], (ushort)Math.Max(urgent, 0));
        }
        tcp[13] = (byte)flags;
    }

    private static DropReason ReadLayout(Packet packet, int ipOffset, out TransportLayout layout)
    {
        DropReason reason = TransportLayout.Read(packet.Span, ipOffset, out layout);
        if (reason is DropReason.BadFragment or DropReason.UnknownProtocol) return DropReason.BadSegmentation;
        if (reason != DropReason.None) return reason;
        Segmentation segmentation = packet.Segmentation;
        if (layout.HasSurplus || segmentation.SegmentSize == 0) return DropReason.BadSegmentation;
        if (segmentation.Count(layout.PayloadLength) > SegmentLimit) return DropReason.BadSegmentation;
        bool matches = segmentation.Kind switch
        {
            SegmentationKind.TcpV4 => layout.Protocol == IpProtocol.Tcp && layout.IsV4,
            SegmentationKind.TcpV6 => layout.Protocol == IpProtocol.Tcp && !layout.IsV4,
            SegmentationKind.Udp => layout.Protocol == IpProtocol.Udp,
            _ => false,
        };
        if (!matches) return DropReason.BadSegmentation;
        // A SYN or RST occupies no stretch that could be cut.
        bool indivisible = layout.Protocol == IpProtocol.Tcp
            && ((TcpFlags)packet.Span[layout.TransportOffset + 13] & (TcpFlags.Syn | TcpFlags.Rst)) != 0;
        return indivisible ? DropReason.BadSegmentation : DropReason.None;
    }
}
