using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>Who gets a datagram.</summary>
public sealed class BindTests
{
    private static IpEndpoint At(IpAddress address, int port) => new(address, (ushort)port);

    private static OpStatus TryBind(TestStack stack, IpEndpoint local, IpProtocol protocol = IpProtocol.Udp, InterfaceId on = default,
        bool dual = true) =>
        stack.Stack.Bind(new DatagramPortOptions { Protocol = protocol, Local = local, Interface = on, DualStack = dual }, out _);

    [Fact]
    public void The_specific_port_comes_before_the_general_one()
    {
        using TestStack stack = new();
        IpAddress second = IpAddress.Parse("10.0.2.2");
        stack.Stack.AddAddress(stack.Interface, second, 24, stack.Now);
        SocketId general = stack.Bind(At(IpAddress.AnyV4, 53)), specific = stack.Bind(At(OwnV4, 53));
        stack.Receive(Build.Udp(At(PeerV4, 1), At(OwnV4, 53), 1), Build.Udp(At(PeerV4, 1), At(second, 53), 2));
        Assert.Equal([1], stack.Take(specific).Payload);
        Assert.Equal([2], stack.Take(general).Payload);
        stack.Stack.Release(specific, stack.Now);
        stack.Receive(Build.Udp(At(PeerV4, 1), At(OwnV4, 53), 3));
        Assert.Equal([3], stack.Take(general).Payload);
    }

    [Fact]
    public void An_unspecified_IPv6_address_means_both_families_unless_told_otherwise()
    {
        using TestStack stack = new();
        Assert.Equal(OpStatus.Ok, TryBind(stack, At(IpAddress.AnyV6, 53)));
        Assert.Equal(OpStatus.AddressInUse, TryBind(stack, At(IpAddress.AnyV4, 53)));
        Assert.Equal(OpStatus.Ok, TryBind(stack, At(IpAddress.AnyV6, 54), dual: false));
        Assert.Equal(OpStatus.Ok, TryBind(stack, At(IpAddress.AnyV4, 54)));
        Assert.Equal(OpStatus.AddressInUse, TryBind(stack, At(IpAddress.AnyV6, 54)));
        stack.Receive(Build.Udp(At(PeerV4, 1), At(OwnV4, 53), 1));
        Assert.Equal(0, stack.AllDrops());
    }

    [Fact]
    public void A_taken_endpoint_is_refused_until_it_is_released()
    {
        using TestStack stack = new();
        SocketId first = stack.Bind(At(OwnV4, 53));
        Assert.Equal(OpStatus.AddressInUse, TryBind(stack, At(OwnV4, 53)));
        Assert.Equal(OpStatus.Ok, TryBind(stack, At(OwnV4, 53), on: stack.Interface));
        stack.Stack.Release(first, stack.Now);
        Assert.Equal(OpStatus.Ok, TryBind(stack, At(OwnV4, 53)));
        Assert.Equal(OpStatus.Stale, stack.Stack.Release(first, stack.Now));
        Assert.Equal(2, stack.Stack.SocketCount);
    }

    [Fact]
    public void What_cannot_be_bound_is_refused()
    {
        using TestStack stack = new();
        Assert.Equal(OpStatus.InvalidAddress, TryBind(stack, At(FarV4, 53)));
        Assert.Equal(OpStatus.InvalidAddress, TryBind(stack, At(IpAddress.Parse("224.0.0.1"), 53)));
        Assert.Equal(OpStatus.InvalidAddress, TryBind(stack, At(IpAddress.BroadcastV4, 53)));
        Assert.Equal(OpStatus.InvalidAddress, TryBind(stack, At(OwnV6, 1), IpProtocol.Icmp));
        Assert.Equal(OpStatus.InvalidAddress, TryBind(stack, At(OwnV4, 1), IpProtocol.IcmpV6));
        Assert.Equal(OpStatus.InvalidAddress, TryBind(stack, At(OwnV4, 1), IpProtocol.Tcp));
        Assert.Equal(OpStatus.Stale, TryBind(stack, At(OwnV4, 1), on: new InterfaceId(9)));
        Assert.Equal(0, stack.Stack.SocketCount);
    }

    [Fact]
    public void C7_ephemeral_ports_are_unpredictable_distinct_and_in_range()
    {
        HashSet<int> gaps = [];
        using TestStack stack = new();
        HashSet<ushort> ports = [];
        int last = 0;
        for (int i = 0; i < 500; i++)
        {
            Assert.True(stack.Stack.TryGetFlow(stack.Bind(At(OwnV4, 0)), out FlowKey flow));
            Assert.InRange(flow.Local.Port, 49_152, 65_535);
            Assert.True(ports.Add(flow.Local.Port));
            gaps.Add(flow.Local.Port - last);
            last = flow.Local.Port;
        }
        Assert.True(gaps.Count > 450, $"{gaps.Count} different gaps among 500 ports");
    }

    [Fact]
    public void When_every_ephemeral_port_is_taken_the_limit_is_reached()
    {
        using TestStack stack = new();
        for (int i = 0; i < 16_384; i++) stack.Bind(At(OwnV4, 0));
        Assert.Equal(OpStatus.LimitReached, TryBind(stack, At(OwnV4, 0)));
        Assert.Equal(16_384, stack.Stack.SocketCount);
    }

    [Fact]
    public void The_table_of_sockets_has_a_limit()
    {
        using TestStack stack = new(options: pool => new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxSockets = 2 });
        SocketId first = stack.Bind(At(OwnV4, 1));
        stack.Bind(At(OwnV4, 2));
        Assert.Equal(OpStatus.LimitReached, TryBind(stack, At(OwnV4, 3)));
        stack.Stack.Release(first, stack.Now);
        Assert.Equal(OpStatus.Ok, TryBind(stack, At(OwnV4, 3)));
    }

    [Fact]
    public void Broadcast_is_received_and_sent_only_by_ports_that_ask_for_it()
    {
        using TestStack stack = new();
        IpEndpoint all = At(IpAddress.BroadcastV4, 67), subnet = At(IpAddress.Parse("10.0.2.255"), 67);
        SocketId deaf = stack.Bind(At(IpAddress.AnyV4, 67));
        stack.ReceiveDropped(DropReason.NoListener, Build.Udp(At(PeerV4, 68), all, 1));
        Assert.Equal(OpStatus.NoRoute, stack.Stack.Send(deaf, new DatagramSend(At(FarV4, 1)), [1], stack.Now));
        Assert.Equal(OpStatus.InvalidAddress, stack.Stack.Send(deaf, new DatagramSend(subnet), [1], stack.Now));
        Assert.Equal(OpStatus.InvalidAddress, stack.Stack.Send(deaf, new DatagramSend(all), [1], stack.Now));
        stack.Stack.Release(deaf, stack.Now);

        SocketId server = stack.Bind(At(IpAddress.AnyV4, 67), broadcast: true);
        stack.Receive(Build.Udp(At(IpAddress.AnyV4, 68), all, 1), Build.Udp(At(PeerV4, 68), subnet, 2));
        (ReceivedDatagram discover, _) = stack.Take(server);
        Assert.Equal((At(IpAddress.AnyV4, 68), all, stack.Interface), (discover.Source, discover.Destination, discover.Interface));
        Assert.Equal([2], stack.Take(server).Payload);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(server, new DatagramSend(At(IpAddress.BroadcastV4, 68)), [3], stack.Now));
        Assert.Equal(DropReason.None, IpV4View.TryParse(Assert.Single(stack.Sent()), out IpV4View ip));
        Assert.Equal((OwnV4, IpAddress.BroadcastV4), (ip.Source, ip.Destination));
    }

    [Fact]
    public void A_client_without_an_address_calls_out_as_unspecified_on_its_interface()
    {
        using TestStack stack = new(LinkMedium.Ethernet);
        stack.Stack.RemoveAddress(stack.Interface, OwnV4);
        DatagramPortOptions options = new() { Local = At(IpAddress.AnyV4, 68), Broadcast = true, Interface = stack.Interface };
        Assert.Equal(OpStatus.Ok, stack.Stack.Bind(options, out SocketId client));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(client, new DatagramSend(At(IpAddress.BroadcastV4, 67)), [1], stack.Now));
        Assert.Equal(DropReason.None, EthernetView.TryParse(Assert.Single(stack.Sent()), out EthernetView frame));
        Assert.Equal(MacAddress.Broadcast, frame.Destination);
        Assert.Equal(DropReason.None, IpV4View.TryParse(frame.Payload, out IpV4View ip));
        Assert.Equal((IpAddress.AnyV4, IpAddress.BroadcastV4), (ip.Source, ip.Destination));
    }

    [Fact]
    public void An_own_address_of_another_interface_is_reached_through_any()
    {
        using TestStack stack = new();
        InterfaceId other = stack.Stack.AddInterface(new InterfaceOptions { Link = stack.Link });
        IpAddress there = IpAddress.Parse("192.168.7.1");
        stack.Stack.AddAddress(other, there, 24, stack.Now);
        SocketId port = stack.Bind(At(there, 53));
        stack.Receive(Build.Udp(At(PeerV4, 1), At(there, 53), 1));
        Assert.Equal(stack.Interface, stack.Take(port).Datagram.Interface);
        SocketId onlyOther = stack.Bind(At(IpAddress.AnyV4, 54));
        stack.Stack.Release(onlyOther, stack.Now);
        Assert.Equal(OpStatus.Ok, TryBind(stack, At(IpAddress.AnyV4, 54), on: other));
        stack.ReceiveDropped(DropReason.NoListener, Build.Udp(At(PeerV4, 1), At(there, 54), 1));
    }
}
