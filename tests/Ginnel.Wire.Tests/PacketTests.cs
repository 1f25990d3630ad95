using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class PacketTests
{
    private readonly PacketPool _pool = new(1 << 20);

    [Fact]
    public void AFreshPacketHasItsRoomAndNoPast()
    {
        for (int round = 0; round < 2; round++)
        {
            Assert.True(_pool.TryRent(PacketSize.Small, out Packet packet));
            Assert.Equal((0, Packet.Headroom, PacketPool.SmallCapacity + Packet.Tailroom), (packet.Length, packet.FreeBefore, packet.FreeAfter));
            Assert.Equal((Segmentation.None, ChecksumState.Unverified), (packet.Segmentation, packet.Checksum));
            packet.Append(100);
            packet.Prepend(20);
            packet.Segmentation = new Segmentation(SegmentationKind.Udp, 9);
            packet.Checksum = ChecksumState.Partial;
            packet.Return();
        }
        Assert.Equal(0, _pool.Rented);
    }

    [Fact]
    public void BytesAreAddedAndTakenAtBothEnds()
    {
        Packet packet = Sample.Packet(_pool, [3, 4, 5]);
        new byte[] { 1, 2 }.CopyTo(packet.Prepend(2));
        packet.Write([6]);
        Assert.Equal([1, 2, 3, 4, 5, 6], packet.Span.ToArray());
        packet.TrimStart(1);
        packet.Truncate(4);
        Assert.Equal([2, 3, 4, 5], packet.Span.ToArray());
        Assert.Throws<InvalidOperationException>(() => packet.Prepend(Packet.Headroom));
        Assert.Throws<InvalidOperationException>(() => packet.Append(PacketPool.SmallCapacity + Packet.Tailroom));
        Assert.Throws<ArgumentOutOfRangeException>(() => packet.TrimStart(5));
        Assert.Throws<ArgumentOutOfRangeException>(() => packet.Truncate(-1));
        packet.Return();
    }

    [Fact]
    public void ReturningTwiceIsFound()
    {
        Packet packet = Sample.Packet(_pool, [1]);
        packet.Return();
        Assert.Throws<InvalidOperationException>(packet.Return);
        Assert.Equal(0, _pool.Rented);
    }

#if DEBUG
    [Fact]
    public void UseAfterReturnIsFoundInDebugBuilds()
    {
        Packet packet = Sample.Packet(_pool, [1, 2, 3]);
        Memory<byte> kept = packet.Memory;
        packet.Return();
        Assert.Throws<InvalidOperationException>(() => packet.Span.Length);
        Assert.Equal([0xDB, 0xDB, 0xDB], kept.ToArray());
    }
#endif

    [Fact]
    public void ThePoolStopsAtItsLimitAndCountsRefusals()
    {
        PacketQueue queue = default;
        while (_pool.TryRent(PacketSize.Super, out Packet packet)) queue.Add(packet);
        Assert.InRange(_pool.AllocatedBytes, (1 << 20) - 70_000, 1 << 20);
        Assert.Equal(1, _pool.Refused);
        Assert.Equal(queue.Count, _pool.Rented);
        queue.ReturnAll();
        Assert.Equal(0, _pool.Rented);
        Assert.True(_pool.TryRent(PacketSize.Super, out Packet again));
        again.Return();
        _pool.Trim();
        Assert.Equal(0, _pool.AllocatedBytes);
    }

    [Fact]
    public void IdleSlabsOfOneClassMakeRoomForTheOther()
    {
        PacketQueue queue = default;
        while (_pool.TryRent(PacketSize.Small, out Packet packet)) queue.Add(packet);
        queue.ReturnAll();
        Assert.True(_pool.TryRent(PacketSize.Super, out Packet super));
        super.Return();
        Assert.InRange(_pool.AllocatedBytes, 1, 1 << 20);
    }

    [Fact]
    public void AQueueReturnsPacketsToTheirOwnPools()
    {
        PacketPool other = new(1 << 20);
        PacketQueue queue = default;
        for (int i = 0; i < 9; i++) queue.Add(Sample.Packet(i % 3 == 0 ? other : _pool, [(byte)i]));
        queue.ReturnAll();
        Assert.Equal((0, 0, true, 0, 0L), (_pool.Rented, other.Rented, queue.IsEmpty, queue.Count, queue.Bytes));
    }

    [Fact]
    public void QueuesKeepOrderAndCount()
    {
        PacketQueue queue = default, more = default, none = default;
        queue.Add(Sample.Packet(_pool, [2]));
        queue.AddFirst(Sample.Packet(_pool, [1, 1]));
        more.AddFirst(Sample.Packet(_pool, [3]));
        more.Add(Sample.Packet(_pool, [4]));
        queue.Append(ref more);
        queue.Append(ref none);
        Assert.True(more.IsEmpty);
        Assert.Equal((4, 5L), (queue.Count, queue.Bytes));
        List<byte> seen = [];
        while (queue.Take() is { } packet) { seen.Add(packet.Span[0]); packet.Return(); }
        Assert.Equal([1, 2, 3, 4], seen);
        Assert.Equal((0, 0L, true), (queue.Count, queue.Bytes, queue.IsEmpty));
    }

    [Theory]
    [InlineData(SegmentationKind.None, 0, 5000, 1)]
    [InlineData(SegmentationKind.TcpV4, 1000, 0, 1)]
    [InlineData(SegmentationKind.TcpV4, 1000, 1000, 1)]
    [InlineData(SegmentationKind.TcpV4, 1000, 1001, 2)]
    [InlineData(SegmentationKind.Udp, 1, 65000, 65000)]
    public void SegmentsAreCounted(SegmentationKind kind, ushort size, int payload, int expected) =>
        Assert.Equal(expected, new Segmentation(kind, size).Count(payload));
}
