using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class TcpHeaderTests
{
    [Fact]
    public void RandomHeadersRoundTrip()
    {
        Random random = new(7);
        byte[] bytes = new byte[60];
        for (int i = 0; i < 5000; i++)
        {
            TcpHeader header = RandomHeader(random);
            int size = header.Write(bytes);
            Assert.Equal(header.Size, size);
            Assert.InRange(size, 20, 60);
            Assert.Equal(DropReason.None, TcpView.TryParse(bytes.AsSpan(0, size), out TcpView view));
            Assert.Equal(DropReason.None, TcpHeader.Read(view, out TcpHeader back));
            Assert.Equal(header.WritableSackCount, back.SackCount);
            for (int block = 0; block < back.SackCount; block++) Assert.Equal(header.Sack[block], back.Sack[block]);
            Assert.Equal(Fields(header), Fields(back));
        }
    }

    [Fact]
    public void SackBlocksGiveWayToTheOtherOptions()
    {
        TcpHeader header = new() { SackCount = 4 };
        Assert.Equal((4, 56), (header.WritableSackCount, header.Size));
        header.HasTimestamps = true;
        Assert.Equal((3, 60), (header.WritableSackCount, header.Size));
        header.MaximumSegmentSize = 1460;
        header.HasWindowScale = true;
        Assert.Equal((2, 60), (header.WritableSackCount, header.Size));
        header.SackCount = -1;
        Assert.Equal((0, 40), (header.WritableSackCount, header.Size));
    }

    [Fact]
    public void AParsedHeaderCanAlwaysBeWritten()
    {
        // MSS, timestamps and three SACK blocks fill 40 bytes without padding; our own aligned layout would take 44.
        byte[] bytes = new byte[60];
        bytes[12] = 0xF0;
        new byte[] { 2, 4, 5, 0xB4, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 26 }.CopyTo(bytes, 20);
        Assert.Equal(DropReason.None, TcpView.TryParse(bytes, out TcpView view));
        Assert.Equal(DropReason.None, TcpHeader.Read(view, out TcpHeader header));
        Assert.Equal(3, header.SackCount);
        Assert.Equal(56, header.Write(new byte[60]));
    }

    [Theory]
    [InlineData("020405B4", DropReason.None)]
    [InlineData("01010101", DropReason.None)]
    [InlineData("00FFFFFF", DropReason.None)]
    [InlineData("1E0400FF", DropReason.None)]
    [InlineData("02030000", DropReason.BadOption)]
    [InlineData("03040000", DropReason.BadOption)]
    [InlineData("04030000", DropReason.BadOption)]
    [InlineData("05040000", DropReason.BadOption)]
    [InlineData("05020000", DropReason.BadOption)]
    [InlineData("08040000", DropReason.BadOption)]
    [InlineData("1E000000", DropReason.BadOption)]
    [InlineData("1E010000", DropReason.BadOption)]
    [InlineData("1E050000", DropReason.BadOption)]
    [InlineData("010101FF", DropReason.BadOption)]
    public void OptionsAreSkippedOrRefused(string hex, DropReason expected)
    {
        byte[] bytes = [.. new byte[12], 0x60, .. new byte[7], .. Convert.FromHexString(hex)];
        Assert.Equal(DropReason.None, TcpView.TryParse(bytes, out TcpView view));
        Assert.Equal(expected, TcpHeader.Read(view, out _));
    }

    [Theory]
    [InlineData(0x40, DropReason.BadLength)]
    [InlineData(0x60, DropReason.BadLength)]
    [InlineData(0x50, DropReason.None)]
    public void TheDataOffsetIsChecked(byte offset, DropReason expected) =>
        Assert.Equal(expected, TcpView.TryParse([.. new byte[12], offset, .. new byte[7], 1, 2], out _));

    private static (object, object, object) Fields(in TcpHeader h) => (
        (h.SourcePort, h.DestinationPort, h.Sequence, h.Acknowledgment, h.Flags, h.Window, h.UrgentPointer),
        (h.MaximumSegmentSize, h.HasWindowScale, h.WindowScale, h.SackPermitted),
        (h.HasTimestamps, h.TimestampValue, h.TimestampEcho));

    private static TcpHeader RandomHeader(Random random)
    {
        TcpHeader header = new()
        {
            SourcePort = (ushort)random.Next(65536), DestinationPort = (ushort)random.Next(65536), Sequence = new((uint)random.NextInt64(1L << 32)),
            Acknowledgment = new((uint)random.NextInt64(1L << 32)), Flags = (TcpFlags)random.Next(256), Window = (ushort)random.Next(65536),
            UrgentPointer = (ushort)random.Next(65536), MaximumSegmentSize = (ushort)(random.Next(2) * random.Next(65536)),
            SackPermitted = random.Next(2) == 0, SackCount = random.Next(5),
        };
        if (random.Next(2) == 0) (header.HasTimestamps, header.TimestampValue, header.TimestampEcho) = (true, (uint)random.Next(), (uint)random.Next());
        if (random.Next(2) == 0) (header.HasWindowScale, header.WindowScale) = (true, (byte)random.Next(256));
        for (int i = 0; i < header.SackCount; i++) header.Sack[i] = new SackBlock(new((uint)random.Next()), new((uint)random.Next()));
        return header;
    }
}
