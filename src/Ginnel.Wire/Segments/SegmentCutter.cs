using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// Writes the packets that a super-segment stands for, one after the other, wherever the caller wants them: into packets of their own
/// (<see cref="SegmentSplitter"/>) or straight into a buffer in which they are encrypted. Every packet gets the headers of the
/// super-segment with its own lengths, sequence number, IPv4 identification, flags and checksums. Owns the packet that it cuts.
/// </summary>
public struct SegmentCutter
{
    private Packet? _whole;
    private TransportLayout _layout;
    private int _segmentSize;
    private int _offset;
    private bool _isPartial;

    /// <summary>Whether nothing is left to write; so it is in the beginning.</summary>
    public readonly bool IsDone => _whole is null;

    /// <summary>Whether the packet is an ordinary one, which is written as it stands.</summary>
    public readonly bool IsWhole => _segmentSize == 0;

    /// <summary>Bytes of the next packet.</summary>
    public readonly int NextLength => IsWhole ? _whole!.Length : _layout.PayloadOffset + NextPayload;

    private readonly int NextPayload => Math.Min(_segmentSize, _layout.PayloadLength - _offset);

    /// <summary>Begins to cut a packet.</summary>
    /// <param name="packet">Any packet; handed over, and given back to its pool if the result is not <see cref="DropReason.None"/>.</param>
    /// <param name="ipOffset">Where the IP header begins: 0, or 14 behind an Ethernet header.</param>
    /// <param name="partialChecksums">Whether the link completes transport checksums itself.</param>
    /// <param name="cutter">What writes it.</param>
    /// <returns><see cref="DropReason.None"/>, or what is wrong with the packet.</returns>
    public static DropReason Begin(Packet packet, int ipOffset, bool partialChecksums, out SegmentCutter cutter)
    {
        cutter = default;
        DropReason reason = DropReason.None;
        if (packet.Segmentation.Kind != SegmentationKind.None)
        {
            reason = SegmentSplitter.ReadLayout(packet, ipOffset, out TransportLayout layout);
            // Cutting makes new checksums, which must not lend a corrupt packet good ones.
            if (reason == DropReason.None) reason = PacketChecksum.Verify(packet, ipOffset);
            if (reason == DropReason.None && layout.PayloadLength > packet.Segmentation.SegmentSize)
            {
                cutter = new SegmentCutter { _whole = packet, _layout = layout, _segmentSize = packet.Segmentation.SegmentSize, _isPartial = partialChecksums };
                return DropReason.None;
            }
            packet.Segmentation = Segmentation.None;
        }
        if (reason == DropReason.None && !partialChecksums) reason = PacketChecksum.Complete(packet, ipOffset);
        if (reason == DropReason.None) cutter._whole = packet; else packet.Return();
        return reason;
    }

    /// <summary>Writes the next packet and goes on to the one behind it; after the last the whole is given back.</summary>
    /// <param name="destination"><see cref="NextLength"/> bytes.</param>
    public void WriteNext(Span<byte> destination)
    {
        if (IsWhole) _whole!.Span.CopyTo(destination);
        else WritePiece(destination);
        Skip();
    }

    /// <summary>Leaves out the next packet.</summary>
    public void Skip()
    {
        _offset += _segmentSize;
        if (IsWhole || _offset >= _layout.PayloadLength) Return();
    }

    /// <summary>The next packet in one of its own; null when the pool of the whole has none, and then nothing has changed.</summary>
    public Packet? TryRentNext()
    {
        if (IsWhole) return TakeWhole();
        int size = NextLength;
        if (!_whole!.Owner.TryRent(PacketPool.SizeFor(size), out Packet piece)) return null;
        bool isPartial = _isPartial && !IsChecksumAbsent;
        WriteNext(piece.Append(size));
        piece.Checksum = isPartial ? ChecksumState.Partial : ChecksumState.Verified;
        return piece;
    }

    /// <summary>The packet itself, if it <see cref="IsWhole"/>; the caller owns it.</summary>
    public Packet TakeWhole()
    {
        Packet packet = _whole!;
        this = default;
        return packet;
    }

    /// <summary>Gives back what is left.</summary>
    public void Return()
    {
        _whole?.Return();
        this = default;
    }

    private readonly bool IsChecksumAbsent =>
        _whole!.Checksum != ChecksumState.Partial && PacketChecksum.IsAbsent(_layout, _whole.Span[_layout.TransportOffset..]);

    private readonly void WritePiece(Span<byte> frame)
    {
        int length = NextPayload;
        ReadOnlySpan<byte> source = _whole!.Span;
        source[.._layout.PayloadOffset].CopyTo(frame);
        if (_layout.IsV4) WriteIdentification(frame[_layout.IpOffset..], _offset / _segmentSize);
        _layout.WriteIpLength(frame, frame.Length);
        Span<byte> transport = frame[_layout.TransportOffset..];
        if (_layout.Protocol == IpProtocol.Tcp) WriteTcp(transport, _offset, last: _offset + length == _layout.PayloadLength);
        else BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
        ReadOnlySpan<byte> payload = source.Slice(_layout.PayloadOffset + _offset, length);
        if (IsChecksumAbsent) payload.CopyTo(frame[_layout.PayloadOffset..]);
        else CopyWithChecksum(frame, payload, _layout, _isPartial);
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
}
