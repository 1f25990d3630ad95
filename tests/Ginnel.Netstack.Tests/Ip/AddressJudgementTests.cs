using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>Which addresses a packet from a link may bear.</summary>
public sealed class AddressJudgementTests
{
    [Theory]
    [InlineData("0.0.0.0")]
    [InlineData("0.1.2.3")]
    [InlineData("127.0.0.1")]
    [InlineData("224.0.0.1")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("10.0.2.255")]
    [InlineData("10.0.2.0")]
    [InlineData("10.0.2.1")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("ff02::1")]
    [InlineData("fd00:2::1")]
    public void C15_a_source_that_no_host_has_is_refused_with_any_IP_or_without(string source)
    {
        foreach (bool anyIp in new[] { false, true })
        {
            using TestStack stack = new(anyIp: anyIp);
            IpAddress from = IpAddress.Parse(source);
            stack.ReceiveDropped(DropReason.BadSource,
                Build.Udp(new IpEndpoint(from, 53), new IpEndpoint(from.IsV4 ? OwnV4 : OwnV6, 53), 1));
            Assert.Empty(stack.Sent());
        }
    }

    [Theory]
    [InlineData("127.0.0.1", true, false, true)]
    [InlineData("127.0.0.1", false, true, false)]
    [InlineData("::1", false, true, true)]
    [InlineData("::1", true, false, false)]
    public void Each_family_of_a_peers_loopback_has_a_permission_of_its_own(string address, bool v4, bool v6, bool isOpen)
    {
        using TestStack stack = new(anyIp: true, peerLoopback: v4, peerLoopbackV6: v6);
        IpAddress loopback = IpAddress.Parse(address), own = loopback.IsV4 ? OwnV4 : OwnV6;
        Assert.Equal(OpStatus.Ok, stack.Stack.AddRoute(new Route(new IpPrefix(loopback.IsV4 ? IpAddress.AnyV4 : IpAddress.AnyV6, 0), stack.Interface)));
        SocketId port = stack.Bind(new IpEndpoint(own, 4000));
        OpStatus sent = stack.Stack.Send(port, new DatagramSend(new IpEndpoint(loopback, 53)), [1], stack.Now);
        Assert.Equal(isOpen ? OpStatus.Ok : OpStatus.NoRoute, sent);
        Assert.Equal(isOpen ? 1 : 0, stack.Sent().Count);
        byte[] answer = Build.Udp(new IpEndpoint(loopback, 53), new IpEndpoint(own, 4000), 7);
        if (isOpen) stack.Receive(answer);
        else stack.ReceiveDropped(DropReason.BadSource, answer);
        if (isOpen) Assert.Equal([7], stack.Take(port).Payload);
        // A destination it never is: that would be our own.
        stack.ReceiveDropped(DropReason.BadDestination, Build.Udp(new IpEndpoint(loopback.IsV4 ? PeerV4 : PeerV6, 1), new IpEndpoint(loopback, 53), 1));
    }

    [Theory]
    [InlineData("203.0.113.7")]
    [InlineData("2001:db8::7")]
    public void C15_LAND_is_refused_for_foreign_addresses_too(string address)
    {
        using TestStack stack = new(anyIp: true);
        IpEndpoint both = new(IpAddress.Parse(address), 7);
        stack.ReceiveDropped(DropReason.BadSource, Build.Udp(both, both, 1));
    }

    [Theory]
    [InlineData("127.0.0.1", DropReason.BadDestination)]
    [InlineData("127.255.0.9", DropReason.BadDestination)]
    [InlineData("0.0.0.0", DropReason.BadDestination)]
    [InlineData("0.9.9.9", DropReason.BadDestination)]
    [InlineData("::", DropReason.BadDestination)]
    [InlineData("::1", DropReason.BadDestination)]
    [InlineData("224.0.0.251", DropReason.NotOurAddress)]
    [InlineData("239.255.255.250", DropReason.NotOurAddress)]
    [InlineData("ff02::fb", DropReason.NotOurAddress)]
    [InlineData("ff05::c", DropReason.NotOurAddress)]
    [InlineData("fe80::5", DropReason.NotOurAddress)]
    [InlineData("10.0.2.255", DropReason.NoListener)]
    [InlineData("255.255.255.255", DropReason.NoListener)]
    [InlineData("224.0.0.1", DropReason.NoListener)]
    [InlineData("ff02::1", DropReason.NoListener)]
    public void A17_a_destination_that_is_no_single_host_never_becomes_a_pending_port(string destination, DropReason reason)
    {
        using TestStack stack = new(anyIp: true);
        IpAddress to = IpAddress.Parse(destination);
        stack.ReceiveDropped(reason, Build.Udp(new IpEndpoint(to.IsV4 ? PeerV4 : PeerV6, 4000), new IpEndpoint(to, 5353), 1));
        Assert.Null(stack.NextEvent());
        Assert.Empty(stack.Sent());
    }

    [Theory]
    [InlineData(new byte[] { 131, 7, 4, 10, 0, 0, 1, 0 })]
    [InlineData(new byte[] { 137, 7, 4, 10, 0, 0, 1, 0 })]
    [InlineData(new byte[] { 1, 131, 3, 4 })]
    public void A18_a_source_route_is_refused(byte[] options)
    {
        using TestStack stack = new(anyIp: true);
        stack.ReceiveDropped(DropReason.SourceRouted, Build.IpV4(PeerV4, FarV4, IpProtocol.Udp, new byte[8], options: options));
        Assert.Null(stack.NextEvent());
    }

    [Fact]
    public void A18_an_IPv6_routing_header_with_stops_left_is_refused_and_answered()
    {
        using TestStack stack = new(anyIp: true);
        byte[] routing = new byte[24 + 8];
        (routing[0], routing[1], routing[2], routing[3]) = ((byte)IpProtocol.Udp, 2, 0, 1);
        stack.ReceiveDropped(DropReason.SourceRouted, Build.IpV6(PeerV6, OwnV6, IpProtocol.Routing, routing));
        IcmpV6Type type = ReadV6(Assert.Single(stack.Sent()), out byte code, out uint pointer);
        Assert.Equal((IcmpV6Type.ParameterProblem, 0, 42u), (type, code, pointer));
    }

    [Theory]
    [InlineData((byte)4)]
    [InlineData((byte)41)]
    [InlineData((byte)47)]
    [InlineData((byte)50)]
    [InlineData((byte)132)]
    public void C6_tunnels_and_other_protocols_are_refused_with_an_error(byte protocol)
    {
        using TestStack stack = new(anyIp: true);
        stack.ReceiveDropped(DropReason.UnknownProtocol, Build.IpV4(PeerV4, FarV4, (IpProtocol)protocol, new byte[40]));
        Assert.Equal(DropReason.None, IpV4View.TryParse(Assert.Single(stack.Sent()), out IpV4View ip));
        Assert.Equal(DropReason.None, IcmpView.TryParse(ip.Payload, out IcmpView icmp));
        Assert.Equal((IcmpType.DestinationUnreachable, (byte)IcmpUnreachableCode.Protocol), (icmp.Type, icmp.Code));

        stack.ReceiveDropped(DropReason.UnknownProtocol, Build.IpV6(PeerV6, FarV6, (IpProtocol)protocol, new byte[40]));
        IcmpV6Type type = ReadV6(Assert.Single(stack.Sent()), out byte code, out uint pointer);
        Assert.Equal((IcmpV6Type.ParameterProblem, 1, 6u), (type, code, pointer));
    }

    [Fact]
    public void IPv6_options_act_by_their_upper_bits()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(OwnV6, 53));
        byte[] udp = Build.UdpSegment(new IpEndpoint(PeerV6, 4000), new IpEndpoint(OwnV6, 53), [9]);
        byte[] With(byte option, IpAddress? to = null) =>
            Build.IpV6(PeerV6, to ?? OwnV6, IpProtocol.HopByHop, [(byte)IpProtocol.Udp, 0, option, 4, 0, 0, 0, 0, .. udp]);
        stack.Receive(With(0x1E));
        Assert.Equal([9], stack.Take(port).Payload);
        stack.ReceiveDropped(DropReason.BadOption, With(0x5E));
        Assert.Empty(stack.Sent());
        stack.ReceiveDropped(DropReason.BadOption, With(0x9E));
        Assert.Equal(IcmpV6Type.ParameterProblem, ReadV6(Assert.Single(stack.Sent()), out byte code, out uint pointer));
        Assert.Equal((2, 42u), (code, pointer));
        // 10 answers even what went to a group, 11 does not (RFC 8200 section 4.2).
        stack.ReceiveDropped(DropReason.BadOption, With(0x9E, IpAddress.AllNodesV6));
        Assert.Single(stack.Sent());
        stack.ReceiveDropped(DropReason.BadOption, With(0xDE, IpAddress.AllNodesV6));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void A_unicast_packet_in_a_broadcast_frame_is_refused()
    {
        using TestStack stack = new(LinkMedium.Ethernet, anyIp: true);
        foreach (IpAddress to in new[] { FarV4, OwnV4 })
        {
            byte[] packet = Build.Udp(new IpEndpoint(PeerV4, 1), new IpEndpoint(to, 2), 1);
            stack.ReceiveDropped(DropReason.BadDestination, Build.Frame(MacAddress.Broadcast, PeerMac, EtherType.IpV4, packet));
        }
    }

    [Fact]
    public void A_link_local_source_does_not_get_beyond_the_link()
    {
        using TestStack stack = new(anyIp: true);
        IpEndpoint local = new(IpAddress.Parse("fe80::9"), 4000);
        stack.ReceiveDropped(DropReason.BadSource, Build.Udp(local, new IpEndpoint(FarV6, 53), 1));
        SocketId port = stack.Bind(new IpEndpoint(OwnV6, 53));
        stack.Receive(Build.Udp(local, new IpEndpoint(OwnV6, 53), 1));
        Assert.Equal(local, stack.Take(port).Datagram.Source);
    }

    [Theory]
    [InlineData(LinkMedium.Ip, true)]
    [InlineData(LinkMedium.Ethernet, true)]
    [InlineData(LinkMedium.Ip, false)]
    [InlineData(LinkMedium.Ethernet, false)]
    public void C1_frames_of_every_length_and_of_one_byte_throughout_are_refused_by_name(LinkMedium medium, bool anyIp)
    {
        using TestStack stack = new(medium, anyIp);
        foreach (byte filling in new byte[] { 0x00, 0x45, 0x4F, 0x60, 0xFF })
        {
            for (int length = 0; length <= 2_048; length++)
            {
                byte[] frame = new byte[length];
                Array.Fill(frame, filling);
                long before = stack.AllDrops();
                stack.Receive(frame);
                Assert.InRange(stack.AllDrops() - before, 1, 2);
            }
        }
        Assert.Null(stack.NextEvent());
        Assert.Equal(0, stack.Stack.SocketCount);
    }

    [Fact]
    public void A_frame_whose_type_and_packet_disagree_is_refused()
    {
        using TestStack stack = new(LinkMedium.Ethernet);
        stack.ReceiveDropped(DropReason.BadVersion, Build.Frame(OwnMac, PeerMac, EtherType.IpV6, Build.Echo(PeerV4, OwnV4, 1, 1, [])));
        stack.ReceiveDropped(DropReason.BadVersion, Build.Frame(OwnMac, PeerMac, EtherType.IpV4, Build.Echo(PeerV6, OwnV6, 1, 1, [])));
    }

    [Fact]
    public void IPv6_is_not_spoken_where_it_is_switched_off()
    {
        using TestStack ip = new(ipV6: false), ethernet = new(LinkMedium.Ethernet, ipV6: false);
        byte[] ping = Build.Echo(PeerV6, OwnV6, 1, 1, []);
        ip.ReceiveDropped(DropReason.BadVersion, ping);
        ethernet.ReceiveDropped(DropReason.UnknownEtherType, Build.Frame(OwnMac, PeerMac, EtherType.IpV6, ping));
        Assert.Equal(OpStatus.InvalidAddress, ip.Stack.AddAddress(ip.Interface, OwnV6, 64, ip.Now));
    }

    [Fact]
    public void Ethernet_padding_is_not_part_of_the_packet()
    {
        using TestStack stack = new(LinkMedium.Ethernet);
        SocketId port = stack.Bind(new IpEndpoint(OwnV4, 53));
        byte[] frame = Build.Frame(OwnMac, PeerMac, EtherType.IpV4, Build.Udp(new IpEndpoint(PeerV4, 1), new IpEndpoint(OwnV4, 53), 7));
        Array.Resize(ref frame, 60);
        stack.Receive(frame);
        Assert.Equal([7], stack.Take(port).Payload);
    }

    private static IcmpV6Type ReadV6(byte[] packet, out byte code, out uint pointer)
    {
        Assert.Equal(DropReason.None, IpV6View.TryParse(packet, out IpV6View ip));
        Assert.Equal(DropReason.None, IcmpV6View.TryParse(ip.Payload, out IcmpV6View icmp));
        Assert.True(icmp.IsChecksumValid(ip.Source, ip.Destination));
        (code, pointer) = (icmp.Code, icmp.Pointer);
        return icmp.Type;
    }
}
