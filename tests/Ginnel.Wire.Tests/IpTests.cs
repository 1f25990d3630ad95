using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class IpTests
{
    [Fact]
    public void TheHeaderOfRfc1071sFriendsIsWrittenWithItsChecksum()
    {
        // A header that many textbooks use; its checksum is B861.
        byte[] expected = Convert.FromHexString("450000730000400040 11B861C0A80001C0A800C7".Replace(" ", ""));
        byte[] written = new byte[20];
        new IpV4Header { TotalLength = 115, DontFragment = true, HopLimit = 64, Protocol = IpProtocol.Udp, Source = IpAddress.Parse("192.168.0.1"), Destination = IpAddress.Parse("192.168.0.199") }.Write(written);
        Assert.Equal(Convert.ToHexString(expected), Convert.ToHexString(written));
        Assert.Equal(DropReason.None, IpV4View.TryParseQuoted(written, out IpV4View view));
        Assert.True(view.IsChecksumValid);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void PaddingIsCutOff(bool v4)
    {
        byte[] packet = Sample.Udp(v4, [1, 2, 3]);
        Assert.Equal(DropReason.None, IpView.TryParse([.. packet, 0, 0, 0, 0], out IpView view));
        Assert.Equal(packet, view.Bytes);
        Assert.Equal(11, view.Payload.Length);
        Assert.Equal(v4, view.IsV4);
    }

    [Theory]
    [InlineData("too long", 2, 0x00, 0x63, DropReason.BadLength)]
    [InlineData("shorter than its header", 2, 0x00, 0x13, DropReason.BadLength)]
    [InlineData("header of 16 bytes", 0, 0x44, 0x00, DropReason.BadLength)]
    [InlineData("header beyond the packet", 0, 0x4F, 0x00, DropReason.BadLength)]
    [InlineData("version 5", 0, 0x55, 0x00, DropReason.BadVersion)]
    [InlineData("fragment not a multiple of 8", 6, 0x20, 0x00, DropReason.BadFragment)]
    [InlineData("ping of death", 6, 0x1F, 0xFF, DropReason.BadFragment)]
    public void WrongIpV4IsRefusedByName(string what, int at, byte first, byte second, DropReason expected)
    {
        byte[] packet = Sample.Udp(true, [1, 2, 3]);
        packet[at] = first;
        packet[at + 1] = second;
        Assert.True(IpV4View.TryParse(packet, out _) == expected, what);
    }

    [Theory]
    [InlineData("94040000", false, DropReason.None)]
    [InlineData("83070401020304", true, DropReason.None)]
    [InlineData("89070401020304", true, DropReason.None)]
    [InlineData("0101010189070401020304", true, DropReason.None)]
    [InlineData("0083070401020304", false, DropReason.None)]
    [InlineData("940100", false, DropReason.BadOption)]
    [InlineData("9400", false, DropReason.BadOption)]
    [InlineData("94090000", false, DropReason.BadOption)]
    [InlineData("01010194", false, DropReason.BadOption)]
    public void OptionsAreWalkedAndSourceRoutesSeen(string hex, bool sourceRouted, DropReason expected)
    {
        byte[] options = Convert.FromHexString(hex);
        Array.Resize(ref options, (options.Length + 3) / 4 * 4);
        byte[] packet = new byte[20 + options.Length];
        new IpV4Header { TotalLength = (ushort)packet.Length, HopLimit = 1, Source = Sample.V4A, Destination = Sample.V4B }.Write(packet, options);
        Assert.Equal(expected, IpV4View.TryParse(packet, out IpV4View view));
        if (expected != DropReason.None) return;
        Assert.Equal(sourceRouted, view.IsSourceRouted);
        Assert.Equal(options, view.Options);
        Assert.True(view.IsChecksumValid);
    }

    [Theory]
    [InlineData(8)]
    [InlineData(24)]
    public void AMappedAddressNeverPasses(int at)
    {
        byte[] packet = Sample.Udp(false, [1]);
        Convert.FromHexString("00000000000000000000FFFF7F000001").CopyTo(packet, at);
        Assert.Equal(at == 8 ? DropReason.BadSource : DropReason.BadDestination, IpV6View.TryParse(packet, out _));
        Assert.Equal(at == 8 ? DropReason.BadSource : DropReason.BadDestination, IpV6View.TryParseQuoted(packet, out _));
    }

    public static TheoryData<string, byte, string, DropReason, IpV6Problem> Chains() => new()
    {
        { "hop-by-hop, router alert", 0, "1100050200000100", DropReason.None, default },
        { "option to skip", 60, "11001E0401020304", DropReason.None, default },
        { "option, discard silently", 60, "11005E0401020304", DropReason.BadOption, default },
        { "option, report always", 60, "11009E0401020304", DropReason.BadOption, new(true, IpV6ProblemCode.UnrecognizedOption, 42, true) },
        { "option, report to unicast", 60, "1100DE0401020304", DropReason.BadOption, new(true, IpV6ProblemCode.UnrecognizedOption, 42, false) },
        { "jumbogram", 0, "1100C20400010000", DropReason.BadOption, new(true, IpV6ProblemCode.UnrecognizedOption, 42, false) },
        { "option past its header", 60, "1100010501020304", DropReason.BadOption, default },
        { "header past the packet", 60, "1109010400000000", DropReason.BadLength, default },
        { "hop-by-hop in second place", 60, "00000104000000001100010400000000", DropReason.BadOption, new(true, IpV6ProblemCode.UnrecognizedNextHeader, 40, false) },
        { "two destination options", 60, "3C000104000000001100010400000000", DropReason.None, default },
        { "spent routing header", 43, "1100040000000000", DropReason.None, default },
        { "live routing header 0", 43, "1102000100000000" + "00000000000000000000000000000000", DropReason.SourceRouted, new(true, IpV6ProblemCode.ErroneousField, 42, false) },
        { "live segment routing", 43, "1102040100000000" + "00000000000000000000000000000000", DropReason.SourceRouted, new(true, IpV6ProblemCode.ErroneousField, 42, false) },
        { "atomic fragment", 44, "110000000000CAFE", DropReason.None, default },
        { "fragment in fragment", 44, "2C0000000000CAFE" + "110000000000CAFE", DropReason.BadFragment, default },
        { "fragment not a multiple of 8", 44, "110000010000CAFE", DropReason.BadFragment, new(true, IpV6ProblemCode.ErroneousField, 4, false) },
        { "fragment past the longest packet", 44, "1100FFF80000CAFE", DropReason.BadFragment, new(true, IpV6ProblemCode.ErroneousField, 42, false) },
    };

    [Theory]
    [MemberData(nameof(Chains))]
    public void ExtensionHeadersAreWalkedAndProblemsNamed(string what, byte first, string hex, DropReason expected, IpV6Problem problem)
    {
        byte[] packet = Sample.V6With(Convert.FromHexString(hex), first, Datagram(13));
        Assert.True(IpV6View.TryParse(packet, out IpV6View view, out IpV6Problem seen) == expected, what);
        Assert.Equal(problem, seen);
        if (expected == DropReason.None)
        {
            Assert.Equal(IpProtocol.Udp, view.Protocol);
            Assert.Equal(40 + hex.Length / 2, view.HeaderLength);
            Assert.Equal(13, view.Payload.Length);
        }
        if (problem.IsPresent) Assert.Equal(Sample.V6A, view.Source);
    }

    [Fact]
    public void AFragmentIsSeenAsOne()
    {
        byte[] header = new byte[8];
        new IpV6FragmentHeader { NextHeader = IpProtocol.Udp, FragmentOffset = 1232, Identification = 0xCAFEBABE }.Write(header);
        byte[] packet = Sample.V6With([44, 0, 1, 4, 0, 0, 0, 0, .. header], 60, [1, 2, 3]);
        Assert.Equal(DropReason.None, IpV6View.TryParse(packet, out IpV6View view));
        Assert.True(view is { IsFragment: true, HasFragmentHeader: true, MoreFragments: false, FragmentOffset: 1232, Identification: 0xCAFEBABE });
        Assert.Equal((IpProtocol.Udp, 48, 40, 56), (view.Protocol, view.FragmentHeaderOffset, view.FragmentPredecessorOffset, view.HeaderLength));
        Assert.Equal(3, view.Payload.Length);
    }

    [Theory]
    [InlineData(17, 8, DropReason.None)]
    [InlineData(17, 0, DropReason.BadFragment)]
    [InlineData(6, 16, DropReason.BadFragment)]
    [InlineData(6, 24, DropReason.None)]
    [InlineData(60, 8, DropReason.BadFragment)]
    public void AFirstFragmentHoldsTheWholeHeaderChain(byte next, int length, DropReason expected)
    {
        byte[] upper = new byte[length];
        if (next == 60 && length > 0) upper[0] = 17;
        byte[] packet = Sample.V6With([next, 0, 0, 1, 0, 0, 0, 9], 44, upper);
        Assert.Equal(expected, IpV6View.TryParse(packet, out _, out IpV6Problem problem));
        bool incomplete = expected != DropReason.None && length > 0;
        Assert.Equal(incomplete ? new IpV6Problem(true, IpV6ProblemCode.IncompleteHeaderChain, 40, false) : default, problem);
    }

    [Fact]
    public void HeadersAndOptionsAreCounted()
    {
        byte[] Chain(int count) => Sample.V6With([.. Enumerable.Range(0, count).SelectMany(i => new byte[] { (byte)(i == count - 1 ? 17 : 60), 0, 1, 4, 0, 0, 0, 0 })], 60, Datagram(8));
        Assert.Equal(DropReason.None, IpV6View.TryParse(Chain(8), out _));
        Assert.Equal(DropReason.TooManyExtensionHeaders, IpV6View.TryParse(Chain(9), out _));
        byte[] Options(int count)
        {
            byte[] header = new byte[32];
            header[0] = 17;
            header[1] = 3;
            for (int i = 0; i < count; i++) header[2 + 2 * i] = 0x1E;
            return Sample.V6With(header, 60, Datagram(8));
        }
        Assert.Equal(DropReason.None, IpV6View.TryParse(Options(8), out _));
        Assert.Equal(DropReason.TooManyExtensionHeaders, IpV6View.TryParse(Options(9), out _));
    }

    [Theory]
    [InlineData(true, 28)]
    [InlineData(false, 48)]
    public void AQuotedPacketMayBeCutBehindItsHeaders(bool v4, int length)
    {
        byte[] packet = Sample.Udp(v4, new byte[500]);
        if (v4)
        {
            Assert.Equal(DropReason.BadLength, IpV4View.TryParse(packet.AsSpan(0, length), out _));
            Assert.Equal(DropReason.None, IpV4View.TryParseQuoted(packet.AsSpan(0, length), out IpV4View view));
            Assert.Equal((528, 8), (view.TotalLength, view.Payload.Length));
            return;
        }
        Assert.Equal(DropReason.BadLength, IpV6View.TryParse(packet.AsSpan(0, length), out _));
        Assert.Equal(DropReason.None, IpV6View.TryParseQuoted(packet.AsSpan(0, length), out IpV6View six));
        Assert.Equal((548, 8), (six.TotalLength, six.Payload.Length));
    }

    [Fact]
    public void AQuotedFirstFragmentMayBeCutAnywhereToo()
    {
        byte[] packet = Sample.V6With([17, 0, 0, 1, 0, 0, 0, 9], 44, new byte[1000]);
        for (int length = 48; length < packet.Length; length += 5)
        {
            Assert.Equal(DropReason.None, IpV6View.TryParseQuoted(packet.AsSpan(0, length), out IpV6View view));
            Assert.Equal((IpProtocol.Udp, true, length - 48), (view.Protocol, view.IsFragment, view.Payload.Length));
        }
    }

    [Theory]
    [InlineData("a whole one", 8, DropReason.None)]
    [InlineData("shorter than its packet", 7, DropReason.BadLength)]
    [InlineData("zero", 0, DropReason.BadLength)]
    [InlineData("longer than its packet", 12, DropReason.BadLength)]
    public void UdpLengthsAreChecked(string what, byte length, DropReason expected)
    {
        byte[] datagram = [0, 1, 0, 2, 0, length, 0, 0, 9, 9];
        Assert.True(UdpView.TryParse(datagram, out UdpView view) == expected, what);
        if (expected != DropReason.None) return;
        Assert.True(view.Payload.IsEmpty);
        Assert.True(view.IsChecksumValid(Sample.V4A, Sample.V4B));
        Assert.False(view.IsChecksumValid(Sample.V6A, Sample.V6B));
    }

    private static byte[] Datagram(int length)
    {
        byte[] datagram = new byte[length];
        datagram[5] = (byte)length;
        return datagram;
    }
}
