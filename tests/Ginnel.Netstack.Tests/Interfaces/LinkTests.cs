using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>What a link's ups and downs do, and what stays inside.</summary>
public sealed class LinkTests
{
    private int _delivered;

    private static SocketId Port(TestStack stack) => stack.Bind(new IpEndpoint(IpAddress.AnyV6, 53));

    private static OpStatus Send(TestStack stack, SocketId port, IpAddress to, int length = 1) =>
        stack.Stack.Send(port, new DatagramSend(new IpEndpoint(to, 9)), new byte[length], stack.Now);

    [Fact]
    public void An_interface_is_down_until_its_link_is_up_and_emits_nothing()
    {
        using TestStack stack = new();
        SocketId port = Port(stack);
        Send(stack, port, PeerV4);
        Assert.True(stack.Stack.HasOutput(stack.Interface));
        stack.Stack.SetLink(stack.Interface, stack.Link, up: false, stack.Now);
        Assert.False(stack.Stack.HasOutput(stack.Interface));
        Assert.Equal(1, stack.Drops(DropReason.InterfaceDown));
        Assert.Equal(OpStatus.NoRoute, Send(stack, port, PeerV4));
        Assert.Empty(stack.Sent());
        stack.Stack.SetLink(stack.Interface, stack.Link, up: true, stack.Now);
        Assert.Empty(stack.Sent());
        Assert.Equal(OpStatus.Ok, Send(stack, port, PeerV4));
        Assert.Single(stack.Sent());
    }

    [Fact]
    public void A_new_MTU_holds_for_the_next_packet_and_drops_what_was_cut_for_the_old_one()
    {
        using TestStack stack = new();
        SocketId port = Port(stack);
        Send(stack, port, PeerV4, 1_400);
        stack.Stack.SetLink(stack.Interface, stack.Link with { Mtu = 600 }, up: true, stack.Now);
        Assert.Empty(stack.Sent());
        Send(stack, port, PeerV4, 1_400);
        Assert.Equal(3, stack.Sent().Count);
        // IPv6 needs 1,280 bytes (RFC 8200 section 5).
        Assert.Equal(OpStatus.NoRoute, Send(stack, port, PeerV6));
    }

    [Fact]
    public void Local_delivery_is_bounded_per_call_and_due_until_it_is_done()
    {
        using TestStack stack = new();
        SocketId port = Port(stack);
        Assert.Equal(OpStatus.Ok, Send(stack, port, OwnV4));
        Assert.Equal(Instant.Never, stack.Stack.NextDeadline);
        int Delivered()
        {
            while (stack.Stack.TryReceive(port, [], out _) == OpStatus.Ok) _delivered++;
            return _delivered + (int)stack.Drops(DropReason.ReceiveBufferFull);
        }
        Assert.Equal(1, Delivered());
        // Two of 40,000 bytes do not fit one packet.
        DatagramSend many = new(new IpEndpoint(OwnV4, 53), SegmentSize: 40_000);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, many, new byte[40_000 * 300], stack.Now));
        Assert.Equal(1 + 256, Delivered());
        Assert.Equal(stack.Now, stack.Stack.NextDeadline);
        stack.Stack.Advance(stack.Now);
        Assert.Equal(1 + 300, Delivered());
        Assert.Equal(Instant.Never, stack.Stack.NextDeadline);
        Assert.Equal(0, stack.Pool.Rented);
    }

    [Fact]
    public void Packets_and_bytes_are_counted()
    {
        using TestStack stack = new(LinkMedium.Ethernet);
        long sentBefore = stack.Stack.Counters.PacketsSent;
        byte[] frame = Build.Frame(OwnMac, PeerMac, EtherType.IpV4, Build.Echo(PeerV4, OwnV4, 1, 1, new byte[100]));
        stack.Receive(frame);
        stack.Sent();
        StackCounters counters = stack.Stack.Counters;
        Assert.Equal((1, frame.Length), (counters.PacketsReceived, counters.BytesReceived));
        Assert.Equal(1, counters.PacketsSent - sentBefore);
        Assert.True(counters.BytesSent >= frame.Length);
    }

    [Fact]
    public void Transmit_keeps_to_its_budget()
    {
        using TestStack stack = new();
        SocketId port = Port(stack);
        for (int i = 0; i < 10; i++) Send(stack, port, PeerV4);
        Assert.Equal(4, stack.Sent(4).Count);
        Assert.True(stack.Stack.HasOutput(stack.Interface));
        Assert.Empty(stack.Sent(0));
        Assert.Equal(6, stack.Sent().Count);
        Assert.False(stack.Stack.HasOutput(stack.Interface));
    }

    [Fact]
    public void A_stack_without_traffic_is_small()
    {
        const int Count = 500;
        PacketPool pool = new();
        SeededEntropy entropy = new();
        NetworkStack[] stacks = new NetworkStack[Count];
        LinkProperties link = new(LinkMedium.Ethernet, 1500);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Count; i++)
        {
            NetworkStack stack = stacks[i] = new NetworkStack(new StackOptions { Pool = pool, Entropy = entropy });
            InterfaceId id = stack.AddInterface(new InterfaceOptions { Link = link, Mac = OwnMac, AnyIp = true });
            stack.AddAddress(id, OwnV4, 24, default);
            stack.AddAddress(id, OwnV6, 64, default);
            stack.AddRoute(new Route(IpPrefix.Parse("0.0.0.0/0"), id));
        }
        // Everything allocated, garbage included: an upper bound of what stays.
        long each = (GC.GetAllocatedBytesForCurrentThread() - before) / Count;
        Assert.InRange(each, 1, 8_192);
        GC.KeepAlive(stacks);
    }
}
