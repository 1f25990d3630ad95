using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>Pending and accepted ports, of UDP and of ICMP echo.</summary>
public sealed class AnyIpPortTests
{
    private static readonly IpEndpoint Guest = new(PeerV4, 4000), Target = new(FarV4, 53);

    private static TestStack AnyIp(int pending = 1_024, LinkMedium medium = LinkMedium.Ip) => new(medium, anyIp: true,
        options: pool => new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxPending = pending });

    private static SocketId Pending(TestStack stack)
    {
        SocketEvent socketEvent = stack.NextEvent()!.Value;
        Assert.Equal(SocketEvents.PendingPort, socketEvent.Events);
        return socketEvent.Id;
    }

    private static SocketId Accept(TestStack stack, SocketId pending)
    {
        Assert.Equal(OpStatus.Ok, stack.Stack.Accept(pending, stack.Now, out SocketId port));
        Assert.Equal(pending, port);
        return port;
    }

    [Fact]
    public void The_first_datagrams_wait_few_and_in_order_for_the_decision()
    {
        using TestStack stack = AnyIp();
        for (byte i = 0; i < 12; i++) stack.Receive(Build.Udp(Guest, Target, i));
        SocketId pending = Pending(stack);
        Assert.Null(stack.NextEvent());
        Assert.Equal(4, stack.Drops(DropReason.ReceiveBufferFull));
        Assert.Equal(OpStatus.InvalidState, stack.Stack.TryReceive(pending, [], out _));
        Assert.Equal(OpStatus.InvalidState, stack.Stack.Send(pending, new DatagramSend(Guest, Target), [1], stack.Now));
        SocketId port = Accept(stack, pending);
        Assert.Equal(new SocketEvent(port, SocketEvents.Readable), stack.NextEvent());
        for (byte i = 0; i < 8; i++) Assert.Equal([i], stack.Take(port).Payload);
        Assert.Equal(OpStatus.InvalidState, stack.Stack.Accept(port, stack.Now, out _));
        Assert.Equal(OpStatus.InvalidState, stack.Stack.Reject(port, NetworkFailure.Refused, stack.Now));
    }

    [Fact]
    public void Datagrams_to_an_own_address_are_offered_where_every_port_is_wanted_and_refused_elsewhere()
    {
        using TestStack stack = AnyIp();
        stack.Receive(Build.Udp(Guest, new IpEndpoint(OwnV4, 99), 1));
        Assert.Null(stack.NextEvent());
        Assert.Equal(1, stack.Drops(DropReason.NoListener));
        InterfaceId open = stack.Stack.AddInterface(new InterfaceOptions { Link = stack.Link, AnyIp = true, AnyPort = true });
        stack.Stack.SetLink(open, stack.Link, up: true, stack.Now);
        foreach (ushort port in (ushort[])[99, 100])
        {
            Assert.True(stack.Pool.TryRent(PacketSize.Small, out Packet packet));
            packet.Write(Build.Udp(Guest, new IpEndpoint(OwnV4, port), 1));
            PacketQueue batch = default;
            batch.Add(packet);
            stack.Stack.Receive(open, ref batch, stack.Now);
        }
        SocketId pending = Pending(stack);
        Assert.Null(stack.NextEvent());
        Assert.Equal(SocketEvents.Readable, Assert.NotNull(Accepted(stack, pending)).Events);
        Assert.Equal(1, stack.Drops(DropReason.NoListener));
    }

    private static SocketEvent? Accepted(TestStack stack, SocketId pending)
    {
        Accept(stack, pending);
        return stack.NextEvent();
    }

    [Fact]
    public void Sources_are_told_apart_by_address_port_protocol_and_interface()
    {
        using TestStack stack = AnyIp();
        InterfaceId other = stack.Stack.AddInterface(new InterfaceOptions { Link = stack.Link, AnyIp = true });
        stack.Stack.SetLink(other, stack.Link, up: true, stack.Now);
        stack.Receive(Build.Udp(Guest, Target, 1), Build.Udp(Guest with { Port = 4001 }, Target, 1),
            Build.Echo(PeerV4, FarV4, 4000, 1, []));
        Assert.True(stack.Pool.TryRent(PacketSize.Small, out Packet packet));
        packet.Write(Build.Udp(Guest, Target, 1));
        PacketQueue batch = default;
        batch.Add(packet);
        stack.Stack.Receive(other, ref batch, stack.Now);
        HashSet<SocketId> ids = [Pending(stack), Pending(stack), Pending(stack), Pending(stack)];
        Assert.Equal(4, ids.Count);
        Assert.Null(stack.NextEvent());
    }

    [Fact]
    public void D16_the_number_of_undecided_sources_is_limited_and_a_decision_makes_room()
    {
        using TestStack stack = AnyIp(pending: 3);
        for (ushort i = 0; i < 10; i++) stack.Receive(Build.Udp(Guest with { Port = (ushort)(4000 + i) }, Target, 1));
        Assert.Equal(7, stack.Drops(DropReason.BacklogFull));
        SocketId first = Pending(stack), second = Pending(stack);
        Accept(stack, first);
        stack.Stack.Reject(second, NetworkFailure.None, stack.Now);
        Assert.Empty(stack.Sent());
        Pending(stack);
        for (ushort i = 0; i < 10; i++) stack.Receive(Build.Udp(Guest with { Port = (ushort)(5000 + i) }, Target, 1));
        Assert.Equal(15, stack.Drops(DropReason.BacklogFull));
    }

    [Fact]
    public void An_undecided_source_is_abandoned_after_a_while_and_may_come_again()
    {
        using TestStack stack = AnyIp(pending: 1);
        stack.Receive(Build.Udp(Guest, Target, 1));
        SocketId pending = Pending(stack);
        stack.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(new SocketEvent(pending, SocketEvents.Failed), stack.NextEvent());
        Assert.Equal(NetworkFailure.TimedOut, stack.Stack.FailureOf(pending));
        Assert.Equal(OpStatus.Failed, stack.Stack.Accept(pending, stack.Now, out _));
        Assert.Equal(OpStatus.Failed, stack.Stack.TryReceive(pending, [], out _));
        Assert.Equal(OpStatus.Failed, stack.Stack.Send(pending, new DatagramSend(Guest, Target), [1], stack.Now));
        stack.Receive(Build.Udp(Guest, Target, 1));
        SocketId again = Pending(stack);
        Assert.Equal(OpStatus.Ok, stack.Stack.Release(pending, stack.Now));
        stack.Receive(Build.Udp(Guest, Target, 2));
        Assert.Equal(2, CountWaiting(stack, Accept(stack, again)));
        Assert.Equal(1, stack.Stack.SocketCount);
    }

    [Fact]
    public void D2_sources_that_come_and_go_leave_nothing()
    {
        using TestStack stack = AnyIp();
        for (int i = 0; i < 20_000; i++)
        {
            stack.Receive(Build.Udp(Guest with { Port = (ushort)(1 + i) }, Target, 1));
            SocketId port = Accept(stack, Pending(stack));
            stack.NextEvent();
            stack.Stack.Release(port, stack.Now);
        }
        Assert.Equal((0, 0L, 0L), (stack.Stack.SocketCount, stack.Stack.MemoryInUse, stack.AllDrops()));
        Assert.Equal(Instant.Never, stack.Stack.NextDeadline);
        Assert.Null(stack.NextEvent());
    }

    [Fact]
    public void An_accepted_port_speaks_to_its_source_only_and_as_whom_it_called()
    {
        using TestStack stack = AnyIp();
        stack.Receive(Build.Udp(Guest, Target, 1));
        SocketId port = Accept(stack, Pending(stack));
        OpStatus Send(IpEndpoint to, IpEndpoint from) => stack.Stack.Send(port, new DatagramSend(to, from), [1], stack.Now);
        Assert.Equal(OpStatus.InvalidAddress, Send(Guest with { Port = 1 }, Target));
        Assert.Equal(OpStatus.InvalidAddress, Send(Guest, default));
        Assert.Equal(OpStatus.InvalidAddress, Send(Guest, new IpEndpoint(FarV6, 53)));
        Assert.Equal(OpStatus.InvalidAddress, Send(Guest, new IpEndpoint(IpAddress.Parse("224.0.0.1"), 53)));
        Assert.Equal(OpStatus.Ok, Send(Guest, Target));
        Assert.Single(stack.Sent());
    }

    [Fact]
    public void Own_addresses_and_ports_come_before_any_IP()
    {
        using TestStack stack = AnyIp();
        SocketId own = stack.Bind(new IpEndpoint(IpAddress.AnyV6, 53));
        stack.Receive(Build.Udp(Guest, new IpEndpoint(OwnV4, 53), 1), Build.Udp(Guest, Target, 2));
        Assert.Equal([1], stack.Take(own).Payload);
        stack.AssertNothing(own);
        Assert.Equal(SocketEvents.Readable, stack.NextEvent()!.Value.Events);
        Pending(stack);
        stack.Receive(Build.Udp(Guest, new IpEndpoint(OwnV4, 54), 1));
        Assert.Single(stack.Sent()); // a closed own port is unreachable, any-IP or not
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ping_of_a_foreign_address_is_a_pending_port_and_its_answer_a_reply_of_that_address(bool v4)
    {
        using TestStack stack = AnyIp();
        IpAddress guest = v4 ? PeerV4 : PeerV6, far = v4 ? FarV4 : FarV6;
        byte[] data = Build.Bytes(56);
        stack.Receive(Build.Echo(guest, far, id: 77, sequence: 5, data));
        SocketId port = Accept(stack, Pending(stack));
        Assert.True(stack.Stack.TryGetFlow(port, out FlowKey flow));
        Assert.Equal((v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, new IpEndpoint(guest, 77)), (flow.Protocol, flow.Remote));
        (ReceivedDatagram request, byte[] payload) = stack.Take(port);
        Assert.Equal((true, (ushort)5, new IpEndpoint(far, 77)), (request.EchoRequest, request.EchoSequence, request.Destination));
        Assert.Equal(data, payload);
        DatagramSend reply = new(request.Source, request.Destination, EchoRequest: false, EchoSequence: request.EchoSequence);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, reply, payload, stack.Now));
        Assert.Equal(Build.Echo(far, guest, 77, 5, data, request: false)[(v4 ? 20 : 40)..], Assert.Single(stack.Sent())[(v4 ? 20 : 40)..]);
    }

    [Fact]
    public void A_rejected_ping_is_answered_with_its_identifier_and_sequence()
    {
        using TestStack stack = AnyIp();
        byte[] ping = Build.Echo(PeerV4, FarV4, id: 77, sequence: 5, Build.Bytes(8));
        stack.Receive(ping);
        Assert.Equal(OpStatus.Ok, stack.Stack.Reject(Pending(stack), NetworkFailure.Prohibited, stack.Now));
        Assert.Equal(DropReason.None, IpV4View.TryParse(Assert.Single(stack.Sent()), out IpV4View ip));
        Assert.Equal(DropReason.None, IcmpView.TryParse(ip.Payload, out IcmpView icmp));
        Assert.Equal((IcmpType.DestinationUnreachable, (byte)13), (icmp.Type, icmp.Code));
        Assert.Equal(DropReason.None, IpV4View.TryParseQuoted(icmp.Body, out IpV4View quoted));
        Assert.Equal(new byte[] { 8, 0 }, quoted.Payload[..2].ToArray());
        Assert.Equal(new byte[] { 0, 77, 0, 5 }, quoted.Payload[4..8].ToArray());
    }

    [Fact]
    public void A_port_of_ours_can_ping_and_gets_only_its_own_replies()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(IpAddress.AnyV4, 0), protocol: IpProtocol.Icmp);
        Assert.True(stack.Stack.TryGetFlow(port, out FlowKey flow));
        ushort id = flow.Local.Port;
        Assert.Equal(OpStatus.InvalidAddress, stack.Stack.Send(port, new DatagramSend(new IpEndpoint(PeerV6, 0)), [], stack.Now));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(new IpEndpoint(PeerV4, 0), EchoSequence: 3), [9], stack.Now));
        Assert.Equal(Build.EchoMessage(OwnV4, PeerV4, true, id, 3, [9]), Assert.Single(stack.Sent())[20..]);
        stack.ReceiveDropped(DropReason.NoListener, Build.Echo(PeerV4, OwnV4, (ushort)(id + 1), 3, [9], request: false));
        Assert.Empty(stack.Sent());
        stack.Receive(Build.Echo(PeerV4, OwnV4, id, 3, [9], request: false));
        (ReceivedDatagram reply, _) = stack.Take(port);
        Assert.Equal((false, (ushort)3, PeerV4), (reply.EchoRequest, reply.EchoSequence, reply.Source.Address));
        // Through the stack itself: its own addresses answer like any other.
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(new IpEndpoint(OwnV4, 0), EchoSequence: 4), [8], stack.Now));
        Assert.Equal((ushort)4, stack.Take(port).Datagram.EchoSequence);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void C23_a_ping_of_64_KiB_is_answered_in_fragments_and_a_short_one_refused(bool v4)
    {
        using TestStack stack = new();
        IpAddress peer = v4 ? PeerV4 : PeerV6, own = v4 ? OwnV4 : OwnV6;
        stack.Receive(Build.Echo(peer, own, 1, 1, Build.Bytes(65_000)));
        List<byte[]> fragments = stack.Sent();
        Assert.InRange(fragments.Count, 44, 46);
        Assert.All(fragments, fragment => Assert.InRange(fragment.Length, 1, 1_500));
        byte[] shortEcho = Build.EchoMessage(peer, own, true, 1, 1, [])[..6];
        stack.ReceiveDropped(DropReason.Truncated, Build.Ip(peer, own, v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, shortEcho));
    }

    [Fact]
    public void A_stray_reply_makes_no_pending_port()
    {
        using TestStack stack = AnyIp();
        stack.ReceiveDropped(DropReason.NoListener, Build.Echo(PeerV4, FarV4, 1, 1, [], request: false));
        stack.ReceiveDropped(DropReason.NoListener, Build.Udp(Guest with { Port = 0 }, Target, 1));
        Assert.Null(stack.NextEvent());
    }

    [Fact]
    public void Answers_of_any_IP_leave_by_the_interface_that_was_asked_through()
    {
        using TestStack stack = AnyIp(medium: LinkMedium.Ethernet);
        IpAddress elsewhere = IpAddress.Parse("192.168.99.5"); // in no network of the stack
        byte[] datagram = Build.Udp(new IpEndpoint(elsewhere, 4000), Target, 1);
        stack.Receive(Build.Frame(OwnMac, PeerMac, EtherType.IpV4, datagram));
        SocketId port = Accept(stack, Pending(stack));
        stack.Stack.Send(port, new DatagramSend(new IpEndpoint(elsewhere, 4000), Target), [2], stack.Now);
        Assert.Equal(DropReason.None, EthernetView.TryParse(Assert.Single(stack.Sent()), out EthernetView frame));
        Assert.Equal((EtherType.IpV4, PeerMac), (frame.Type, frame.Destination));
    }

    private static int CountWaiting(TestStack stack, SocketId port)
    {
        int count = 0;
        while (stack.Stack.TryReceive(port, [], out _) == OpStatus.Ok) count++;
        return count;
    }
}
