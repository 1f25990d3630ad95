using Ginnel.Wire;

namespace Ginnel.Fuzz;

internal static class TransportTargets
{
    [ThreadStatic]
    private static PacketPool? _pool;

    internal static DropReason Tcp(ReadOnlySpan<byte> bytes)
    {
        DropReason reason = TcpView.TryParse(bytes, out TcpView view);
        if (reason != DropReason.None) return reason;
        Keep.Bytes(view.Options);
        Keep.True(view.HeaderLength + view.Payload.Length == bytes.Length, "the lengths add up");
        reason = TcpHeader.Read(view, out TcpHeader header);
        if (reason != DropReason.None) return reason;
        Span<byte> copy = stackalloc byte[TcpHeader.MaximumSize];
        int size = header.Write(copy);
        Keep.True(size == header.Size && size % 4 == 0, "the size is what was promised");
        Keep.True(TcpView.TryParse(copy[..size], out TcpView again) == DropReason.None, "a written header parses");
        Keep.True(TcpHeader.Read(again, out TcpHeader back) == DropReason.None, "its options too");
        Keep.True(back.Sequence == header.Sequence && back.Acknowledgment == header.Acknowledgment && back.Flags == header.Flags, "numbers and flags stay");
        Keep.True(back.MaximumSegmentSize == header.MaximumSegmentSize && back.HasWindowScale == header.HasWindowScale
            && back.WindowScale == header.WindowScale && back.SackPermitted == header.SackPermitted, "SYN options stay");
        Keep.True(back.HasTimestamps == header.HasTimestamps && back.TimestampValue == header.TimestampValue
            && back.TimestampEcho == header.TimestampEcho && back.SackCount == header.WritableSackCount, "timestamps and SACK stay");
        return reason;
    }

    internal static DropReason Udp(ReadOnlySpan<byte> bytes)
    {
        DropReason reason = UdpView.TryParse(bytes, out UdpView view);
        if (reason != DropReason.None) return reason;
        Keep.True(view.Length == UdpHeader.Size + view.Payload.Length && view.Length <= bytes.Length, "the lengths add up");
        Keep.Value(view.IsChecksumValid(IpAddress.LoopbackV4, IpAddress.BroadcastV4) ? 1 : 0);
        Span<byte> copy = stackalloc byte[UdpHeader.Size];
        UdpHeader.Read(view).Write(copy);
        Keep.True(copy[..6].SequenceEqual(bytes[..6]), "a UDP header round-trips");
        return reason;
    }

    // The first three bytes say how the rest is to be cut; then everything that may be done with the packet is done.
    internal static DropReason Segments(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 4) return DropReason.Truncated;
        PacketPool pool = _pool ??= new PacketPool();
        int ipOffset = (bytes[0] & 8) != 0 ? 14 : 0;
        PacketQueue queue = default;
        DropReason reason = SegmentSplitter.Split(Rent(pool, bytes), ipOffset, (bytes[0] & 64) != 0, ref queue);
        int pieces = queue.Count;
        Keep.True(pieces <= SegmentSplitter.SegmentLimit, "the number of pieces is bounded");
        Keep.True(reason is DropReason.None == pieces > 0, "a refusal gives nothing");
        Packet copy = Rent(pool, bytes);
        copy.Segmentation = Segmentation.None;
        queue.AddFirst(copy);
        SegmentCoalescer coalescer = new(ipOffset, datagrams: true);
        coalescer.Coalesce(ref queue);
        // The same bytes twice, out of a buffer: what is no neighbour of itself comes out as it went in.
        Keep.True(coalescer.TryAdd(bytes[3..], pool, ref queue) && coalescer.TryAdd(bytes[3..], pool, ref queue), "the pool has packets");
        coalescer.Flush(ref queue);
        while (queue.Take() is { } packet)
        {
            if (packet.Segmentation.Kind != SegmentationKind.None)
                Keep.True(SegmentSplitter.Check(packet, ipOffset) == DropReason.None, "what was coalesced can be split");
            PacketChecksum.Verify(packet, ipOffset);
            PacketChecksum.Complete(packet, ipOffset);
            packet.Return();
        }
        Keep.True(pool.Rented == 0, "every packet is returned");
        return reason;
    }

    private static Packet Rent(PacketPool pool, ReadOnlySpan<byte> bytes)
    {
        pool.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet);
        packet.Write(bytes[3..]);
        packet.Segmentation = new Segmentation((SegmentationKind)(bytes[0] & 7), (ushort)(bytes[1] << 8 | bytes[2]));
        packet.Checksum = (ChecksumState)(bytes[0] >> 4 & 3);
        return packet;
    }
}
