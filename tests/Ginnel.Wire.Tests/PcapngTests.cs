using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class PcapngTests
{
    [Fact]
    public void BlocksStandAsTheFormatSays()
    {
        ArrayBufferWriter<byte> output = new();
        PcapngWriter writer = new(output, "ginnel");
        Assert.Equal(0, writer.AddInterface(PcapLinkType.RawIp, "tun0"));
        Assert.Equal(1, writer.AddInterface(PcapLinkType.Ethernet));
        writer.WritePacket(1, 0x0000_0001_8000_0002, [0xAA, 0xBB, 0xCC, 0xDD, 0xEE], 100, PcapDirection.Inbound, "dropped: é");
        Assert.Equal(
            "0A0D0D0A" + "2C000000" + "4D3C2B1A" + "01000000" + "FFFFFFFFFFFFFFFF" + "04000600" + "67696E6E656C0000" + "00000000" + "2C000000"
            + "01000000" + "28000000" + "65000000" + "00000000" + "02000400" + "74756E30" + "09000100" + "09000000" + "00000000" + "28000000"
            + "01000000" + "20000000" + "01000000" + "00000000" + "09000100" + "09000000" + "00000000" + "20000000"
            + "06000000" + "44000000" + "01000000" + "01000000" + "02000080" + "05000000" + "64000000" + "AABBCCDD" + "EE000000"
            + "01000B00" + "64726F70" + "7065643A" + "20C3A900" + "02000400" + "01000000" + "00000000" + "44000000",
            Convert.ToHexString(output.WrittenSpan));
    }

    [Fact]
    public void EveryBlockEndsWithItsLength()
    {
        ArrayBufferWriter<byte> output = new();
        PcapngWriter writer = new(output, comment: "why");
        writer.AddInterface(PcapLinkType.Ethernet, "名前");
        for (int length = 0; length < 9; length++) writer.WritePacket(0, 1, new byte[length], comment: length % 2 == 0 ? "" : "c");
        writer.WritePacket(0, 1, new byte[65535], direction: PcapDirection.Outbound, comment: new string('é', 600));
        int blocks = 0;
        for (ReadOnlySpan<byte> rest = output.WrittenSpan; !rest.IsEmpty; blocks++)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(rest[4..]);
            Assert.Equal(0, length % 4);
            Assert.Equal(length, BinaryPrimitives.ReadInt32LittleEndian(rest[(length - 4)..]));
            rest = rest[length..];
        }
        Assert.Equal(12, blocks);
    }

    [Fact]
    public void LongTextIsCutAtACharacter()
    {
        ArrayBufferWriter<byte> output = new();
        _ = new PcapngWriter(output, comment: "x" + new string('é', 2000));
        ReadOnlySpan<byte> text = output.WrittenSpan.Slice(28, PcapngWriter.TextLimit);
        Assert.Equal("x" + new string('é', 511) + " ", Encoding.UTF8.GetString(text));
    }

    [Fact]
    public void AnUnknownInterfaceIsTheCallersFault() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new PcapngWriter(new ArrayBufferWriter<byte>()).WritePacket(0, 0, []));
}
