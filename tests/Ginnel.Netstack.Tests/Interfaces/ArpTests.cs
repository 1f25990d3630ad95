using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

public sealed class ArpTests
{
    private static readonly MacAddress Zero = default;

    private static TestStack Ethernet(bool anyIp = false, IReadOnlyList<IpPrefix>? except = null, Func<PacketPool,
        StackOptions>? options = null) =>
        new(LinkMedium.Ethernet, anyIp, options: options, except: except);

    private static byte[] Ping(IpAddress from, MacAddress? by = null) =>
        Build.Frame(OwnMac, by ?? PeerMac, EtherType.IpV4, Build.Echo(from, OwnV4, 1, 1, []));

    private static ArpHeader ReadArp(byte[] frame, MacAddress destination)
    {
        Assert.Equal(DropReason.None, EthernetView.TryParse(frame, out EthernetView view));
        Assert.Equal((EtherType.Arp, destination, OwnMac), (view.Type, view.Destination, view.Source));
        Assert.Equal(DropReason.None, ArpView.TryParse(view.Payload, out ArpView arp));
        return ArpHeader.Read(arp);
    }

    private static byte[] Request(IpAddress target, IpAddress? sender = null, MacAddress? by = null) =>
        Build.Arp(ArpOperation.Request, by ?? PeerMac, sender ?? PeerV4, Zero, target);

    private static byte[] Reply(IpAddress sender, MacAddress? by = null) =>
        Build.Arp(ArpOperation.Reply, by ?? PeerMac, sender, OwnMac, OwnV4, OwnMac);

    private static SocketId BindAndSend(TestStack stack, IpAddress to, int count = 1)
    {
        SocketId port = stack.Bind(new IpEndpoint(OwnV4, 0));
        for (int i = 0; i < count; i++) SendTo(stack, port, to, (byte)i);
        return port;
    }

    private static void SendTo(TestStack stack, SocketId port, IpAddress to, byte payload) =>
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(new IpEndpoint(to, 9)), [payload], stack.Now));

    [Fact]
    public void The_question_for_an_own_address_is_answered_to_the_asker()
    {
        using TestStack stack = Ethernet();
        stack.Receive(Request(OwnV4));
        ArpHeader reply = ReadArp(Assert.Single(stack.Sent()), PeerMac);
        Assert.Equal((ArpOperation.Reply, OwnMac, OwnV4, PeerMac, PeerV4),
            (reply.Operation, reply.SenderMac, reply.SenderAddress, reply.TargetMac, reply.TargetAddress));
    }

    [Fact]
    public void The_asker_is_known_afterwards_and_needs_no_question()
    {
        using TestStack stack = Ethernet();
        stack.Receive(Request(OwnV4));
        stack.Sent();
        BindAndSend(stack, PeerV4);
        Assert.Equal(DropReason.None, EthernetView.TryParse(Assert.Single(stack.Sent()), out EthernetView frame));
        Assert.Equal((EtherType.IpV4, PeerMac), (frame.Type, frame.Destination));
    }

    [Fact]
    public void A_question_for_another_address_is_not_answered_and_teaches_nothing()
    {
        using TestStack stack = Ethernet();
        stack.Receive(Request(IpAddress.Parse("10.0.2.77")));
        Assert.Empty(stack.Sent());
        BindAndSend(stack, PeerV4);
        Assert.Equal(ArpOperation.Request, ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast).Operation);
    }

    [Fact]
    public void Packets_wait_for_the_answer_in_order_and_the_question_is_asked_once_a_second_three_times()
    {
        using TestStack stack = Ethernet();
        SocketId port = BindAndSend(stack, PeerV4, count: 3);
        ArpHeader ask = ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast);
        Assert.Equal((ArpOperation.Request, OwnV4, PeerV4), (ask.Operation, ask.SenderAddress, ask.TargetAddress));
        stack.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Empty(stack.Sent());
        stack.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Single(stack.Sent());
        stack.Receive(Reply(PeerV4));
        List<byte[]> sent = stack.Sent();
        Assert.Equal([0, 1, 2], sent.Select(frame => frame[^1]));
        stack.Advance(TimeSpan.FromSeconds(4));
        Assert.Empty(stack.Sent());
        SendTo(stack, port, PeerV4, 3);
        Assert.Single(stack.Sent());
    }

    [Fact]
    public void A_neighbor_that_does_not_answer_is_unreachable_after_three_questions()
    {
        using TestStack stack = Ethernet();
        SocketId port = BindAndSend(stack, PeerV4);
        int asked = stack.Sent().Count;
        for (int second = 0; second < 2; second++)
        {
            stack.Advance(TimeSpan.FromSeconds(1));
            asked += stack.Sent().Count;
        }
        Assert.Equal(3, asked);
        stack.AssertNothing(port);
        stack.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, stack.Drops(DropReason.NeighborUnreachable));
        (ReceivedDatagram item, _) = stack.Take(port);
        Assert.Equal((NetworkFailure.HostUnreachable, new IpEndpoint(PeerV4, 9)), (item.Failure, item.Destination));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void The_oldest_packet_gives_way_when_too_many_wait()
    {
        using TestStack stack = Ethernet();
        BindAndSend(stack, PeerV4, count: 10);
        Assert.Equal(2, stack.Drops(DropReason.NeighborQueueFull));
        stack.Sent();
        stack.Receive(Reply(PeerV4));
        Assert.Equal([2, 3, 4, 5, 6, 7, 8, 9], stack.Sent().Select(frame => frame[^1]));
    }

    [Fact]
    public void D6_the_longest_unused_neighbor_makes_room()
    {
        using TestStack stack = Ethernet(options: pool =>
            new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxNeighbors = 2 });
        IpAddress a = IpAddress.Parse("10.0.2.11"), b = IpAddress.Parse("10.0.2.12"), c = IpAddress.Parse("10.0.2.13");
        stack.Receive(Request(OwnV4, a), Request(OwnV4, b));
        stack.Sent();
        SocketId port = BindAndSend(stack, a);
        Assert.Single(stack.Sent());
        SendTo(stack, port, c, 1);
        Assert.Equal(ArpOperation.Request, ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast).Operation);
        SendTo(stack, port, a, 1);
        Assert.Equal(EtherType.IpV4, TypeOf(Assert.Single(stack.Sent())));
        SendTo(stack, port, b, 1);
        Assert.Equal(EtherType.Arp, TypeOf(Assert.Single(stack.Sent())));
        Assert.Equal(1, stack.Drops(DropReason.NeighborQueueFull));
    }

    [Fact]
    public void A_stale_neighbor_is_used_then_probed_by_unicast_then_asked_for_by_broadcast_ever_more_rarely()
    {
        using TestStack stack = Ethernet();
        SocketId port = BindAndSend(stack, PeerV4);
        stack.Sent();
        stack.Receive(Reply(PeerV4));
        stack.Sent();
        stack.Advance(TimeSpan.FromSeconds(46));
        Assert.Empty(stack.Sent());
        SendTo(stack, port, PeerV4, 1);
        Assert.Equal(EtherType.IpV4, TypeOf(Assert.Single(stack.Sent())));
        stack.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(PeerV4, ReadArp(Assert.Single(stack.Sent()), PeerMac).TargetAddress);
        stack.Advance(TimeSpan.FromSeconds(1));
        ReadArp(Assert.Single(stack.Sent()), PeerMac);
        stack.Advance(TimeSpan.FromSeconds(1));
        ReadArp(Assert.Single(stack.Sent()), PeerMac);
        stack.Advance(TimeSpan.FromSeconds(1));
        ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast);
        Assert.Equal(1, stack.Stack.Counters.NeighborsLost);
        // RFC 7048: what was known is still used, and the questions come after 3, 9, 27, 60 and 60 seconds.
        foreach (int seconds in (int[])[3, 9, 27, 60, 60])
        {
            SendTo(stack, port, PeerV4, 1);
            Assert.Equal(PeerMac, Destination(Assert.Single(stack.Sent())));
            stack.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            Assert.Empty(stack.Sent());
            stack.Advance(TimeSpan.FromMilliseconds(1));
            ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast);
        }
        // Nobody needs it: nobody asks.
        stack.Advance(TimeSpan.FromHours(1));
        Assert.Empty(stack.Sent());
        SendTo(stack, port, PeerV4, 1);
        Assert.Equal(2, stack.Sent().Count);
        stack.Receive(Reply(PeerV4));
        stack.Advance(TimeSpan.FromSeconds(10));
        SendTo(stack, port, PeerV4, 1);
        Assert.Equal(PeerMac, Destination(Assert.Single(stack.Sent())));
    }

    [Fact]
    public void C22_invented_stations_push_no_neighbor_in_use_out_of_the_cache()
    {
        using TestStack stack = Ethernet(options: pool =>
            new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxNeighbors = 4 });
        SocketId port = BindAndSend(stack, PeerV4);
        stack.Receive(Reply(PeerV4));
        stack.Sent();
        for (uint i = 0; i < 100; i++) stack.Receive(Request(OwnV4, IpAddress.FromV4(PeerV4.V4 + 1 + i)));
        stack.Sent();
        Assert.True(stack.Stack.Counters.NeighborsRefused > 0);
        SendTo(stack, port, PeerV4, 1);
        Assert.Equal(PeerMac, Destination(Assert.Single(stack.Sent())));
    }

    private static MacAddress Destination(byte[] frame)
    {
        Assert.Equal(DropReason.None, EthernetView.TryParse(frame, out EthernetView view));
        Assert.Equal(EtherType.IpV4, view.Type);
        return view.Destination;
    }

    [Fact]
    public void A_probed_neighbor_that_answers_is_reachable_again()
    {
        using TestStack stack = Ethernet();
        stack.Receive(Request(OwnV4));
        BindAndSend(stack, PeerV4);
        stack.Advance(TimeSpan.FromSeconds(5));
        stack.Sent();
        stack.Receive(Reply(PeerV4));
        stack.Advance(TimeSpan.FromSeconds(10));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void C20_a_gratuitous_announcement_updates_what_is_known_but_creates_nothing()
    {
        using TestStack stack = Ethernet();
        MacAddress moved = new(0x0200_0000_0077);
        stack.Receive(Request(PeerV4));
        SocketId port = BindAndSend(stack, PeerV4);
        ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast);
        stack.Receive(Reply(PeerV4));
        stack.Sent();
        stack.Receive(Request(PeerV4, PeerV4, moved));
        SendTo(stack, port, PeerV4, 1);
        Assert.Equal(DropReason.None, EthernetView.TryParse(Assert.Single(stack.Sent()), out EthernetView frame));
        Assert.Equal(moved, frame.Destination);
    }

    [Fact]
    public void C20_a_station_that_claims_our_address_is_not_believed_and_answered_once_in_ten_seconds()
    {
        using TestStack stack = Ethernet();
        stack.ReceiveDropped(DropReason.BadSource, Request(PeerV4, OwnV4));
        ArpHeader defence = ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast);
        Assert.Equal((OwnV4, OwnV4, OwnMac), (defence.SenderAddress, defence.TargetAddress, defence.SenderMac));
        stack.ReceiveDropped(DropReason.BadSource, Build.Arp(ArpOperation.Reply, PeerMac, OwnV4, OwnMac, OwnV4, OwnMac));
        Assert.Empty(stack.Sent());
        stack.Advance(TimeSpan.FromSeconds(10));
        stack.ReceiveDropped(DropReason.BadSource, Request(PeerV4, OwnV4));
        Assert.Single(stack.Sent());
    }

    [Fact]
    public void C20_a_sender_that_is_a_group_is_refused()
    {
        using TestStack stack = Ethernet();
        byte[] frame = Request(OwnV4);
        frame[14 + 8] |= 1; // the sender in the ARP packet
        stack.ReceiveDropped(DropReason.BadSource, frame);
        byte[] fromGroup = Request(OwnV4);
        fromGroup[6] |= 1; // the sender of the frame
        stack.ReceiveDropped(DropReason.BadSource, fromGroup);
        stack.ReceiveDropped(DropReason.BadSource, Request(OwnV4, IpAddress.Parse("224.0.0.5")));
        stack.ReceiveDropped(DropReason.BadSource, Request(OwnV4, IpAddress.Parse("10.0.2.255")));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void A_probe_for_an_own_address_is_answered_although_the_asker_has_none()
    {
        using TestStack stack = Ethernet();
        stack.Receive(Request(OwnV4, IpAddress.AnyV4));
        Assert.Equal(OwnV4, ReadArp(Assert.Single(stack.Sent()), PeerMac).SenderAddress);
    }

    [Fact]
    public void Any_IP_answers_for_every_address_but_those_excepted()
    {
        using TestStack stack = Ethernet(anyIp: true, except: [IpPrefix.Parse("10.0.2.64/26")]);
        stack.Receive(Request(FarV4));
        Assert.Equal(FarV4, ReadArp(Assert.Single(stack.Sent()), PeerMac).SenderAddress);
        stack.Receive(Request(IpAddress.Parse("10.0.2.70")));
        stack.Receive(Request(IpAddress.Parse("10.0.2.255")));
        stack.Receive(Request(IpAddress.Parse("224.0.0.9")));
        stack.Receive(Request(IpAddress.LoopbackV4));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void Any_IP_leaves_a_guest_that_checks_or_announces_its_own_address_alone()
    {
        using TestStack stack = Ethernet(anyIp: true);
        stack.ReceiveDropped(DropReason.Ignored, Request(PeerV4, IpAddress.AnyV4));
        stack.Receive(Request(PeerV4, PeerV4));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void An_answer_goes_to_the_station_that_the_question_came_from_without_asking()
    {
        using TestStack stack = Ethernet();
        stack.Receive(Ping(PeerV4));
        Assert.Equal(DropReason.None, EthernetView.TryParse(Assert.Single(stack.Sent()), out EthernetView frame));
        Assert.Equal((EtherType.IpV4, PeerMac), (frame.Type, frame.Destination));
    }

    [Fact]
    public void An_IP_packet_never_changes_what_an_answer_taught()
    {
        using TestStack stack = Ethernet();
        SocketId port = BindAndSend(stack, PeerV4);
        stack.Receive(Reply(PeerV4));
        stack.Sent();
        stack.Receive(Ping(PeerV4, by: new MacAddress(0x0200_0000_0066)));
        Assert.Equal(DropReason.None, EthernetView.TryParse(Assert.Single(stack.Sent()), out EthernetView frame));
        Assert.Equal(PeerMac, frame.Destination);
        _ = port;
    }

    [Fact]
    public void The_interface_announces_its_addresses_when_it_comes_up_and_when_it_gets_one()
    {
        using TestStack stack = Ethernet();
        IpAddress another = IpAddress.Parse("10.0.2.2");
        stack.Stack.AddAddress(stack.Interface, another, 24, stack.Now);
        Assert.Equal(another, ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast).TargetAddress);
        stack.Stack.SetLink(stack.Interface, stack.Link, up: false, stack.Now);
        stack.Stack.SetLink(stack.Interface, stack.Link, up: true, stack.Now);
        Assert.Equal(2, stack.Sent().Count(frame => TypeOf(frame) == EtherType.Arp));
    }

    [Fact]
    public void A_link_that_goes_down_takes_waiting_packets_and_neighbors_with_it()
    {
        using TestStack stack = Ethernet();
        SocketId port = BindAndSend(stack, PeerV4, count: 2);
        stack.Sent();
        stack.Stack.SetLink(stack.Interface, stack.Link, up: false, stack.Now);
        Assert.Equal(2, stack.Drops(DropReason.InterfaceDown));
        stack.Advance(TimeSpan.FromSeconds(9));
        stack.AssertNothing(port);
        stack.Stack.SetLink(stack.Interface, stack.Link, up: true, stack.Now);
        stack.Sent();
        SendTo(stack, port, PeerV4, 1);
        ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast);
    }

    [Fact]
    public void Broadcast_and_multicast_have_stations_of_their_own()
    {
        using TestStack stack = Ethernet();
        SocketId port = stack.Bind(new IpEndpoint(OwnV4, 68), broadcast: true);
        foreach ((string to, ulong station) in new (string, ulong)[]
            { ("10.0.2.255", 0xFFFF_FFFF_FFFF), ("255.255.255.255", 0xFFFF_FFFF_FFFF), ("224.129.2.3", 0x0100_5E01_0203) })
        {
            SendTo(stack, port, IpAddress.Parse(to), 1);
            Assert.Equal(DropReason.None, EthernetView.TryParse(Assert.Single(stack.Sent()), out EthernetView frame));
            Assert.Equal(new MacAddress(station), frame.Destination);
        }
    }

    [Fact]
    public void A_named_station_is_sent_to_without_asking()
    {
        using TestStack stack = Ethernet();
        SocketId port = stack.Bind(new IpEndpoint(OwnV4, 67));
        DatagramSend send = new(new IpEndpoint(IpAddress.Parse("10.0.2.50"), 68), LinkDestination: PeerMac);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, send, [1], stack.Now));
        Assert.Equal(DropReason.None, EthernetView.TryParse(Assert.Single(stack.Sent()), out EthernetView frame));
        Assert.Equal(PeerMac, frame.Destination);
    }

    [Fact]
    public void A_gateway_is_asked_for_in_place_of_the_destination()
    {
        using TestStack stack = Ethernet();
        IpAddress gateway = IpAddress.Parse("10.0.2.254");
        Assert.Equal(OpStatus.Ok, stack.Stack.AddRoute(new Route(IpPrefix.Parse("0.0.0.0/0"), stack.Interface, gateway)));
        BindAndSend(stack, FarV4);
        Assert.Equal(gateway, ReadArp(Assert.Single(stack.Sent()), MacAddress.Broadcast).TargetAddress);
    }

    private static EtherType TypeOf(byte[] frame) =>
        EthernetView.TryParse(frame, out EthernetView view) == DropReason.None ? view.Type : default;
}
