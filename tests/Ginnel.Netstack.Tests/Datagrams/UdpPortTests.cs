using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

public sealed class UdpPortTests
{
    private static IpEndpoint At(IpAddress address, int port) => new(address, (ushort)port);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_bound_port_receives_and_answers(bool v4)
    {
        using TestStack stack = new();
        IpAddress own = v4 ? OwnV4 : OwnV6, peer = v4 ? PeerV4 : PeerV6;
        SocketId port = stack.Bind(At(default, 53));
        stack.Receive(Build.Udp(At(peer, 4000), At(own, 53), 1, 2, 3));
        Assert.Equal(new SocketEvent(port, SocketEvents.Readable), stack.NextEvent());
        (ReceivedDatagram datagram, byte[] payload) = stack.Take(port);
        Assert.Equal((At(peer, 4000), At(own, 53)), (datagram.Source, datagram.Destination));
        Assert.Equal([1, 2, 3], payload);
        stack.AssertNothing(port);

        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(datagram.Source, datagram.Destination), [4, 5], stack.Now));
        Assert.Equal(DropReason.None, IpView.TryParse(Assert.Single(stack.Sent()), out IpView ip));
        Assert.Equal((own, peer), (ip.Source, ip.Destination));
        Assert.Equal(DropReason.None, UdpView.TryParse(ip.Payload, out UdpView udp));
        Assert.True(udp.IsChecksumValid(own, peer));
        Assert.Equal((53, 4000), (udp.SourcePort, udp.DestinationPort));
        Assert.Equal([4, 5], udp.Payload.ToArray());
    }

    [Fact]
    public void A_port_of_an_own_address_reaches_another_inside_the_stack()
    {
        using TestStack stack = new();
        SocketId server = stack.Bind(At(OwnV4, 53));
        SocketId client = stack.Bind(At(OwnV4, 0));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(client, new DatagramSend(At(OwnV4, 53)), [1], stack.Now));
        (ReceivedDatagram asked, _) = stack.Take(server);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(server, new DatagramSend(asked.Source), [2], stack.Now));
        Assert.Equal([2], stack.Take(client).Payload);
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void A_closed_port_of_an_own_address_refuses_inside_the_stack_too()
    {
        using TestStack stack = new();
        SocketId client = stack.Bind(At(OwnV4, 0));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(client, new DatagramSend(At(OwnV4, 53)), [1], stack.Now));
        ReceivedDatagram item = stack.Take(client).Datagram;
        Assert.Equal((NetworkFailure.Refused, At(OwnV4, 53), InterfaceId.None), (item.Failure, item.Destination, item.Interface));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void A_new_source_in_any_IP_mode_is_a_pending_port_that_serves_every_destination_once_accepted()
    {
        using TestStack stack = new(anyIp: true);
        IpEndpoint guest = At(PeerV4, 4000), first = At(FarV4, 53), second = At(IpAddress.Parse("198.51.100.1"), 123);
        stack.Receive(Build.Udp(guest, first, 1));
        SocketEvent pending = stack.NextEvent()!.Value;
        Assert.Equal(SocketEvents.PendingPort, pending.Events);
        Assert.True(stack.Stack.TryGetFlow(pending.Id, out FlowKey flow));
        Assert.Equal((guest, first), (flow.Remote, flow.Local));
        stack.Receive(Build.Udp(guest, second, 2));
        Assert.Equal(OpStatus.Ok, stack.Stack.Accept(pending.Id, stack.Now, out SocketId port));
        Assert.Equal(first, stack.Take(port).Datagram.Destination);
        Assert.Equal(second, stack.Take(port).Datagram.Destination);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(guest, second), [3], stack.Now));
        Assert.Equal(DropReason.None, IpV4View.TryParse(Assert.Single(stack.Sent()), out IpV4View ip));
        Assert.Equal((second.Address, guest.Address), (ip.Source, ip.Destination));
    }
}
