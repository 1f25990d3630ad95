using Xunit;

namespace Ginnel.Wire.Tests;

public sealed class DnsNameTests
{
    [Theory]
    [InlineData("example.com", "example.com")]
    [InlineData("example.com.", "example.com")]
    [InlineData("WWW.Example.COM", "WWW.Example.COM")]
    [InlineData(".", ".")]
    [InlineData(@"a\.b.c", @"a\.b.c")]
    [InlineData(@"a\000b.c", @"a\000b.c")]
    [InlineData(@"\065.c", "A.c")]
    [InlineData(@"a\\b", @"a\\b")]
    [InlineData("_http._tcp.x", "_http._tcp.x")]
    [InlineData("xn--bcher-kva.example", "xn--bcher-kva.example")]
    public void PresentationFormRoundTrips(string text, string canonical)
    {
        Assert.True(DnsName.TryParse(text, out DnsName name));
        Assert.Equal(canonical, name.ToString());
        Assert.Equal(name, DnsName.Parse(name.ToString()));
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData(".a")]
    [InlineData("a..b")]
    [InlineData("a..")]
    [InlineData("a b")]
    [InlineData("bücher.example")]
    [InlineData(@"a\")]
    [InlineData(@"a\25")]
    [InlineData(@"a\256")]
    [InlineData(@"a\2 5")]
    [InlineData("a\0b")]
    public void WhatIsNoNameIsRefused(string text) => Assert.False(DnsName.TryParse(text, out _));

    [Fact]
    public void LabelsEndAt63AndNamesAt255Octets()
    {
        string label = new('a', 63);
        Assert.True(DnsName.TryParse(label, out _));
        Assert.False(DnsName.TryParse(label + "a", out _));
        string longest = $"{label}.{label}.{label}.{new string('b', 61)}";
        Assert.True(DnsName.TryParse(longest, out DnsName name));
        Assert.Equal(255, name.Wire.Length);
        Assert.True(DnsName.TryParse(longest + ".", out _));
        Assert.False(DnsName.TryParse(longest + "b", out _));
        Assert.False(DnsName.TryParse(longest + ".b", out _));
        Assert.False(name.TryPrepend("x"u8, out _));
        Assert.True(DnsName.TryParse(string.Join('.', Enumerable.Repeat("a", 127)), out DnsName many));
        Assert.Equal(127, many.LabelCount);
        Assert.False(DnsName.TryParse(string.Join('.', Enumerable.Repeat("a", 128)), out _));
    }

    [Fact]
    public void CaseDoesNotMatterButIsKept()
    {
        DnsName upper = DnsName.Parse("EXAMPLE.com"), lower = DnsName.Parse("example.COM");
        Assert.Equal(upper, lower);
        Assert.Equal(upper.GetHashCode(), lower.GetHashCode());
        Assert.NotEqual(upper.ToString(), lower.ToString());
        // Only ASCII letters have a case: '@' and '`' differ by the same bit and are two characters.
        Assert.NotEqual(DnsName.Parse("@"), DnsName.Parse("`"));
        Assert.NotEqual(DnsName.Parse("["), DnsName.Parse("{"));
    }

    [Theory]
    [InlineData("www.example.com", "example.com", true)]
    [InlineData("example.com", "EXAMPLE.com", true)]
    [InlineData("anything.at.all", ".", true)]
    [InlineData("evilexample.com", "example.com", false)]
    [InlineData("com", "example.com", false)]
    [InlineData(@"www\.example.com", "example.com", false)]
    [InlineData(@"example.com\000.evil", "example.com", false)]
    [InlineData("example.com.evil", "example.com", false)]
    public void ASuffixEndsAtALabelBorder(string name, string ancestor, bool expected) =>
        Assert.Equal(expected, DnsName.Parse(name).IsAtOrBelow(DnsName.Parse(ancestor)));

    [Fact]
    public void ParentsLeadToTheRoot()
    {
        DnsName name = DnsName.Parse("a.bc.d");
        Assert.Equal("a"u8, name.FirstLabel);
        Assert.Equal(DnsName.Parse("bc.d"), name.Parent);
        Assert.Equal(DnsName.Root, name.Parent.Parent.Parent);
        Assert.Equal(DnsName.Root, DnsName.Root.Parent);
        Assert.True(DnsName.Root.FirstLabel.IsEmpty);
        Assert.True(name.TryPrepend("x"u8, out DnsName below));
        Assert.Equal("x.a.bc.d", below.ToString());
    }

    [Theory]
    [InlineData("192.0.2.17", "17.2.0.192.in-addr.arpa")]
    [InlineData("2001:db8::567:89ab", "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")]
    public void AddressesHaveReverseNames(string address, string name)
    {
        Assert.Equal(DnsName.Parse(name), DnsReverseName.Of(IpAddress.Parse(address)));
        Assert.True(DnsReverseName.TryGetAddress(DnsName.Parse(name.ToUpperInvariant()), out IpAddress back));
        Assert.Equal(IpAddress.Parse(address), back);
    }

    [Theory]
    [InlineData("2.0.192.in-addr.arpa")]
    [InlineData("256.2.0.192.in-addr.arpa")]
    [InlineData("01.2.0.192.in-addr.arpa")]
    [InlineData("x.2.0.192.in-addr.arpa")]
    [InlineData("1.2.3.4.5.in-addr.arpa")]
    [InlineData("1.2.3.4.example.com")]
    [InlineData("g.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa")]
    [InlineData("1.0.0.0.0.0.0.0.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa")]
    public void OtherNamesStandForNoAddress(string name) => Assert.False(DnsReverseName.TryGetAddress(DnsName.Parse(name), out _));
}
