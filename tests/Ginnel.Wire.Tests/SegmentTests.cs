using System.Buffers.Binary;
using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class SegmentTests
{
    private readonly PacketPool _pool = new();

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 14)]
    [InlineData(false, 0)]
    [InlineData(false, 14)]
    public void TcpIsCutWithItsFlagsNumbersAndChecksums(bool v4, int ipOffset)
    {
        TcpHeader header = new() { SourcePort = 1, DestinationPort = 2, Sequence = new(0xFFFF_FF00), Acknowledgment = new(5), Window = 9, HasTimestamps = true,
            Flags = TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Fin | TcpFlags.Cwr | TcpFlags.Ece };
        byte[] payload = Sample.Bytes(2500);
        List<byte[]> pieces = Split(Sample.Tcp(v4, header, payload, id: 0xFFFF), v4 ? SegmentationKind.TcpV4 : SegmentationKind.TcpV6, 1000, ipOffset);
        Assert.Equal(3, pieces.Count);
        List<byte> joined = [];
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(DropReason.None, IpView.TryParse(pieces[i], out IpView ip));
            Assert.Equal(pieces[i].Length, ip.Bytes.Length);
            Assert.Equal(DropReason.None, TcpView.TryParse(ip.Payload, out TcpView tcp));
            Assert.True(Checksum.Verify(ip.Source, ip.Destination, IpProtocol.Tcp, ip.Payload));
            Assert.Equal(new SequenceNumber(0xFFFF_FF00) + 1000 * i, tcp.Sequence);
            TcpFlags expected = TcpFlags.Ack | TcpFlags.Ece | (i == 0 ? TcpFlags.Cwr : 0) | (i == 2 ? TcpFlags.Psh | TcpFlags.Fin : 0);
            Assert.Equal(expected, tcp.Flags);
            if (v4)
            {
                IpV4View.TryParse(pieces[i], out IpV4View ipv4);
                Assert.True(ipv4.IsChecksumValid);
                Assert.Equal((ushort)(0xFFFF + i), ipv4.Identification);
            }
            joined.AddRange(tcp.Payload);
        }
        Assert.Equal(payload, joined);
        Assert.Equal(0, _pool.Rented);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void UdpIsCutIntoDatagrams(bool v4)
    {
        byte[] payload = Sample.Bytes(1001);
        List<byte[]> pieces = Split(Sample.Udp(v4, payload), SegmentationKind.Udp, 400, 0);
        Assert.Equal([400, 400, 201], pieces.Select(p => { IpView.TryParse(p, out IpView ip); UdpView.TryParse(ip.Payload, out UdpView udp); return udp.Payload.Length; }));
        foreach (byte[] piece in pieces)
        {
            IpView.TryParse(piece, out IpView ip);
            UdpView.TryParse(ip.Payload, out UdpView udp);
            Assert.NotEqual(0, udp.Checksum);
            Assert.True(udp.IsChecksumValid(ip.Source, ip.Destination));
        }
    }

    [Fact]
    public void PartialChecksumsStayPartialForALinkThatCompletesThem()
    {
        byte[] whole = Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, Sample.Bytes(300));
        Packet packet = Sample.Packet(_pool, whole);
        packet.Segmentation = new Segmentation(SegmentationKind.TcpV4, 200);
        packet.Checksum = ChecksumState.Partial;
        PacketQueue output = default;
        Assert.Equal(DropReason.None, SegmentSplitter.Split(packet, 0, partialChecksums: true, ref output));
        Assert.Equal(2, output.Count);
        while (output.Take() is { } piece)
        {
            Assert.Equal(ChecksumState.Partial, piece.Checksum);
            ulong pseudo = Checksum.PseudoHeader(Sample.V4A, Sample.V4B, IpProtocol.Tcp, piece.Length - 20);
            Assert.Equal(Checksum.Fold(pseudo), BinaryPrimitives.ReadUInt16BigEndian(piece.Span[36..]));
            Assert.Equal(DropReason.None, PacketChecksum.Complete(piece, 0));
            Assert.True(Checksum.Verify(Sample.V4A, Sample.V4B, IpProtocol.Tcp, piece.Span[20..]));
            piece.Return();
        }
    }

    [Fact]
    public void AnUrgentPointerFollowsItsOctet()
    {
        byte[] whole = Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack | TcpFlags.Urg, UrgentPointer = 150 }, Sample.Bytes(300));
        List<byte[]> pieces = Split(whole, SegmentationKind.TcpV4, 100, 0);
        Assert.Equal([(true, 150), (true, 50), (false, 0)], pieces.Select(p =>
        {
            TcpView.TryParse(p.AsSpan(20), out TcpView tcp);
            return ((tcp.Flags & TcpFlags.Urg) != 0, (int)tcp.UrgentPointer);
        }));
    }

    public static TheoryData<string, byte[], SegmentationKind, int> Lies() => new()
    {
        { "size zero", Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, new byte[99]), SegmentationKind.TcpV4, 0 },
        { "family", Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, new byte[99]), SegmentationKind.TcpV6, 10 },
        { "protocol", Sample.Udp(true, new byte[99]), SegmentationKind.TcpV4, 10 },
        { "protocol the other way", Sample.Tcp(false, new TcpHeader { Flags = TcpFlags.Ack }, new byte[99]), SegmentationKind.Udp, 10 },
        { "SYN", Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Syn }, new byte[99]), SegmentationKind.TcpV4, 10 },
        { "RST", Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Rst }, new byte[99]), SegmentationKind.TcpV4, 10 },
        { "amplification", Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, new byte[3000]), SegmentationKind.TcpV4, 1 },
        { "ICMP", Sample.Ip(true, IpProtocol.Icmp, new byte[99]), SegmentationKind.Udp, 10 },
        { "unknown kind", Sample.Udp(true, new byte[99]), (SegmentationKind)9, 10 },
    };

    [Theory]
    [MemberData(nameof(Lies))]
    public void MetadataThatContradictTheHeadersAreRefused(string what, byte[] bytes, SegmentationKind kind, int size)
    {
        Packet packet = Sample.Packet(_pool, bytes);
        packet.Segmentation = new Segmentation(kind, (ushort)size);
        Assert.True(SegmentSplitter.Check(packet, 0) == DropReason.BadSegmentation, what);
        PacketQueue output = default;
        Assert.Equal(DropReason.BadSegmentation, SegmentSplitter.Split(packet, 0, false, ref output));
        Assert.True(output.IsEmpty);
        Assert.Equal(0, _pool.Rented);
    }

    [Fact]
    public void CuttingDoesNotLendACorruptPacketGoodChecksums()
    {
        byte[] bytes = Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, Sample.Bytes(300));
        bytes[^1] ^= 1;
        Packet packet = Sample.Packet(_pool, bytes);
        packet.Segmentation = new Segmentation(SegmentationKind.TcpV4, 100);
        PacketQueue output = default;
        Assert.Equal(DropReason.BadChecksum, SegmentSplitter.Split(packet, 0, false, ref output));
        Assert.Equal(0, _pool.Rented);
    }

    [Fact]
    public void AnEmptyPoolEndsTheCuttingAndLeaksNothing()
    {
        PacketPool small = new(1 << 20);
        Packet packet = Sample.Packet(small, Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, new byte[60000]));
        packet.Segmentation = new Segmentation(SegmentationKind.TcpV4, 50);
        PacketQueue output = default;
        Assert.Equal(DropReason.OutOfBuffers, SegmentSplitter.Split(packet, 0, false, ref output));
        Assert.InRange(output.Count, 1, 1199);
        output.ReturnAll();
        Assert.Equal(0, small.Rented);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void AUdpSumOfZeroIsSentAsAllOnes(bool v4)
    {
        byte[] packet = Sample.Udp(v4, new byte[2]);
        int transport = v4 ? 20 : 40;
        // Choose the payload so that the sum comes out as all ones, whose complement is zero.
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(transport + 8), BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(transport + 6)));
        PacketChecksum.Fill(packet.AsSpan(transport), v4 ? Sample.V4A : Sample.V6A, v4 ? Sample.V4B : Sample.V6B, IpProtocol.Udp, partial: false);
        Assert.Equal(0xFFFF, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(transport + 6)));
        Packet rented = Sample.Packet(_pool, packet);
        Assert.Equal(DropReason.None, PacketChecksum.Verify(rented, 0));
        Assert.Equal(ChecksumState.Verified, rented.Checksum);
        rented.Return();
    }

    [Fact]
    public void AChecksumCoversTheDatagramNotTheSurplusBehindIt()
    {
        byte[] bytes = [.. Sample.Udp(true, Sample.Bytes(9)), 1, 2, 3];
        bytes[3] += 3;
        Sample.SetV4Checksum(bytes);
        Packet packet = Sample.Packet(_pool, bytes);
        Assert.Equal(DropReason.None, PacketChecksum.Verify(packet, 0));
        Assert.Equal(ChecksumState.Verified, packet.Checksum);
        packet.Segmentation = new Segmentation(SegmentationKind.Udp, 4);
        Assert.Equal(DropReason.BadSegmentation, SegmentSplitter.Check(packet, 0));
        packet.Return();
    }

    [Theory]
    [InlineData(IpProtocol.Tcp)]
    [InlineData(IpProtocol.Udp)]
    [InlineData(IpProtocol.Icmp)]
    public void AFlippedBitAnywhereInTheTransportFailsVerification(IpProtocol protocol)
    {
        byte[] good = protocol switch
        {
            IpProtocol.Tcp => Sample.Tcp(true, new TcpHeader { Flags = TcpFlags.Ack }, Sample.Bytes(33)),
            IpProtocol.Udp => Sample.Udp(true, Sample.Bytes(33)),
            _ => Sample.Ip(true, IpProtocol.Icmp, Sample.Bytes(33)),
        };
        for (int bit = 20 * 8; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << bit % 8);
            Packet packet = Sample.Packet(_pool, bad);
            Assert.NotEqual(DropReason.None, PacketChecksum.Verify(packet, 0));
            Assert.Equal(ChecksumState.Unverified, packet.Checksum);
            packet.Return();
        }
    }

    private List<byte[]> Split(byte[] bytes, SegmentationKind kind, ushort size, int ipOffset)
    {
        Packet packet = Sample.Packet(_pool, ipOffset == 0 ? bytes : Sample.Framed(bytes));
        packet.Segmentation = new Segmentation(kind, size);
        Assert.Equal(DropReason.None, SegmentSplitter.Check(packet, ipOffset));
        PacketQueue output = default;
        Assert.Equal(DropReason.None, SegmentSplitter.Split(packet, ipOffset, partialChecksums: false, ref output));
        List<byte[]> pieces = [];
        while (output.Take() is { } piece)
        {
            Assert.Equal(Segmentation.None, piece.Segmentation);
            Assert.Equal(ChecksumState.Verified, piece.Checksum);
            pieces.Add(piece.Span[ipOffset..].ToArray());
            piece.Return();
        }
        return pieces;
    }
}
