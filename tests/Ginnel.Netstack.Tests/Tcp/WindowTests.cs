using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class WindowTests
{
    [Fact]
    public void A_closed_window_is_probed_for_ever_while_the_peer_answers()
    {
        using TcpPeer peer = new(new TcpOptions { GiveUpAfter = TimeSpan.FromSeconds(100) });
        peer.EstablishPassive();
        peer.Ack(1, 1, window: 0);
        peer.Write(5000);
        peer.SentNothing();
        double wait = 200;
        for (int i = 0; i < 40; i++)
        {
            peer.AdvanceMs(wait - 1);
            peer.SentNothing();
            peer.AdvanceMs(1);
            Segment probe = peer.SentOne();
            Assert.Equal((1, 1), (probe.Sequence, probe.Length));
            peer.Ack(1, 1, window: 0);
            wait = Math.Min(wait * 2, 60_000);
        }
        peer.Ack(1, 1, window: 65_535);
        List<Segment> sent = peer.Sent();
        Assert.Equal(1, sent[0].Sequence);
        Assert.Equal(5000, sent.Sum(segment => segment.Length));
    }

    [Fact]
    public void A_peer_that_does_not_answer_probes_is_given_up()
    {
        using TcpPeer peer = new(new TcpOptions { GiveUpAfter = TimeSpan.FromSeconds(100) });
        peer.EstablishPassive();
        peer.Ack(1, 1, window: 0);
        peer.Write(5000);
        for (int i = 0; i < 300 && peer.State != TcpState.Closed; i++) { peer.AdvanceMs(1000); peer.Sent(); }
        Assert.Equal(NetworkFailure.TimedOut, peer.Stack.FailureOf(peer.Id));
    }

    [Fact]
    public void A_probe_that_is_taken_counts_as_data()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Ack(1, 1, window: 0);
        peer.Write(3000);
        peer.AdvanceMs(200);
        Assert.Equal(1, peer.SentOne().Length);
        peer.Ack(1, 2, window: 10_000);
        List<Segment> sent = peer.Sent();
        Assert.Equal(2, sent[0].Sequence);
        Assert.Equal(2999, sent.Sum(segment => segment.Length));
    }

    [Fact]
    public void C12_a_released_connection_does_not_probe_for_ever()
    {
        using TcpPeer peer = new(new TcpOptions { GiveUpAfter = TimeSpan.FromSeconds(100) });
        peer.EstablishPassive();
        peer.Ack(1, 1, window: 0);
        peer.Write(5000);
        peer.Stack.Release(peer.Id, peer.Now);
        int seconds = 0;
        for (; seconds < 1000 && peer.Stack.SocketCount > 1; seconds++)
        {
            peer.AdvanceMs(1000);
            foreach (Segment segment in peer.Sent()) if (!segment.Flags.HasFlag(TcpFlags.Rst)) peer.Ack(1, 1, window: 0);
        }
        Assert.InRange(seconds, 90, 170);
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }

    [Fact]
    public void A_FIN_behind_a_closed_window_gets_through()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Ack(1, 1, window: 0);
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        peer.SentNothing();
        peer.AdvanceMs(200);
        Assert.Equal(TcpFlags.Fin | TcpFlags.Ack, peer.SentOne().Flags);
        peer.Ack(1, 2, window: 0);
        Assert.Equal(TcpState.FinWait2, peer.State);
    }

    [Fact]
    public void RFC9293_3_8_6_2_1_small_windows_are_not_filled_with_crumbs()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(window: 10_000);
        peer.Write(30_000);
        Assert.Equal(10_000, peer.Sent().Sum(segment => segment.Length));
        peer.Ack(1, 10_001, window: 500);
        peer.SentNothing();
        peer.Ack(1, 10_001, window: 1000);
        Assert.Equal(1000, peer.SentOne().Length);
    }

    [Fact]
    public void A_window_that_stays_small_is_used_after_the_override_timeout()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(window: 10_000);
        peer.Write(30_000);
        peer.Sent();
        peer.Ack(1, 10_001, window: 500);
        peer.SentNothing();
        peer.AdvanceMs(200);
        Assert.Equal(500, peer.SentOne().Length);
        peer.Ack(1, 10_501, window: 20_000);
        Assert.Equal(10_501, peer.Sent()[0].Sequence);
    }

    [Fact]
    public void Our_window_closes_opens_and_never_moves_left()
    {
        using TcpPeer peer = new(new TcpOptions { ReceiveBuffer = 8192 });
        peer.EstablishPassive(scale: 0);
        int edge = 0, sent = 1;
        for (int i = 0; i < 8; i++)
        {
            peer.Send(TcpFlags.Ack, sent, 1, Build.Bytes(1024));
            sent += 1024;
            foreach (Segment ack in peer.Sent())
            {
                Assert.True(ack.Acknowledgment + ack.Window >= edge, "the right edge moved left");
                edge = ack.Acknowledgment + ack.Window;
            }
        }
        Assert.Equal(0, peer.Info.ReceiveWindow);
        Assert.Equal(8193, edge);
        // A probe is refused and answered.
        peer.Send(TcpFlags.Ack, sent, 1, [9]);
        Segment answer = peer.SentOne();
        Assert.Equal((8193, 0), (answer.Acknowledgment, answer.Window));
        // A little room is not worth telling (silly window, section 3.8.6.2.2).
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(peer.Id, out _));
        Assert.Equal(OpStatus.Ok, peer.Stack.Consume(peer.Id, 100, peer.Now));
        peer.SentNothing();
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(peer.Id, out _));
        Assert.Equal(OpStatus.Ok, peer.Stack.Consume(peer.Id, 4000, peer.Now));
        Assert.Equal(4100, peer.SentOne().Window);
    }

    [Fact]
    public void Data_beyond_the_window_are_cut_off()
    {
        using TcpPeer peer = new(new TcpOptions { ReceiveBuffer = 4096 });
        peer.EstablishPassive();
        byte[] data = Build.Bytes(6000);
        peer.Send(TcpFlags.Ack, 1, 1, data);
        Assert.Equal((4097, 0), (peer.SentOne() is var ack ? (ack.Acknowledgment, ack.Window) : default));
        Assert.Equal(data[..4096], peer.ReadAll());
    }

    [Fact]
    public void The_first_window_is_small_and_grows_with_a_reader_that_keeps_up()
    {
        using TcpPair pair = new();
        (SocketId client, SocketId server) = pair.Establish();
        Assert.Equal(65_535, pair.Info(pair.Client, client).SendWindow, 2000.0);
        pair.Transfer(pair.Client, client, pair.Server, server, Build.Bytes(4_000_000), TimeSpan.FromMinutes(1));
        Assert.InRange(pair.Info(pair.Client, client).SendWindow, 900_000, 4 << 20);
    }

    [Fact]
    public void Two_slow_readers_stay_within_the_memory_limit()
    {
        using TcpPair pair = new(serverOptions: options => new StackOptions
        {
            Pool = options.Pool, Entropy = options.Entropy, Tcp = options.Tcp, MemoryLimit = 256 << 10,
        });
        SocketId listener = pair.Listen();
        SocketId[] clients = [pair.Connect(), pair.Connect(), pair.Connect(), pair.Connect()];
        pair.Run(TimeSpan.FromSeconds(1));
        byte[] data = Build.Bytes(1_000_000);
        int[] written = new int[4];
        for (int second = 0; second < 20; second++)
        {
            for (int i = 0; i < 4; i++) written[i] += pair.Write(pair.Client, clients[i], data.AsSpan(written[i]));
            pair.Run(TimeSpan.FromSeconds(1));
            Assert.InRange(pair.Server.MemoryInUse, 0, 256 << 10);
        }
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(OpStatus.Ok, pair.Server.Accept(listener, pair.Now, out SocketId server));
            pair.Server.TryGetFlow(server, out FlowKey flow);
            int which = Array.FindIndex(clients, id => pair.Client.TryGetFlow(id, out FlowKey own) && own.Local == flow.Remote);
            pair.Transfer(pair.Client, clients[which], pair.Server, server, [], TimeSpan.FromMinutes(10), already: data.AsSpan(0, written[which]).ToArray());
            Assert.InRange(pair.Server.MemoryInUse, 0, 256 << 10);
        }
    }
}
