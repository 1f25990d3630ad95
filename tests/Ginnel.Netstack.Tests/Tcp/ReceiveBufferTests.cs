using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>The owner's bound of one receive buffer.</summary>
public sealed class ReceiveBufferTests
{
    [Fact]
    public void A_connection_never_offers_more_than_its_bound()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(scale: 7);
        Assert.Equal(OpStatus.Ok, peer.Stack.SetReceiveBuffer(peer.Id, 16_000));
        int sent = 1, most = 0;
        for (int round = 0; round < 200; round++)
        {
            peer.AdvanceMs(10);
            for (int i = 0; i < 10; i++, sent += 1_000) peer.Send(TcpFlags.Ack, sent, 1, Build.Bytes(1_000));
            peer.ReadAll();
            peer.Sent();
            if (round >= 100) most = Math.Max(most, peer.Info.ReceiveWindow);
        }
        Assert.Equal(sent, peer.Info.BytesReceived + 1);
        // Without the bound it would be 64 KiB, and more as the reader keeps up.
        Assert.InRange(most, 8_192, 16_384);
    }

    [Fact]
    public void What_was_offered_is_not_taken_back()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        Assert.Equal(OpStatus.Ok, peer.Stack.SetReceiveBuffer(peer.Id, 4_096));
        for (int sent = 0; sent < 65_000; sent += 1_000)
        {
            peer.Send(TcpFlags.Ack, 1 + sent, 1, Build.Bytes(1_000));
            foreach (Segment answer in peer.Sent()) Assert.Equal(65_536, answer.Acknowledgment + answer.Window);
        }
        Assert.Equal(65_000, peer.ReadAll().Length);
        Assert.Equal(4_096, peer.Sent()[^1].Window);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_listeners_connections_have_its_bound(bool cookies)
    {
        using TcpPeer peer = new(new TcpOptions { SynCookies = cookies ? SynCookieUse.Always : SynCookieUse.Off });
        peer.Listen();
        Assert.Equal(OpStatus.Ok, peer.Stack.SetReceiveBuffer(peer.Listener, 5_000));
        peer.Send(TcpFlags.Syn, 0, mss: 1_000);
        Assert.Equal(8_192, peer.SentOne().Window);
        peer.Send(TcpFlags.Ack, 1, 1);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
        peer.Adopt(id);
        for (int i = 0; i < 10; i++) peer.Send(TcpFlags.Ack, 1 + (1_000 * i), 1, Build.Bytes(1_000));
        Assert.Equal(0, peer.Sent()[^1].Window);
        Assert.Equal(8_192, peer.ReadAll().Length);
    }

    [Fact]
    public void An_active_connection_says_so_on_its_SYN()
    {
        using TcpPeer peer = new();
        Assert.Equal(OpStatus.Ok, peer.Stack.Connect(default, new IpEndpoint(peer.Peer, peer.Port), peer.Now, out SocketId id));
        Assert.Equal(OpStatus.Ok, peer.Stack.SetReceiveBuffer(id, 1));
        Assert.Equal(4_096, peer.SentOne().Window);
    }

    [Fact]
    public void Nothing_is_no_bound_and_nobody_has_one()
    {
        using TcpPeer peer = new(new TcpOptions { ReceiveBuffer = 8_192 });
        peer.EstablishPassive();
        Assert.Equal(OpStatus.InvalidState, peer.Stack.SetReceiveBuffer(peer.Id, 0));
        Assert.Equal(OpStatus.Ok, peer.Stack.SetReceiveBuffer(peer.Id, int.MaxValue));
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(1_000));
        peer.Send(TcpFlags.Ack, 1_001, 1, Build.Bytes(1_000));
        peer.ReadAll();
        Assert.All(peer.Sent(), answer => Assert.InRange(answer.Window, 0, 8_192));
        peer.Stack.Abort(peer.Id, peer.Now);
        peer.Stack.Release(peer.Id, peer.Now);
        Assert.Equal(OpStatus.Stale, peer.Stack.SetReceiveBuffer(peer.Id, 4_096));
    }

    [Fact]
    public void A_port_holds_what_its_options_say()
    {
        using TestStack stack = new();
        IpEndpoint peer = new(TestStack.PeerV4, 4000), small = new(TestStack.OwnV4, 53), usual = new(TestStack.OwnV4, 54);
        Assert.Equal(OpStatus.Ok, stack.Stack.Bind(new DatagramPortOptions { Local = small, ReceiveBuffer = 2_000 }, out SocketId bounded));
        SocketId other = stack.Bind(usual);
        byte[] payload = Build.Bytes(800);
        stack.Receive(Build.Udp(peer, small, payload), Build.Udp(peer, small, payload));
        stack.ReceiveDropped(DropReason.ReceiveBufferFull, Build.Udp(peer, small, payload));
        for (int i = 0; i < 5; i++) stack.Receive(Build.Udp(peer, usual, payload));
        for (int i = 0; i < 2; i++) Assert.Equal(800, stack.Take(bounded).Payload.Length);
        stack.AssertNothing(bounded);
        for (int i = 0; i < 5; i++) stack.Take(other);
        Assert.Equal(OpStatus.InvalidState, stack.Stack.Bind(new DatagramPortOptions { Local = new(TestStack.OwnV4, 55), ReceiveBuffer = -1 }, out _));
    }
}
