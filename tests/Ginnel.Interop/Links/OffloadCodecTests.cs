using System.Buffers.Binary;
using Ginnel.Linux.Links;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Interop.Links;

/// <summary>The virtio-net header is checked like any other: what it says is believed only where the packet bears it out.</summary>
public sealed class OffloadCodecTests
{
    private const byte NeedsChecksum = VirtioHeader.NeedsChecksum;
    private const LinkOffloads All = LinkOffloads.All;
    private readonly PacketPool _pool = new();

    public static TheoryData<bool, bool> Kinds => new() { { true, true }, { true, false }, { false, true }, { false, false } };

    [Theory]
    [MemberData(nameof(Kinds))]
    public void APartialChecksumIsTakenWhereItStandsInTheTransport(bool isV4, bool isTcp)
    {
        foreach (int link in (int[])[0, 14])
        {
            Packet packet = Make(isV4, isTcp, 100, link);
            int start = link + (isV4 ? 20 : 40);
            VirtioHeader header = new(NeedsChecksum, 0, 0, 0, (ushort)start, (ushort)(isTcp ? 16 : 6));
            Assert.Equal(DropReason.None, OffloadCodec.Receive(header, packet, link));
            Assert.Equal(ChecksumState.Partial, packet.Checksum);
            Assert.True(OffloadCodec.TrySend(packet, link, All, out VirtioHeader again));
            Assert.Equal(header, again);
            packet.Return();
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void ASuperSegmentKeepsItsSizeThereAndBack(bool isV4, bool isTcp)
    {
        Packet packet = Make(isV4, isTcp, 9000, 0);
        byte type = !isTcp ? VirtioHeader.GsoUdp : isV4 ? VirtioHeader.GsoTcp4 : VirtioHeader.GsoTcp6;
        int start = isV4 ? 20 : 40;
        VirtioHeader header = new(NeedsChecksum, type, (ushort)(start + (isTcp ? 20 : 8)), 1400, (ushort)start, (ushort)(isTcp ? 16 : 6));
        Assert.Equal(DropReason.None, OffloadCodec.Receive(header, packet, 0));
        Assert.Equal(1400, packet.Segmentation.SegmentSize);
        Assert.True(OffloadCodec.TrySend(packet, 0, All, out VirtioHeader again));
        Assert.Equal(header, again);
        Assert.False(OffloadCodec.TrySend(packet, 0, LinkOffloads.PartialChecksum, out _));
        packet.Return();
    }

    /// <summary>RFC 3168 section 6.1.2: CWR belongs to the first segment only, which who cuts is told.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void CwrOfASuperSegmentIsToldToTheDevice(bool isV4)
    {
        Packet packet = Make(isV4, isTcp: true, 9000, 0);
        byte type = isV4 ? VirtioHeader.GsoTcp4 : VirtioHeader.GsoTcp6;
        int start = isV4 ? 20 : 40;
        packet.Span[start + 13] = (byte)(TcpFlags.Ack | TcpFlags.Cwr);
        VirtioHeader header = new(NeedsChecksum, (byte)(type | VirtioHeader.GsoEcn), (ushort)(start + 20), 1400, (ushort)start, 16);
        Assert.Equal(DropReason.None, OffloadCodec.Receive(header, packet, 0));
        Assert.Equal(1400, packet.Segmentation.SegmentSize);
        Assert.True(OffloadCodec.TrySend(packet, 0, All, out VirtioHeader again));
        Assert.Equal(header, again);
        packet.Span[start + 13] = (byte)TcpFlags.Ack;
        Assert.True(OffloadCodec.TrySend(packet, 0, All, out again));
        Assert.Equal(type, again.GsoType);
        packet.Return();
    }

    [Theory]
    [InlineData(0, VirtioHeader.GsoTcp4, 1400, 20, 16)] // a super-segment without a partial checksum
    [InlineData(NeedsChecksum, VirtioHeader.GsoTcp4, 0, 20, 16)] // of no size
    [InlineData(NeedsChecksum, VirtioHeader.GsoTcp6, 1400, 20, 16)] // of the other family
    [InlineData(NeedsChecksum, VirtioHeader.GsoUdp, 1400, 20, 16)] // of the other protocol
    [InlineData(NeedsChecksum, 3, 1400, 20, 16)] // of a kind that nobody offered (UDP fragmentation offload)
    [InlineData(NeedsChecksum, VirtioHeader.GsoTcp4, 1400, 24, 16)] // whose checksum stands elsewhere
    [InlineData(NeedsChecksum, 0, 0, 8999, 16)] // behind the end
    [InlineData(NeedsChecksum, 0, 0, 65535, 65535)] // far behind it
    public void AHeaderThatThePacketDoesNotBearOutIsRefused(byte flags, byte type, int size, int start, int offset)
    {
        Packet packet = Make(isV4: true, isTcp: true, 8000, 0);
        VirtioHeader header = new(flags, type, 0, (ushort)size, (ushort)start, (ushort)offset);
        Assert.Equal(DropReason.BadSegmentation, OffloadCodec.Receive(header, packet, 0));
        packet.Return();
    }

    [Fact]
    public void AnyHeaderOnAnyBytesIsTakenOrRefused()
    {
        Random random = new(7);
        byte[] head = new byte[VirtioHeader.Size];
        for (int i = 0; i < 200_000; i++)
        {
            Packet packet = Make((i & 1) == 0, (i & 2) == 0, random.Next(1, 200), (i & 4) == 0 ? 0 : 14);
            if ((i & 8) == 0) random.NextBytes(packet.Span);
            packet.Truncate(random.Next(packet.Length + 1));
            random.NextBytes(head);
            head[0] &= 3;
            if ((i & 16) == 0) head[7] = head[9] = 0; // offsets that may lie inside
            int link = (i & 4) == 0 ? 0 : Math.Min(14, packet.Length);
            if (OffloadCodec.Receive(VirtioHeader.Read(head), packet, link) == DropReason.None && packet.Checksum == ChecksumState.Partial)
            {
                Assert.True(OffloadCodec.TrySend(packet, link, All, out _));
            }
            packet.Return();
        }
        Assert.Equal(0, _pool.Rented);
    }

    [Fact]
    public void AnInnerChecksumIsFinishedHere()
    {
        // IP in IP: the kernel leaves the inner transport's checksum to us, which no stack behind us would look for.
        Packet packet = Make(isV4: true, isTcp: true, 64, 0);
        packet.Span[9] = 4;
        BinaryPrimitives.WriteUInt16BigEndian(packet.Span[40..], 0x1234);
        VirtioHeader header = new(NeedsChecksum, 0, 0, 0, 30, 10);
        Assert.Equal(DropReason.None, OffloadCodec.Receive(header, packet, 0));
        Assert.Equal(ChecksumState.Unverified, packet.Checksum);
        // The sum over everything from the start is then all ones but for what the field held as its pseudo-header.
        ushort stored = BinaryPrimitives.ReadUInt16BigEndian(packet.Span[40..]);
        BinaryPrimitives.WriteUInt16BigEndian(packet.Span[40..], 0x1234);
        Assert.Equal(Checksum.Compute(packet.Span[30..]), stored);
        packet.Return();
    }

    private Packet Make(bool isV4, bool isTcp, int payload, int link)
    {
        int header = isV4 ? 20 : 40, transport = isTcp ? 20 : 8, length = header + transport + payload;
        Assert.True(_pool.TryRent(PacketPool.SizeFor(length + link), out Packet packet));
        Span<byte> bytes = packet.Append(length + link);
        bytes.Clear();
        Span<byte> ip = bytes[link..];
        byte protocol = (byte)(isTcp ? 6 : 17);
        if (isV4)
        {
            ip[0] = 0x45;
            BinaryPrimitives.WriteUInt16BigEndian(ip[2..], (ushort)length);
            ip[8] = 64;
            ip[9] = protocol;
        }
        else
        {
            ip[0] = 0x60;
            BinaryPrimitives.WriteUInt16BigEndian(ip[4..], (ushort)(length - 40));
            ip[6] = protocol;
            ip[7] = 64;
        }
        if (isTcp) ip[header + 12] = 0x50;
        else BinaryPrimitives.WriteUInt16BigEndian(ip[(header + 4)..], (ushort)(8 + payload));
        return packet;
    }
}
