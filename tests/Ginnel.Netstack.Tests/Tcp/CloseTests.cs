using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class CloseTests
{
    private const TcpFlags FinAck = TcpFlags.Fin | TcpFlags.Ack;
    private const TcpFlags RstAck = TcpFlags.Rst | TcpFlags.Ack;

    [Fact]
    public void We_close_first_then_the_peer()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        Assert.Equal(OpStatus.Ok, peer.Stack.CloseWrite(peer.Id, peer.Now));
        Segment fin = peer.SentOne();
        Assert.Equal((FinAck, 1, TcpState.FinWait1), (fin.Flags, fin.Sequence, peer.State));
        peer.Ack(1, 2);
        Assert.Equal(TcpState.FinWait2, peer.State);
        // Half-close: the peer goes on sending, we go on reading.
        peer.Send(TcpFlags.Ack, 1, 2, [1, 2, 3]);
        Assert.Equal([1, 2, 3], peer.ReadAll());
        peer.Sent();
        peer.Send(FinAck, 4, 2);
        Segment last = peer.SentOne();
        Assert.Equal((TcpFlags.Ack, 2, 5, TcpState.TimeWait), (last.Flags, last.Sequence, last.Acknowledgment, peer.State));
        Assert.True(peer.Events().HasFlag(SocketEvents.Closed | SocketEvents.PeerClosed));
        peer.ReadAll(out OpStatus end);
        Assert.Equal(OpStatus.EndOfStream, end);
        peer.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(TcpState.Closed, peer.State);
        Assert.Equal(NetworkFailure.None, peer.Stack.FailureOf(peer.Id));
        Assert.Equal(OpStatus.Ok, peer.Stack.Release(peer.Id, peer.Now));
        Assert.Equal(OpStatus.Stale, peer.Stack.Release(peer.Id, peer.Now));
    }

    [Fact]
    public void The_peer_closes_first_then_we()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(FinAck, 1, 1, [7]);
        Segment ack = peer.SentOne();
        Assert.Equal((3, TcpState.CloseWait), (ack.Acknowledgment, peer.State));
        Assert.Equal([7], peer.ReadAll(out OpStatus end));
        Assert.Equal(OpStatus.EndOfStream, end);
        peer.Write(5);
        Assert.Equal(5, peer.SentOne().Length);
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        Assert.Equal((FinAck, TcpState.LastAck), (peer.SentOne().Flags, peer.State));
        peer.Ack(3, 7);
        Assert.Equal(TcpState.Closed, peer.State);
        Assert.True(peer.Events().HasFlag(SocketEvents.Closed));
        Assert.Equal(NetworkFailure.None, peer.Stack.FailureOf(peer.Id));
    }

    [Fact]
    public void Both_close_at_once()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        peer.SentOne();
        peer.Send(FinAck, 1, 1);
        Assert.Equal((2, TcpState.Closing), (peer.SentOne().Acknowledgment, peer.State));
        peer.Ack(2, 2);
        Assert.Equal(TcpState.TimeWait, peer.State);
    }

    [Fact]
    public void A_FIN_that_acknowledges_ours_leads_to_TIME_WAIT_at_once()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        peer.SentOne();
        peer.Send(FinAck, 1, 2);
        Assert.Equal((2, TcpState.TimeWait), (peer.SentOne().Acknowledgment, peer.State));
    }

    [Fact]
    public void The_FIN_waits_for_the_data_and_is_repeated()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(2500);
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        Assert.Equal(OpStatus.InvalidState, peer.Stack.TryLeaseWritable(peer.Id, 1, out _));
        List<Segment> sent = peer.Sent();
        Assert.Equal([(1, 1000), (1001, 1000), (2001, 500)], sent.Select(segment => (segment.Sequence, segment.Length)));
        Assert.Equal(TcpFlags.Fin | TcpFlags.Psh | TcpFlags.Ack, sent[2].Flags);
        peer.Ack(1, 2001);
        peer.AdvanceMs(200);
        Segment again = peer.SentOne();
        Assert.Equal((2001, 500, true), (again.Sequence, again.Length, again.Flags.HasFlag(TcpFlags.Fin)));
        peer.Ack(1, 2501);
        Assert.Equal(TcpState.FinWait1, peer.State);
        peer.AdvanceMs(400);
        again = peer.SentOne();
        Assert.Equal((2501, 0, FinAck), (again.Sequence, again.Length, again.Flags));
        peer.Ack(1, 2502);
        Assert.Equal(TcpState.FinWait2, peer.State);
    }

    [Fact]
    public void A_FIN_out_of_order_waits_for_what_is_missing()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(FinAck, 4, 1, [4, 5]);
        Assert.Equal((1, TcpState.Established), (peer.SentOne().Acknowledgment, peer.State));
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2, 3]);
        Assert.Equal((7, TcpState.CloseWait), (peer.SentOne().Acknowledgment, peer.State));
        Assert.Equal([1, 2, 3, 4, 5], peer.ReadAll());
    }

    [Fact]
    public void Data_behind_a_FIN_are_nobodys()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(FinAck, 4, 1, [4]);
        peer.Send(TcpFlags.Ack, 4, 1, [4, 9, 9, 9]);
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2, 3]);
        Assert.Equal([1, 2, 3, 4], peer.ReadAll(out OpStatus end));
        Assert.Equal((OpStatus.EndOfStream, TcpState.CloseWait), (end, peer.State));
    }

    [Fact]
    public void Releasing_with_unread_data_resets()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, [1]);
        peer.Stack.Release(peer.Id, peer.Now);
        Assert.Equal((RstAck, 1, 2), (peer.SentOne() is var rst ? (rst.Flags, rst.Sequence, rst.Acknowledgment) : default));
        Assert.Equal((1, 0L), (peer.Stack.SocketCount, peer.Stack.MemoryInUse));
    }

    [Fact]
    public void Data_for_a_released_connection_reset_it()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Stack.Release(peer.Id, peer.Now);
        Assert.Equal(FinAck, peer.SentOne().Flags);
        peer.Ack(1, 2);
        peer.Send(TcpFlags.Ack, 1, 2, [1]);
        Assert.Equal((RstAck, 2), (peer.SentOne() is var rst ? (rst.Flags, rst.Sequence) : default));
        Assert.Equal(1, peer.Stack.SocketCount);
    }

    [Fact]
    public void A_released_connection_delivers_what_was_written_and_closes()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(100);
        peer.Stack.Release(peer.Id, peer.Now);
        Assert.Equal(OpStatus.Stale, peer.Stack.CloseWrite(peer.Id, peer.Now));
        Segment sent = peer.SentOne();
        Assert.Equal((100, true), (sent.Length, sent.Flags.HasFlag(TcpFlags.Fin)));
        peer.Send(FinAck, 1, 102);
        Assert.Equal(2, peer.SentOne().Acknowledgment);
        Assert.Equal(2, peer.Stack.SocketCount);
        peer.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(1, peer.Stack.SocketCount);
    }

    [Fact]
    public void C12_FIN_WAIT_2_without_an_owner_ends()
    {
        using TcpPeer peer = new(new TcpOptions { FinWait2 = TimeSpan.FromSeconds(30) });
        peer.EstablishPassive();
        peer.Stack.Release(peer.Id, peer.Now);
        peer.SentOne();
        peer.Ack(1, 2);
        peer.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(2, peer.Stack.SocketCount);
        peer.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, peer.Stack.SocketCount);
    }

    [Fact]
    public void FIN_WAIT_2_with_an_owner_lasts()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        peer.SentOne();
        peer.Ack(1, 2);
        peer.Advance(TimeSpan.FromHours(3));
        peer.Send(TcpFlags.Ack, 1, 2, [1]);
        Assert.Equal([1], peer.ReadAll());
        peer.Stack.Release(peer.Id, peer.Now);
    }

    [Fact]
    public void Abort_resets_and_keeps_the_id()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(100);
        peer.Sent();
        peer.Send(TcpFlags.Ack, 1, 1, [1]);
        Assert.Equal(OpStatus.Ok, peer.Stack.Abort(peer.Id, peer.Now));
        Assert.Equal((RstAck, 101), (peer.SentOne() is var rst ? (rst.Flags, rst.Sequence) : default));
        Assert.Equal(NetworkFailure.Aborted, peer.Stack.FailureOf(peer.Id));
        Assert.Equal(OpStatus.Failed, peer.Stack.TryLeaseReadable(peer.Id, out _));
        Assert.Equal(0, peer.Stack.MemoryInUse);
        peer.Stack.Release(peer.Id, peer.Now);
        Assert.Equal(1, peer.Stack.SocketCount);
    }

    [Fact]
    public void A_reset_from_the_peer_ends_it_but_what_came_before_can_be_read()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2]);
        peer.Write(10);
        peer.Sent();
        peer.Send(TcpFlags.Rst, 3);
        Assert.Equal(NetworkFailure.Reset, peer.Stack.FailureOf(peer.Id));
        Assert.Equal([1, 2], peer.ReadAll(out OpStatus end));
        Assert.Equal(OpStatus.Failed, end);
        Assert.Equal(0, peer.Stack.MemoryInUse);
        peer.SentNothing();
    }

    [Fact]
    public void TIME_WAIT_answers_a_repeated_FIN_and_begins_anew()
    {
        using TcpPeer peer = TimeWait();
        peer.Advance(TimeSpan.FromSeconds(50));
        peer.Send(FinAck, 1, 2);
        Assert.Equal((TcpFlags.Ack, 2), (peer.SentOne() is var ack ? (ack.Flags, ack.Acknowledgment) : default));
        peer.Advance(TimeSpan.FromSeconds(50));
        Assert.Equal(TcpState.TimeWait, peer.State);
        peer.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TcpState.Closed, peer.State);
    }

    [Fact]
    public void RFC1337_a_reset_does_not_end_TIME_WAIT()
    {
        using TcpPeer peer = TimeWait();
        peer.Send(TcpFlags.Rst, 2);
        Assert.Equal(TcpState.TimeWait, peer.State);
    }

    [Fact]
    public void RFC6191_a_newer_SYN_opens_over_TIME_WAIT_and_an_older_one_does_not()
    {
        using TcpPeer peer = TimeWait();
        SequenceNumber old = peer.Iss;
        peer.Send(TcpFlags.Syn, -1000);
        Assert.Equal(TcpFlags.Ack, peer.SentOne().Flags);
        peer.PeerIss += 5000;
        peer.Advance(TimeSpan.FromMilliseconds(1));
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, peer.SentOne().Flags);
        Assert.True(peer.Iss > old);
    }

    [Fact]
    public void RFC9293_3_6_1_the_new_number_is_beyond_everything_that_a_fast_connection_sent()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        SequenceNumber old = peer.Iss;
        int sent = 0;
        for (int i = 0; i < 50; i++)
        {
            peer.Write(40_000);
            for (int round = 0; round < 20 && sent < (i + 1) * 40_000; round++)
            {
                sent += peer.Sent().Sum(segment => segment.Length);
                peer.Ack(1, 1 + sent);
            }
        }
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        peer.SentOne();
        peer.Send(FinAck, 1, sent + 2);
        peer.SentOne();
        peer.PeerIss += 5000;
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, peer.SentOne().Flags);
        Assert.True(peer.Iss - old > sent);
    }

    private static TcpPeer TimeWait()
    {
        TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        peer.SentOne();
        peer.Send(FinAck, 1, 2);
        peer.SentOne();
        Assert.Equal(TcpState.TimeWait, peer.State);
        return peer;
    }

    [Fact]
    public void TIME_WAIT_is_bounded_and_the_oldest_gives_way()
    {
        using TcpPeer peer = new(new TcpOptions { MaxTimeWait = 3 });
        for (int i = 0; i < 10; i++)
        {
            peer.Port = (ushort)(20_000 + i);
            peer.EstablishPassive();
            peer.Stack.Release(peer.Id, peer.Now);
            peer.SentOne();
            peer.Send(FinAck, 1, 2);
            peer.SentOne();
        }
        Assert.Equal(4, peer.Stack.SocketCount);
    }

    [Fact]
    public void Releasing_a_listener_resets_its_backlog()
    {
        using TcpPeer peer = new();
        peer.Listen();
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Send(TcpFlags.Ack, 1, 1);
        peer.Port++;
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Stack.Release(peer.Listener, peer.Now);
        Assert.Equal([RstAck, RstAck], peer.Sent().Select(segment => segment.Flags));
        Assert.Equal(0, peer.Stack.SocketCount);
    }

    [Fact]
    public void Closing_before_the_handshake_is_complete_sends_FIN_after_it()
    {
        using TcpPeer peer = new();
        peer.Connect();
        Assert.Equal(OpStatus.Ok, peer.Stack.CloseWrite(peer.Id, peer.Now));
        peer.Send(TcpFlags.Syn | TcpFlags.Ack, 0, 1, mss: 1000);
        Assert.Equal((FinAck, TcpState.FinWait1), (peer.SentOne().Flags, peer.State));
    }

    [Fact]
    public void Keepalive_probes_and_gives_up()
    {
        using TcpPeer peer = new(new TcpOptions { KeepAliveInterval = TimeSpan.FromSeconds(10), KeepAliveProbes = 3 });
        peer.EstablishPassive();
        Assert.Equal(OpStatus.InvalidState, peer.Stack.SetKeepAlive(peer.Id, TimeSpan.MaxValue, peer.Now));
        Assert.Equal(OpStatus.Ok, peer.Stack.SetKeepAlive(peer.Id, TimeSpan.FromSeconds(100), peer.Now));
        peer.Advance(TimeSpan.FromSeconds(100));
        Segment probe = peer.SentOne();
        Assert.Equal((0, 0), (probe.Sequence, probe.Length));
        peer.Ack(1, 1);
        peer.Advance(TimeSpan.FromSeconds(99));
        peer.SentNothing();
        peer.Advance(TimeSpan.FromSeconds(1));
        peer.SentOne();
        peer.Advance(TimeSpan.FromSeconds(10));
        peer.SentOne();
        peer.Advance(TimeSpan.FromSeconds(10));
        peer.SentOne();
        peer.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(RstAck, peer.SentOne().Flags);
        Assert.Equal(NetworkFailure.TimedOut, peer.Stack.FailureOf(peer.Id));
    }

    /// <summary>The peer's FIN promises that a reader misses nothing; who throws octets away that were not read breaks that.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_stream_that_was_aborted_unread_does_not_look_whole(bool isLeased)
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(FinAck, 1, 1, new byte[1_000]);
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(peer.Id, out _));
        if (!isLeased) Assert.Equal(OpStatus.Ok, peer.Stack.Consume(peer.Id, 400, peer.Now));
        Assert.Equal(OpStatus.Ok, peer.Stack.Abort(peer.Id, peer.Now));
        if (isLeased) Assert.Equal(OpStatus.Ok, peer.Stack.Consume(peer.Id, 400, peer.Now));
        Assert.Empty(peer.ReadAll(out OpStatus end));
        Assert.Equal((OpStatus.Failed, NetworkFailure.Aborted), (end, peer.Stack.FailureOf(peer.Id)));
    }

    [Fact]
    public void Nor_one_that_was_aborted_unread_when_all_was_over()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(FinAck, 1, 1, new byte[1_000]);
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        peer.Sent();
        peer.Ack(1_002, 2);
        Assert.Equal((TcpState.Closed, NetworkFailure.None), (peer.State, peer.Stack.FailureOf(peer.Id)));
        peer.Stack.Abort(peer.Id, peer.Now);
        Assert.Empty(peer.ReadAll(out OpStatus end));
        Assert.Equal((OpStatus.Failed, NetworkFailure.Aborted), (end, peer.Stack.FailureOf(peer.Id)));
    }

    [Fact]
    public void What_was_read_to_its_end_before_an_abort_was_whole()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(FinAck, 1, 1, new byte[1_000]);
        Assert.Equal(1_000, peer.ReadAll().Length);
        peer.Stack.Abort(peer.Id, peer.Now);
        peer.ReadAll(out OpStatus end);
        Assert.Equal(OpStatus.EndOfStream, end);
    }

    /// <summary>What came from beyond the end is of no stream, whichever came first.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Octets_from_beyond_a_FIN_do_not_join_the_stream(bool isBare)
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, isBare ? 101 : 131, 1, new byte[50]);
        peer.Send(TcpFlags.Ack, 81, 1, new byte[20]);
        if (isBare) peer.Send(FinAck, 101, 1);
        peer.Send(isBare ? TcpFlags.Ack : FinAck, 1, 1, new byte[isBare ? 90 : 160]);
        Assert.Equal(isBare ? 100 : 160, peer.ReadAll().Length);
        Assert.Equal(TcpState.CloseWait, peer.State);
        Assert.Equal(isBare ? 102 : 162, peer.Sent()[^1].Acknowledgment);
        peer.ReadAll(out OpStatus end);
        Assert.Equal(OpStatus.EndOfStream, end);
    }

    [Fact]
    public void Nor_do_they_keep_memory()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 151, 1, new byte[50]);
        Assert.NotEqual(0, peer.Stack.MemoryInUse);
        peer.Send(FinAck, 1, 1);
        Assert.Equal((TcpState.CloseWait, 0), (peer.State, peer.Stack.MemoryInUse));
    }
}
