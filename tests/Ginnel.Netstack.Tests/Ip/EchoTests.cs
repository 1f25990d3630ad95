using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

public sealed class EchoTests
{
    [Fact]
    public void An_own_address_answers_ping_over_IPv4()
    {
        using TestStack stack = new();
        byte[] data = Build.Bytes(56);
        stack.Receive(Build.Echo(PeerV4, OwnV4, id: 7, sequence: 9, data));
        byte[] reply = Assert.Single(stack.Sent());
        Assert.Equal(DropReason.None, IpV4View.TryParse(reply, out IpV4View ip));
        Assert.True(ip.IsChecksumValid);
        Assert.Equal((OwnV4, PeerV4), (ip.Source, ip.Destination));
        Assert.Equal(DropReason.None, IcmpView.TryParse(ip.Payload, out IcmpView icmp));
        Assert.True(icmp.IsChecksumValid);
        Assert.Equal((IcmpType.EchoReply, 7, 9), (icmp.Type, icmp.Identifier, icmp.Sequence));
        Assert.Equal(data, icmp.Body.ToArray());
    }

    [Fact]
    public void An_own_address_answers_ping_over_IPv6()
    {
        using TestStack stack = new();
        byte[] data = Build.Bytes(56);
        stack.Receive(Build.Echo(PeerV6, OwnV6, id: 7, sequence: 9, data));
        byte[] reply = Assert.Single(stack.Sent());
        Assert.Equal(DropReason.None, IpV6View.TryParse(reply, out IpV6View ip));
        Assert.Equal((OwnV6, PeerV6), (ip.Source, ip.Destination));
        Assert.Equal(DropReason.None, IcmpV6View.TryParse(ip.Payload, out IcmpV6View icmp));
        Assert.True(icmp.IsChecksumValid(OwnV6, PeerV6));
        Assert.Equal((IcmpV6Type.EchoReply, 7, 9), (icmp.Type, icmp.Identifier, icmp.Sequence));
        Assert.Equal(data, icmp.Body.ToArray());
    }

    [Fact]
    public void C23_a_broadcast_ping_is_not_answered()
    {
        using TestStack stack = new();
        stack.ReceiveDropped(DropReason.Ignored, Build.Echo(PeerV4, IpAddress.Parse("10.0.2.255"), 1, 1, []));
        stack.ReceiveDropped(DropReason.Ignored, Build.Echo(PeerV4, IpAddress.BroadcastV4, 1, 1, []));
        stack.ReceiveDropped(DropReason.Ignored, Build.Echo(PeerV6, IpAddress.Parse("ff02::1"), 1, 1, []));
        Assert.Empty(stack.Sent());
    }
}
