using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class CoalescerTests
{
    private readonly PacketPool _pool = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ConsecutiveSegmentsBecomeOne(bool v4)
    {
        List<byte[]> packets = [.. Enumerable.Range(0, 10).Select(i => Segment(v4, 1000 * i, 1000, id: (ushort)(5 + i)))];
        List<(byte[] Bytes, Segmentation How)> joined = Coalesce(packets);
        (byte[] bytes, Segmentation how) = Assert.Single(joined);
        Assert.Equal(new Segmentation(v4 ? SegmentationKind.TcpV4 : SegmentationKind.TcpV6, 1000), how);
        Assert.Equal(DropReason.None, IpView.TryParse(bytes, out IpView ip));
        Assert.Equal(DropReason.None, TcpView.TryParse(ip.Payload, out TcpView tcp));
        Assert.Equal(10_000, tcp.Payload.Length);
        Assert.Equal(packets, Resplit(joined));
    }

    public static TheoryData<string, Func<byte[]>> Strangers() => new()
    {
        { "hole", () => Segment(true, 1001, 1000) },
        { "retransmission", () => Segment(true, 0, 1000) },
        { "longer", () => Segment(true, 1000, 1001) },
        { "acknowledgment", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.Acknowledgment += 1) },
        { "window", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.Window++) },
        { "timestamp", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.TimestampValue++) },
        { "options", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.HasTimestamps = false) },
        { "CWR", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.Flags |= TcpFlags.Cwr) },
        { "ECE", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.Flags |= TcpFlags.Ece) },
        { "URG", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.Flags |= TcpFlags.Urg) },
        { "RST", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.Flags |= TcpFlags.Rst) },
        { "SYN", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.Flags |= TcpFlags.Syn) },
        { "empty", () => Segment(true, 1000, 0) },
        { "port", () => Segment(true, 1000, 1000, change: (ref TcpHeader h) => h.SourcePort++) },
        { "identification", () => Segment(true, 1000, 1000, id: 80) },
        { "TTL", () => Altered(Segment(true, 1000, 1000), bytes => bytes[8]--) },
        { "ECN", () => Altered(Segment(true, 1000, 1000), bytes => bytes[1] = 3) },
        { "DF", () => Altered(Segment(true, 1000, 1000), bytes => bytes[6] = 0) },
        { "checksum", () => { byte[] b = Segment(true, 1000, 1000); b[^1] ^= 1; return b; } },
        { "header checksum", () => { byte[] b = Segment(true, 1000, 1000); b[10] ^= 1; return b; } },
        { "family", () => Segment(false, 1000, 1000) },
    };

    [Theory]
    [MemberData(nameof(Strangers))]
    public void APacketThatDiffersStaysApart(string what, Func<byte[]> second)
    {
        List<byte[]> packets = [Segment(true, 0, 1000), second()];
        List<(byte[] Bytes, Segmentation How)> result = Coalesce(packets);
        Assert.True(result.Count == 2, what);
        Assert.All(result, r => Assert.Equal(Segmentation.None, r.How));
        Assert.Equal(packets.OrderBy(Convert.ToHexString), result.Select(r => r.Bytes).OrderBy(Convert.ToHexString));
    }

    [Theory]
    [InlineData(TcpFlags.Psh)]
    [InlineData(TcpFlags.Fin)]
    public void PushAndFinEndASuperSegment(TcpFlags flag)
    {
        List<byte[]> packets = [Segment(true, 0, 500, 77), Segment(true, 500, 500, 78, (ref TcpHeader h) => h.Flags |= flag), Segment(true, 1000, 500, 79)];
        List<(byte[] Bytes, Segmentation How)> result = Coalesce(packets);
        Assert.Equal(2, result.Count);
        Assert.Equal(packets, Resplit(result));
    }

    [Fact]
    public void AShortSegmentEndsASuperSegment()
    {
        List<byte[]> packets = [Segment(true, 0, 500, 77), Segment(true, 500, 499, 78), Segment(true, 999, 499, 79)];
        List<(byte[] Bytes, Segmentation How)> result = Coalesce(packets);
        Assert.Equal(2, result.Count);
        Assert.Equal(packets, Resplit(result));
    }

    [Fact]
    public void ACorruptFirstSegmentIsNotSpreadOverItsSuccessors()
    {
        byte[] corrupt = Segment(true, 0, 500, 77);
        corrupt[^1] ^= 1;
        List<byte[]> packets = [corrupt, Segment(true, 500, 500, 78), Segment(true, 1000, 500, 79)];
        List<(byte[] Bytes, Segmentation How)> result = Coalesce(packets);
        Assert.Equal(2, result.Count);
        Assert.Equal(corrupt, result[0].Bytes);
    }

    [Theory]
    [InlineData(ChecksumState.Partial, ChecksumState.Partial)]
    [InlineData(ChecksumState.Verified, ChecksumState.Verified)]
    [InlineData(ChecksumState.Unverified, ChecksumState.Verified)]
    public void AFirstSegmentThatMovedInVainKeepsWhatIsKnownOfItsChecksum(ChecksumState state, ChecksumState expected)
    {
        byte[] corrupt = Segment(true, 500, 500, 78);
        corrupt[^1] ^= 1;
        PacketQueue batch = default;
        Packet first = Sample.Packet(_pool, Segment(true, 0, 500, 77));
        first.Checksum = state;
        batch.Add(first);
        batch.Add(Sample.Packet(_pool, corrupt));
        new SegmentCoalescer(0).Coalesce(ref batch);
        Assert.Equal(2, batch.Count);
        Assert.Equal(expected, batch.Peek()!.Checksum);
        batch.ReturnAll();
    }

    [Fact]
    public void NothingGrowsBeyondTheLongestPacket()
    {
        // 120 segments with their headers would be 65,572 bytes, just too long.
        List<byte[]> packets = [.. Enumerable.Range(0, 240).Select(i => Segment(true, 546 * i, 546, (ushort)(77 + i)))];
        List<(byte[] Bytes, Segmentation How)> result = Coalesce(packets);
        Assert.Equal(3, result.Count);
        Assert.All(result, r => Assert.InRange(r.Bytes.Length, 1, 65535));
        Assert.Equal(packets, Resplit(result));
    }

    [Fact]
    public void EthernetPaddingIsNotTakenForPayload()
    {
        byte[] padded = [.. Sample.Framed(Segment(true, 0, 2, 77)), 0, 0, 0];
        // Its sequence number fits only if the padding were data.
        byte[] next = Sample.Framed(Segment(true, 5, 2, 78));
        SegmentCoalescer coalescer = new(14);
        PacketQueue batch = default;
        batch.Add(Sample.Packet(_pool, padded));
        batch.Add(Sample.Packet(_pool, next));
        coalescer.Coalesce(ref batch);
        Assert.Equal(2, batch.Count);
        batch.ReturnAll();
    }

    [Fact]
    public void WhatBearsAnotherEtherTypeStaysApart()
    {
        SegmentCoalescer coalescer = new(14);
        PacketQueue output = default;
        for (int i = 0; i < 3; i++)
        {
            byte[] frame = Sample.Framed(Segment(true, 500 * i, 500, (ushort)(77 + i)));
            (frame[12], frame[13]) = (0x86, 0xDD);
            Assert.True(coalescer.TryAdd(frame, _pool, ref output));
        }
        coalescer.Flush(ref output);
        Assert.Equal(3, output.Count);
        output.ReturnAll();
    }

    [Fact]
    public void APoolAtItsLimitLosesTheOnePacketAndSaysSo()
    {
        Drought drought = new(_pool);
        SegmentCoalescer coalescer = new(0);
        PacketQueue output = default;
        Assert.True(coalescer.TryAdd(Segment(true, 0, 500, 77), drought, ref output));
        drought.IsDry = true;
        // Its neighbour of another flow is lost; what continues the first needs no packet of its own.
        Assert.False(coalescer.TryAdd(Segment(false, 0, 500), drought, ref output));
        Assert.True(coalescer.TryAdd(Segment(true, 500, 500, 78), drought, ref output));
        coalescer.Flush(ref output);
        Assert.Equal(1, output.Count);
        Assert.Equal(new Segmentation(SegmentationKind.TcpV4, 500), output.Peek()!.Segmentation);
        output.ReturnAll();
        Assert.Equal(0, _pool.Rented);
    }

    private sealed class Drought(PacketPool pool) : IPacketSource
    {
        public bool IsDry { get; set; }

        public bool TryRent(PacketSize size, out Packet packet)
        {
            packet = null!;
            return !IsDry && pool.TryRent(size, out packet);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void DatagramsOfOneSizeJoinWhenAsked(bool v4)
    {
        List<byte[]> packets = [.. Enumerable.Range(0, 5).Select(i => Sample.Udp(v4, Sample.Bytes(i == 4 ? 30 : 100, i), id: (ushort)(9 + i)))];
        List<(byte[] Bytes, Segmentation How)> result = Coalesce(packets, datagrams: true);
        Assert.Equal(new Segmentation(SegmentationKind.Udp, 100), Assert.Single(result).How);
        Assert.Equal(packets, Resplit(result));
        Assert.Equal(5, Coalesce(packets).Count);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(14)]
    public void SplittingGivesBackWhatWasCoalesced(int ipOffset)
    {
        for (int seed = 1; seed <= 400; seed++)
        {
            Random random = new(seed);
            List<byte[]> packets = RandomTraffic(random);
            List<(byte[] Bytes, Segmentation How)> joined = Coalesce(packets, datagrams: true, ipOffset);
            List<byte[]> back = Resplit(joined, ipOffset);
            Assert.True(packets.Count == back.Count, $"seed {seed}: {packets.Count} packets became {back.Count}");
            foreach (IGrouping<string, byte[]> flow in packets.GroupBy(FlowOf))
                Assert.True(flow.SequenceEqual(back.Where(p => FlowOf(p) == flow.Key), ByteComparer.Instance), $"seed {seed}, flow {flow.Key}");
            Assert.Equal(0, _pool.Rented);
        }
    }

    [Fact]
    public void JoiningAndCuttingAllocateNothing()
    {
        SegmentCoalescer coalescer = new(0);
        byte[][] packets = [.. Enumerable.Range(0, 40).Select(i => Segment(i % 2 == 0, 1000 * (i / 2), 1000, (ushort)(77 + i / 2)))];
        long before = 0;
        for (int round = 0; round < 60; round++)
        {
            // The first rounds fill the pool and compile the code.
            if (round == 50) before = GC.GetAllocatedBytesForCurrentThread();
            PacketQueue batch = default, pieces = default;
            foreach (byte[] bytes in packets) batch.Add(Sample.Packet(_pool, bytes));
            coalescer.Coalesce(ref batch);
            foreach (byte[] bytes in packets) coalescer.TryAdd(bytes, _pool, ref batch);
            coalescer.Flush(ref batch);
            while (batch.Take() is { } packet) SegmentSplitter.Split(packet, 0, partialChecksums: false, ref pieces);
            pieces.ReturnAll();
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string FlowOf(byte[] packet) => IpView.TryParse(packet, out IpView ip) == DropReason.None
        ? $"{ip.Protocol} {ip.Source} {Convert.ToHexString(ip.Payload[..4])}" : "?";

    // Several flows, mostly in sequence, with everything that must keep packets apart sprinkled in.
    private static List<byte[]> RandomTraffic(Random random)
    {
        List<byte[]> packets = [];
        int[] offsets = new int[4];
        ushort[] ids = [0, 65530, 5, 9];
        for (int i = 0; i < 60; i++)
        {
            int flow = random.Next(5);
            int size = random.Next(10) == 0 ? random.Next(0, 1400) : flow % 2 == 0 ? 1000 : 536;
            if (flow == 4) { packets.Add(Sample.Udp(i % 2 == 0, Sample.Bytes(random.Next(3) == 0 ? 50 : 100, i), id: ids[3]++)); continue; }
            if (random.Next(12) == 0) offsets[flow] += random.Next(-700, 700);
            TcpFlags extra = random.Next(12) switch { 0 => TcpFlags.Psh, 1 => TcpFlags.Fin, 2 => TcpFlags.Cwr, 3 => TcpFlags.Ece, 4 => TcpFlags.Urg, 5 => TcpFlags.Rst, _ => 0 };
            packets.Add(Segment(flow < 2, offsets[flow], size, flow == 0 ? (ushort)0 : ids[flow]++,
                (ref TcpHeader h) => { h.SourcePort += (ushort)flow; h.Flags |= extra; if (random.Next(15) == 0) h.Window++; }));
            offsets[flow] += size;
        }
        return packets;
    }

    private delegate void Change(ref TcpHeader header);

    private static byte[] Segment(bool v4, int offset, int length, ushort id = 78, Change? change = null)
    {
        TcpHeader header = new() { SourcePort = 4000, DestinationPort = 80, Sequence = new SequenceNumber(0xFFFF_F000) + offset, Acknowledgment = new(99),
            Flags = TcpFlags.Ack, Window = 500, HasTimestamps = true, TimestampValue = 5, TimestampEcho = 6 };
        change?.Invoke(ref header);
        return Sample.Tcp(v4, header, Sample.Bytes(length, offset + 1), offset == 0 && id == 78 ? (ushort)77 : id);
    }

    private static byte[] Altered(byte[] packet, Action<byte[]> change)
    {
        change(packet);
        Sample.SetV4Checksum(packet);
        return packet;
    }

    private List<(byte[] Bytes, Segmentation How)> Coalesce(List<byte[]> packets, bool datagrams = false, int ipOffset = 0)
    {
        SegmentCoalescer coalescer = new(ipOffset, datagrams);
        PacketQueue batch = default;
        foreach (byte[] bytes in packets) batch.Add(Sample.Packet(_pool, ipOffset == 0 ? bytes : Sample.Framed(bytes)));
        coalescer.Coalesce(ref batch);
        List<(byte[], Segmentation)> result = [];
        while (batch.Take() is { } packet)
        {
            Assert.Equal(DropReason.None, SegmentSplitter.Check(packet, ipOffset));
            result.Add((packet.Span[ipOffset..].ToArray(), packet.Segmentation));
            packet.Return();
        }
        Assert.Equal(packets.Count - result.Count, coalescer.Joined);
        Assert.Equal(result.Select(Describe), FromBuffer(packets, datagrams, ipOffset).Select(Describe));
        return result;
    }

    private static string Describe((byte[] Bytes, Segmentation How) packet) => $"{packet.How} {Convert.ToHexString(packet.Bytes)}";

    // The same packets out of the buffer that they were read into.
    private List<(byte[] Bytes, Segmentation How)> FromBuffer(List<byte[]> packets, bool datagrams, int ipOffset)
    {
        SegmentCoalescer coalescer = new(ipOffset, datagrams);
        PacketQueue output = default;
        foreach (byte[] bytes in packets) Assert.True(coalescer.TryAdd(ipOffset == 0 ? bytes : Sample.Framed(bytes), _pool, ref output));
        coalescer.Flush(ref output);
        List<(byte[], Segmentation)> result = [];
        while (output.Take() is { } packet)
        {
            result.Add((packet.Span[ipOffset..].ToArray(), packet.Segmentation));
            packet.Return();
        }
        return result;
    }

    private List<byte[]> Resplit(List<(byte[] Bytes, Segmentation How)> packets, int ipOffset = 0)
    {
        List<byte[]> result = [];
        foreach ((byte[] bytes, Segmentation how) in packets)
        {
            Packet packet = Sample.Packet(_pool, ipOffset == 0 ? bytes : Sample.Framed(bytes));
            packet.Segmentation = how;
            if (how.Kind != SegmentationKind.None) packet.Checksum = ChecksumState.Partial;
            PacketQueue output = default;
            Assert.Equal(DropReason.None, SegmentSplitter.Split(packet, ipOffset, partialChecksums: false, ref output));
            while (output.Take() is { } piece) { result.Add(piece.Span[ipOffset..].ToArray()); piece.Return(); }
        }
        return result;
    }

    private sealed class ByteComparer : IEqualityComparer<byte[]>
    {
        public static readonly ByteComparer Instance = new();

        public bool Equals(byte[]? left, byte[]? right) => left.AsSpan().SequenceEqual(right);

        public int GetHashCode(byte[] bytes) => bytes.Length;
    }
}
