using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>Messages of ICMP that nobody gets an answer to, and that change nothing.</summary>
public sealed class SilenceTests
{
    // Source quench (RFC 6633), redirect, router discovery, timestamp, information, address mask, traceroute, Photuris, extended echo, nobody's.
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(9)]
    [InlineData(10)]
    [InlineData(13)]
    [InlineData(14)]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(17)]
    [InlineData(18)]
    [InlineData(30)]
    [InlineData(40)]
    [InlineData(42)]
    [InlineData(200)]
    public void RFC1122_3_2_2_what_a_host_need_not_know_is_dropped_in_silence(byte type)
    {
        using TestStack stack = new();
        stack.ReceiveDropped(DropReason.Ignored, Build.Error(PeerV4, OwnV4, type, 0, 0x0102_0304, new byte[12]));
        Assert.Empty(stack.Sent());
        Assert.Null(stack.NextEvent());
    }

    // Multicast listeners, node information, home agents, private experiments: RFC 4443 section 2.4 b for those above 127, a for the others.
    [Theory]
    [InlineData(130)]
    [InlineData(131)]
    [InlineData(139)]
    [InlineData(144)]
    [InlineData(200)]
    [InlineData(255)]
    [InlineData(5)]
    [InlineData(100)]
    public void RFC4443_2_4_b_what_is_unknown_is_dropped_in_silence(byte type)
    {
        using TestStack stack = new();
        stack.ReceiveDropped(DropReason.Ignored, Build.Error(PeerV6, OwnV6, type, 0, 0x0102_0304, Build.Udp(new(OwnV6, 53), new(PeerV6, 4000), 1)));
        Assert.Empty(stack.Sent());
        Assert.Null(stack.NextEvent());
    }
}
