using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>RFC 4987 section 3.6: a SYN that is answered and not remembered, and what comes back of it (attack case D1).</summary>
public sealed class SynCookieTests
{
    private static readonly TcpOptions Always = new() { SynCookies = SynCookieUse.Always };

    // A listener for one half-open connection, which is there: whatever comes now is answered with a cookie.
    private static TcpPeer Flooded(TcpOptions? options = null)
    {
        TcpPeer peer = new(options);
        peer.Listen(backlog: 1);
        peer.Port = 7;
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Port = TcpPeer.PeerPort;
        return peer;
    }

    private static void Accept(TcpPeer peer) => Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out _));

    private static TcpInfo AcceptedInfo(TcpPeer peer)
    {
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
        Assert.True(peer.Stack.TryGetInfo(id, out TcpInfo info));
        return info;
    }

    [Fact]
    public void D1_beyond_the_backlog_a_SYN_is_answered_not_remembered_and_its_acknowledgment_connects()
    {
        using TcpPeer peer = Flooded();
        peer.Send(TcpFlags.Syn, 0, mss: 1000);
        Segment answer = peer.SentOne();
        Assert.Equal((TcpFlags.Syn | TcpFlags.Ack, 1, 1460), (answer.Flags, answer.Acknowledgment, answer.Header.MaximumSegmentSize));
        Assert.Equal(2, peer.Stack.SocketCount);
        peer.Send(TcpFlags.Ack, 1, 1, window: 5000);
        peer.SentNothing();
        TcpInfo info = AcceptedInfo(peer);
        Assert.Equal((TcpState.Established, 536, 5000), (info.State, info.SendMss, info.SendWindow));
        StackCounters counters = peer.Stack.Counters;
        Assert.Equal((1, 1, 0), (counters.SynCookiesSent, counters.SynCookiesAccepted, counters.SynCookiesRejected));
        Assert.Equal(0, counters.HalfOpenEvicted);
    }

    [Fact]
    public void With_timestamps_everything_that_was_offered_is_kept()
    {
        using TcpPeer peer = Flooded();
        peer.Timestamp = 5000;
        peer.Send(TcpFlags.Syn, 0, mss: 1460, scale: 9, sackPermitted: true);
        TcpHeader answer = peer.SentOne().Header;
        Assert.True(answer is { HasTimestamps: true, HasWindowScale: true, SackPermitted: true, TimestampEcho: 5000 });
        peer.Timestamp = 5010;
        peer.AdvanceMs(10);
        peer.Send(TcpFlags.Ack, 1, 1, window: 1000);
        TcpInfo info = AcceptedInfo(peer);
        Assert.Equal((true, true, 9, 1460, 1000 << 9), (info.Timestamps, info.Sack, info.SendScale, info.SendMss, info.SendWindow));
        Assert.Equal(answer.WindowScale, info.ReceiveScale);
    }

    [Fact]
    public void Without_timestamps_the_other_options_are_off()
    {
        using TcpPeer peer = Flooded();
        peer.Send(TcpFlags.Syn, 0, mss: 1460, scale: 9, sackPermitted: true);
        TcpHeader answer = peer.SentOne().Header;
        Assert.True(answer is { HasTimestamps: false, HasWindowScale: false, SackPermitted: false });
        peer.Send(TcpFlags.Ack, 1, 1, window: 1000);
        TcpInfo info = AcceptedInfo(peer);
        Assert.Equal((false, false, 0, 0, 1000), (info.Timestamps, info.Sack, info.SendScale, info.ReceiveScale, info.SendWindow));
    }

    [Theory]
    [InlineData(1, 88)]
    [InlineData(535, 88)]
    [InlineData(536, 536)]
    [InlineData(1459, 1440)]
    [InlineData(1460, 1460)]
    [InlineData(65_535, 1460)]
    [InlineData(0, 536)]
    public void The_segment_size_is_never_above_what_was_offered(int offered, int kept)
    {
        using TcpPeer peer = new(Always);
        peer.Listen();
        peer.Send(TcpFlags.Syn, 0, mss: offered);
        peer.SentOne();
        peer.Send(TcpFlags.Ack, 1, 1);
        Assert.Equal(kept, AcceptedInfo(peer).SendMss);
    }

    [Fact]
    public void The_first_data_bring_the_cookie_where_the_bare_acknowledgment_was_lost()
    {
        using TcpPeer peer = new(Always);
        peer.Listen();
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Send(TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Fin, 1, 1, [1, 2, 3]);
        Assert.Equal(5, peer.SentOne().Acknowledgment);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(id, out RingLease lease));
        Assert.Equal([1, 2, 3], lease.First.ToArray());
    }

    [Fact]
    public void Data_flow_both_ways_afterwards()
    {
        using TcpPeer peer = new(Always);
        peer.Timestamp = 77;
        peer.EstablishPassive(scale: 3, sack: true);
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(500));
        Assert.Equal(Build.Bytes(500), peer.ReadAll());
        peer.Write(3000);
        List<Segment> sent = peer.Sent();
        Assert.Equal((1, 3000), (sent[0].Sequence, sent.Sum(segment => segment.Length)));
        Assert.All(sent, segment => Assert.True(segment.Header.HasTimestamps));
        peer.Ack(501, 3001);
        Assert.Equal(0, peer.Info.BytesInFlight);
    }

    [Fact]
    public void A_round_trip_is_not_measured_on_what_was_not_remembered()
    {
        using TcpPeer peer = new(Always);
        peer.EstablishPassive(roundTripMs: 30_000);
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(1)), (peer.Info.SmoothedRoundTrip, peer.Info.RetransmitTimeout));
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(129, false)]
    public void A_cookie_is_believed_for_a_minute_at_least_and_two_at_most(int seconds, bool believed)
    {
        using TcpPeer peer = new(Always);
        peer.Listen();
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Advance(TimeSpan.FromSeconds(seconds));
        // Another cookie keeps the listener waiting for some: what is judged is the age of this one.
        peer.Port = 9;
        SequenceNumber iss = peer.Iss;
        peer.Send(TcpFlags.Syn, 0);
        peer.Host.Sent();
        peer.Port = TcpPeer.PeerPort;
        Assert.Equal(iss, peer.Iss);
        peer.Send(TcpFlags.Ack, 1, 1);
        if (believed) Accept(peer);
        else Assert.Equal(TcpFlags.Rst, peer.SentOne().Flags);
        Assert.Equal(believed ? 0 : 1, peer.Stack.Counters.SynCookiesRejected);
    }

    [Theory]
    [InlineData(SynCookieUse.OnOverflow)]
    [InlineData(SynCookieUse.Off)]
    public void Where_no_cookie_was_sent_of_late_none_is_looked_for(SynCookieUse use)
    {
        using TcpPeer peer = new(new TcpOptions { SynCookies = use });
        peer.Listen();
        peer.Host.Receive(peer.Build(TcpFlags.Ack, 1, 1));
        Assert.Equal(TcpFlags.Rst, peer.SentOne().Flags);
        Assert.Equal(0, peer.Stack.Counters.SynCookiesRejected);
    }

    [Fact]
    public void After_two_minutes_without_cookies_none_is_looked_for_any_more()
    {
        using TcpPeer peer = new(Always);
        peer.Listen();
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Advance(SynCookies.Lifetime + TimeSpan.FromSeconds(1));
        peer.Send(TcpFlags.Ack, 1, 1);
        Assert.Equal(TcpFlags.Rst, peer.SentOne().Flags);
        Assert.Equal(0, peer.Stack.Counters.SynCookiesRejected);
    }

    [Fact]
    public void What_does_not_fit_is_counted_and_reset()
    {
        using TcpPeer peer = new(Always);
        peer.Listen();
        peer.Timestamp = 1000;
        peer.Send(TcpFlags.Syn, 0, mss: 1000, scale: 2);
        peer.SentOne();
        uint echo = peer.TimestampEcho;
        // A larger number, which would be another segment size beyond the table; the hash of another SYN; another port; other options.
        peer.Send(TcpFlags.Ack, 1, 101);
        peer.Send(TcpFlags.Ack, 2, 1);
        peer.Port++;
        peer.Send(TcpFlags.Ack, 1, 1);
        peer.Port--;
        peer.TimestampEcho = echo ^ 1;
        peer.Send(TcpFlags.Ack, 1, 1);
        peer.Timestamp = null;
        peer.Send(TcpFlags.Ack, 1, 1);
        Assert.Equal(5, peer.Stack.Counters.SynCookiesRejected);
        Assert.Equal(5, peer.Host.Drops(DropReason.NoListener));
        Assert.Equal(1, peer.Stack.SocketCount);
        Assert.Equal(5, peer.Host.Sent().Count);
    }

    [Fact]
    public void A_SYN_ACK_or_a_reset_brings_no_cookie()
    {
        using TcpPeer peer = new(Always);
        peer.Listen();
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Send(TcpFlags.Syn | TcpFlags.Ack, 1, 1);
        Assert.Equal(TcpFlags.Rst, peer.SentOne().Flags);
        peer.Send(TcpFlags.Rst | TcpFlags.Ack, 1, 1);
        peer.SentNothing();
        Assert.Equal((1, 0L), (peer.Stack.SocketCount, peer.Stack.Counters.SynCookiesAccepted));
    }

    [Fact]
    public void A_full_queue_takes_no_cookie_and_leaves_it_good()
    {
        using TcpPeer peer = Flooded();
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        SequenceNumber iss = peer.Iss;
        peer.Port = 8;
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Send(TcpFlags.Ack, 1, 1);
        peer.Port = TcpPeer.PeerPort;
        peer.Host.ReceiveDropped(DropReason.BacklogFull, peer.Build(TcpFlags.Ack, 1, iss - peer.Iss + 1));
        peer.SentNothing();
        Accept(peer);
        peer.Host.Receive(peer.Build(TcpFlags.Ack, 1, iss - peer.Iss + 1, [5]));
        Accept(peer);
    }

    [Fact]
    public void A_full_table_takes_no_cookie_and_leaves_it_good()
    {
        using TcpPeer peer = new(Always, stackOptions: options => new StackOptions { Pool = options.Pool, Entropy = options.Entropy, Tcp = options.Tcp, MaxSockets = 2 });
        peer.Listen();
        Assert.Equal(OpStatus.Ok, peer.Stack.Listen(new IpEndpoint(IpAddress.AnyV6, 81), 1, out SocketId other));
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Host.ReceiveDropped(DropReason.TableFull, peer.Build(TcpFlags.Ack, 1, 1));
        peer.SentNothing();
        peer.Stack.Release(other, peer.Now);
        peer.Send(TcpFlags.Ack, 1, 1);
        Accept(peer);
    }

    [Fact]
    public void A_repeated_SYN_gets_the_same_answer_and_others_have_nothing_in_common_with_it()
    {
        using TcpPeer peer = new(Always);
        peer.Listen();
        HashSet<uint> upper = [], lower = [], all = [];
        for (int i = 0; i < 256; i++)
        {
            peer.Port = (ushort)(10_000 + i);
            peer.Send(TcpFlags.Syn, 0, mss: 1460);
            SequenceNumber first = peer.SentOne().Header.Sequence;
            peer.Send(TcpFlags.Syn, 0, mss: 1460);
            Assert.Equal(first, peer.SentOne().Header.Sequence);
            all.Add(first.Value);
            upper.Add(first.Value >> 24);
            lower.Add(first.Value & 0xFF);
        }
        Assert.Equal(256, all.Count);
        Assert.InRange(upper.Count, 128, 200);
        Assert.InRange(lower.Count, 128, 200);
    }

    [Fact]
    public void The_stamp_of_the_answer_is_never_ahead_of_those_that_follow()
    {
        using TcpPeer peer = new(Always);
        peer.Listen();
        for (int i = 0; i < 100; i++)
        {
            peer.Port = (ushort)(10_000 + i);
            peer.Timestamp = 1;
            peer.Send(TcpFlags.Syn, 0, mss: 1460, scale: i % 15, sackPermitted: i % 2 == 0);
            uint stamp = peer.SentOne().Header.TimestampValue;
            peer.Send(TcpFlags.Ack, 1, 1, [1]);
            peer.Send(TcpFlags.Ack, 2, 1, [1]);
            Assert.InRange((int)(peer.Sent()[^1].Header.TimestampValue - stamp), 0, 64);
            Accept(peer);
            peer.AdvanceMs(7);
        }
    }

    [Fact]
    public void A_SYN_that_takes_over_TIME_WAIT_is_remembered()
    {
        using TcpPeer peer = new(Always);
        peer.EstablishPassive();
        peer.Stack.CloseWrite(peer.Id, peer.Now);
        peer.SentOne();
        peer.Send(TcpFlags.Ack | TcpFlags.Fin, 1, 2);
        peer.SentOne();
        peer.Stack.Release(peer.Id, peer.Now);
        long sent = peer.Stack.Counters.SynCookiesSent;
        SequenceNumber end = peer.Iss + 2;
        peer.Send(TcpFlags.Syn, 100_000);
        SequenceNumber next = peer.SentOne().Header.Sequence;
        Assert.True(next > end);
        Assert.Equal((sent, 2), (peer.Stack.Counters.SynCookiesSent, peer.Stack.SocketCount));
    }

    [Fact]
    public void IPv6_has_cookies_too()
    {
        using TcpPeer peer = new(Always, v6: true);
        peer.EstablishPassive(mss: 1440);
        Assert.Equal((1440, 1L), (peer.Info.SendMss, peer.Stack.Counters.SynCookiesAccepted));
    }

    [Fact]
    public void D1_a_flood_takes_no_memory_and_an_honest_client_connects_at_the_first_try()
    {
        using TcpPeer peer = new();
        peer.Listen(backlog: 16);
        void Flood(int count)
        {
            for (int i = 0; i < count; i++)
            {
                peer.Port = (ushort)(1024 + i % 30_000);
                peer.Peer = IpAddress.FromV4(0x0A00_0300 + (uint)(i / 30_000));
                peer.Host.Receive(peer.Build(TcpFlags.Syn, 0));
            }
            peer.Host.Sent();
        }
        Flood(20_000);
        peer.Peer = TestStack.PeerV4;
        peer.Port = TcpPeer.PeerPort;
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        Flood(20_000);
        peer.Peer = TestStack.PeerV4;
        peer.Port = TcpPeer.PeerPort;
        peer.Send(TcpFlags.Ack, 1, 1);
        Accept(peer);
        Assert.Equal((18, 0L), (peer.Stack.SocketCount, peer.Stack.MemoryInUse));
        Assert.Equal(1, peer.Stack.Counters.SynCookiesAccepted);
    }
}
