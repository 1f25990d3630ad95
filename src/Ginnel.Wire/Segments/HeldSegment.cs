using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>A packet that waits in the coalescer for its successors, and those that have joined it.</summary>
internal struct HeldSegment
{
    private const TcpFlags LastOnly = TcpFlags.Fin | TcpFlags.Psh;

    private Packet _packet;
    private TransportLayout _layout;
    private int _segmentSize;
    private int _count;
    private bool _isClosed;

    /// <summary>Whether a packet is held.</summary>
    public readonly bool IsOccupied => _packet is not null;

    /// <summary>Whether nothing more may join: a short segment, FIN or PSH came last, or the packet is full.</summary>
    public readonly bool IsClosed => _isClosed;

    /// <summary>Holds a packet; owns it from now on.</summary>
    public void Start(Packet packet, in TransportLayout layout)
    {
        packet.Truncate(layout.End); // Ethernet padding would be taken for payload
        _packet = packet;
        _layout = layout;
        _segmentSize = layout.PayloadLength;
        _count = 1;
        _isClosed = layout.Protocol == IpProtocol.Tcp && (Flags(packet.Span) & LastOnly) != 0;
    }

    /// <summary>Whether a packet belongs to the flow of this one, so that their order must be kept.</summary>
    public readonly bool IsSameFlow(ReadOnlySpan<byte> frame, in TransportLayout layout) =>
        layout.Protocol == _layout.Protocol && layout.Source == _layout.Source && layout.Destination == _layout.Destination
        && frame.Slice(layout.TransportOffset, 4).SequenceEqual(_packet.Span.Slice(_layout.TransportOffset, 4));

    /// <summary>
    /// Appends a packet's payload if splitting the result gives back the two packets bit for bit. False: nothing has changed that
    /// anyone could see.
    /// </summary>
    public bool TryJoin(ReadOnlySpan<byte> frame, ChecksumState checksum, in TransportLayout layout)
    {
        int length = layout.PayloadLength;
        int joined = _packet.Length - _layout.IpOffset + length;
        bool isFull = joined > IpV4Header.MaximumTotalLength || _count == SegmentSplitter.SegmentLimit;
        if (_isClosed || isFull || length > _segmentSize) return false;
        if (layout.PayloadOffset != _layout.PayloadOffset || !HasSuccessorHeaders(frame)) return false;
        if (_count == 1 && !TryMoveToSuper()) return false;
        if (!TryAppend(_packet, frame, checksum, layout)) return false;
        if (_layout.Protocol == IpProtocol.Tcp)
        {
            TcpFlags last = Flags(frame) & LastOnly;
            _packet.Span[_layout.TransportOffset + 13] |= (byte)last;
            _isClosed = last != 0;
        }
        _isClosed |= length < _segmentSize;
        _count++;
        return true;
    }

    /// <summary>Gives the packet up, its lengths and checksums right if others have joined it.</summary>
    public Packet Release()
    {
        Packet packet = _packet;
        if (_count > 1)
        {
            Span<byte> frame = packet.Span;
            _layout.WriteIpLength(frame, frame.Length);
            Span<byte> transport = frame[_layout.TransportOffset..];
            bool isTcp = _layout.Protocol == IpProtocol.Tcp;
            bool absent = PacketChecksum.IsAbsent(_layout, transport);
            if (!isTcp) BinaryPrimitives.WriteUInt16BigEndian(transport[4..], (ushort)transport.Length);
            if (!absent) PacketChecksum.Fill(transport, _layout.Source, _layout.Destination, _layout.Protocol, partial: true);
            packet.Checksum = absent ? ChecksumState.Verified : ChecksumState.Partial;
            SegmentationKind kind = !isTcp ? SegmentationKind.Udp : _layout.IsV4 ? SegmentationKind.TcpV4 : SegmentationKind.TcpV6;
            packet.Segmentation = new Segmentation(kind, (ushort)_segmentSize);
        }
        this = default;
        return packet;
    }

    private readonly TcpFlags Flags(ReadOnlySpan<byte> frame) => (TcpFlags)frame[_layout.TransportOffset + 13];

    private readonly bool HasSuccessorHeaders(ReadOnlySpan<byte> frame)
    {
        ReadOnlySpan<byte> held = _packet.Span;
        int ip = _layout.IpOffset;
        if (!frame[..ip].SequenceEqual(held[..ip])) return false;
        if (!(_layout.IsV4 ? HasSuccessorIpV4(held[ip..], frame[ip..]) : HasSameIpV6(held[ip..], frame[ip..]))) return false;
        ReadOnlySpan<byte> heldTransport = held[_layout.TransportOffset.._layout.PayloadOffset];
        ReadOnlySpan<byte> transport = frame[_layout.TransportOffset.._layout.PayloadOffset];
        return _layout.Protocol == IpProtocol.Tcp
            ? HasSuccessorTcp(heldTransport, transport)
            : PacketChecksum.IsAbsent(_layout, transport) == PacketChecksum.IsAbsent(_layout, heldTransport);
    }

    // All but length, checksum and identification equal; the identification is what the splitter would write.
    private readonly bool HasSuccessorIpV4(ReadOnlySpan<byte> held, ReadOnlySpan<byte> next)
    {
        if (held[0] != next[0] || held[1] != next[1] || !held[6..10].SequenceEqual(next[6..10])) return false;
        ushort first = BinaryPrimitives.ReadUInt16BigEndian(held[4..]);
        bool stays = first == 0 && (held[6] & 0x40) != 0;
        return BinaryPrimitives.ReadUInt16BigEndian(next[4..]) == (stays ? 0 : (ushort)(first + _count));
    }

    private static bool HasSameIpV6(ReadOnlySpan<byte> held, ReadOnlySpan<byte> next) =>
        held[..4].SequenceEqual(next[..4]) && held[6..8].SequenceEqual(next[6..8]);

    private readonly bool HasSuccessorTcp(ReadOnlySpan<byte> held, ReadOnlySpan<byte> next)
    {
        TcpFlags heldFlags = (TcpFlags)held[13], flags = (TcpFlags)next[13];
        uint expected = BinaryPrimitives.ReadUInt32BigEndian(held[4..]) + (uint)(_packet.Length - _layout.PayloadOffset);
        return BinaryPrimitives.ReadUInt32BigEndian(next[4..]) == expected
            && held[8..13].SequenceEqual(next[8..13])
            && (flags & ~LastOnly) == (heldFlags & ~TcpFlags.Cwr)
            && held[14..16].SequenceEqual(next[14..16])
            && held[18..].SequenceEqual(next[18..]);
    }

    // The first successor moves the packet into a slab that has room for more, and verifies its checksum on the way.
    private bool TryMoveToSuper()
    {
        if (!_packet.Owner.TryRent(PacketSize.Super, out Packet super)) return false;
        super.Write(_packet.Span[.._layout.PayloadOffset]);
        if (!TryAppend(super, _packet.Span, _packet.Checksum, _layout))
        {
            super.Return();
            _isClosed = true; // corrupt: it stays as it came, and the stack will name the reason
            return false;
        }
        super.Checksum = _packet.Checksum == ChecksumState.Partial ? ChecksumState.Partial : ChecksumState.Verified;
        _packet.Return();
        _packet = super;
        return true;
    }

    private static bool TryAppend(Packet super, ReadOnlySpan<byte> frame, ChecksumState checksum, in TransportLayout layout)
    {
        ReadOnlySpan<byte> header = frame[layout.TransportOffset..layout.PayloadOffset];
        ReadOnlySpan<byte> payload = frame[layout.PayloadOffset..layout.End];
        int before = super.Length;
        if (checksum != ChecksumState.Unverified || PacketChecksum.IsAbsent(layout, header))
        {
            super.Write(payload);
            return true;
        }
        ulong sum = Checksum.Sum(header, layout.PseudoHeader(layout.TransportLength));
        sum = Checksum.SumAndCopy(payload, super.Append(payload.Length), sum);
        if (Checksum.Fold(sum) == 0xFFFF) return true;
        super.Truncate(before);
        return false;
    }
}
