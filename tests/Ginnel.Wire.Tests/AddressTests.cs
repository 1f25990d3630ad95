using System.Net;
using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class AddressTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("192.0.2.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("2001:db8::1:0:0:1")]
    [InlineData("64:ff9b::102:304")]
    public void TextAndBytesRoundTrip(string text)
    {
        IpAddress address = IpAddress.Parse(text);
        Assert.Equal(text, address.ToString());
        byte[] bytes = new byte[address.Size];
        address.Write(bytes);
        Assert.Equal(address, IpAddress.Read(bytes));
        Assert.Equal(IPAddress.Parse(text), address.ToIPAddress());
        Assert.Equal(address, IpAddress.From(IPAddress.Parse(text)));
    }

    // Attack cases A9, A12: what one program takes for an address and another for a different one is no address here.
    [Theory]
    [InlineData("010.1.1.1")]
    [InlineData("0x7f.0.0.1")]
    [InlineData("127.1")]
    [InlineData("2130706433")]
    [InlineData("1.2.3.4.5")]
    [InlineData("1.2.3.")]
    [InlineData("1.2.3.256")]
    [InlineData("1.2.3.+4")]
    [InlineData(" 1.2.3.4")]
    [InlineData("1.2.3.4:80")]
    [InlineData("١.2.3.4")]
    [InlineData("fe80::1%eth0")]
    [InlineData("[::1]")]
    [InlineData("::1/64")]
    [InlineData("::ffff:010.1.1.1")]
    [InlineData("1::2::3")]
    [InlineData("12345::")]
    [InlineData("")]
    public void OtherSpellingsAreRefused(string text) => Assert.False(IpAddress.TryParse(text, out _));

    [Fact]
    public void AMappedAddressIsTheIpV4Address()
    {
        Assert.Equal(IpAddress.Parse("127.0.0.1"), IpAddress.Parse("::ffff:127.0.0.1"));
        Assert.Equal(IpAddress.Parse("127.0.0.1"), IpAddress.Parse("::ffff:7f00:1"));
        Assert.True(IpAddress.Parse("::ffff:127.0.0.1").IsLoopback);
        Assert.True(IpAddress.Parse("::127.0.0.1").IsV6);
    }

    [Theory]
    [InlineData("127.9.9.9", "loopback")]
    [InlineData("::1", "loopback")]
    [InlineData("0.0.0.0", "unspecified")]
    [InlineData("::", "unspecified")]
    [InlineData("224.0.0.1", "multicast")]
    [InlineData("239.255.255.255", "multicast")]
    [InlineData("ff02::1", "multicast")]
    [InlineData("255.255.255.255", "broadcast")]
    [InlineData("169.254.1.1", "link-local")]
    [InlineData("fe80::1", "link-local")]
    [InlineData("febf::1", "link-local")]
    [InlineData("fec0::1", "")]
    [InlineData("240.0.0.1", "")]
    [InlineData("223.255.255.255", "")]
    [InlineData("2001:db8::1", "")]
    public void KindsAreTold(string text, string kind)
    {
        IpAddress a = IpAddress.Parse(text);
        string[] kinds = [a.IsLoopback ? "loopback" : "", a.IsUnspecified ? "unspecified" : "", a.IsMulticast ? "multicast" : "",
            a.IsLimitedBroadcast ? "broadcast" : "", a.IsLinkLocal ? "link-local" : ""];
        Assert.Equal(kind, string.Concat(kinds));
    }

    [Theory]
    [InlineData("10.0.0.0/8", "10.255.255.255", "11.0.0.0", "9.255.255.255")]
    [InlineData("192.0.2.128/25", "192.0.2.255", "192.0.3.0", "192.0.2.127")]
    [InlineData("192.0.2.1/32", "192.0.2.1", "192.0.2.2", "192.0.2.0")]
    [InlineData("fd00::/8", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::", "fcff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("2001:db8::/64", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff")]
    [InlineData("2001:db8:0:0:8000::/65", "2001:db8::ffff:ffff:ffff:ffff", "2001:db8:0:1::", "2001:db8::7fff:ffff:ffff:ffff")]
    [InlineData("::1/128", "::1", "::2", "::")]
    public void PrefixesHoldTheirMembersAndNoOthers(string text, string last, string after, string before)
    {
        IpPrefix prefix = IpPrefix.Parse(text);
        Assert.Equal(text, prefix.ToString());
        Assert.Equal(IpAddress.Parse(last), prefix.Last);
        Assert.True(prefix.Contains(prefix.Address) && prefix.Contains(prefix.Last));
        Assert.False(prefix.Contains(IpAddress.Parse(after)) || prefix.Contains(IpAddress.Parse(before)));
        Assert.Equal(prefix, new IpPrefix(prefix.Last, prefix.Length));
    }

    [Fact]
    public void TheWholeOfAFamilyIsOfThatFamily()
    {
        IpPrefix four = IpPrefix.Parse("0.0.0.0/0"), six = IpPrefix.Parse("::/0");
        Assert.Equal(IpAddress.BroadcastV4, four.Last);
        Assert.True(four.Contains(IpAddress.Parse("203.0.113.9")) && six.Contains(IpAddress.Parse("ffff::")));
        Assert.False(four.Contains(IpAddress.AnyV6) || six.Contains(IpAddress.AnyV4) || four.Overlaps(six));
    }

    [Theory]
    [InlineData("10.0.0.1/8")]
    [InlineData("10.0.0.0/33")]
    [InlineData("::/129")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/ 8")]
    [InlineData("10.0.0.0/-8")]
    [InlineData("10.0.0.0/8/8")]
    public void WrongPrefixesAreRefused(string text) => Assert.False(IpPrefix.TryParse(text, out _));

    [Theory]
    [InlineData("10.0.0.0/8", "10.1.0.0/16", true)]
    [InlineData("10.1.0.0/16", "10.0.0.0/8", true)]
    [InlineData("10.0.0.0/16", "10.1.0.0/16", false)]
    [InlineData("fd00::/8", "fd12::/16", true)]
    public void OverlapsAreSeenFromBothSides(string left, string right, bool expected) =>
        Assert.Equal(expected, IpPrefix.Parse(left).Overlaps(IpPrefix.Parse(right)));

    [Theory]
    [InlineData("02:00:5e:10:00:ff", true)]
    [InlineData("02:00:5E:10:00:FF", true)]
    [InlineData("02-00-5e-10-00-ff", false)]
    [InlineData("2:0:5e:10:0:ff", false)]
    [InlineData("02:00:5e:10:00:f", false)]
    [InlineData("02:00:5e:10:00: f", false)]
    public void StationsAreSixPairsJoinedByColons(string text, bool expected)
    {
        Assert.Equal(expected, MacAddress.TryParse(text, out MacAddress mac));
        if (expected) Assert.Equal(text.ToLowerInvariant(), mac.ToString());
    }

    [Theory]
    [InlineData(0u, 1u)]
    [InlineData(0xFFFF_FFFFu, 0u)]
    [InlineData(0x8000_0000u, 0xFFFF_FFFFu)]
    public void SequenceNumbersCompareAcrossTheWrap(uint earlier, uint later)
    {
        SequenceNumber a = new(earlier), b = new(later);
        Assert.True(a < b && b > a && a <= b && b >= a && a != b);
        Assert.Equal(b, SequenceNumber.Max(a, b));
        Assert.Equal(a, SequenceNumber.Min(a, b));
        Assert.Equal(b, a + (b - a));
    }
}
