using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class RetransmissionTests
{
    [Fact]
    public void The_timer_doubles_and_gives_up_after_R2()
    {
        using TcpPeer peer = new(new TcpOptions { GiveUpAfter = TimeSpan.FromSeconds(20) });
        peer.EstablishPassive();
        peer.Write(100);
        Assert.Equal(100, peer.SentOne().Length);
        // The handshake took no time at all, so the floor of 200 ms rules.
        foreach (int wait in new[] { 200, 400, 800, 1600, 3200, 6400 })
        {
            peer.AdvanceMs(wait - 1);
            peer.SentNothing();
            peer.AdvanceMs(1);
            Segment again = peer.SentOne();
            Assert.Equal((1, 100), (again.Sequence, again.Length));
        }
        peer.AdvanceMs(12_800);
        Assert.Equal(TcpFlags.Rst | TcpFlags.Ack, peer.SentOne().Flags);
        Assert.Equal(NetworkFailure.TimedOut, peer.Stack.FailureOf(peer.Id));
        Assert.True(peer.Events().HasFlag(SocketEvents.Failed));
        Assert.Equal(6, peer.Stack.Counters.RetransmitTimeouts);
    }

    [Fact]
    public void RFC6298_the_timeout_follows_the_round_trip()
    {
        using TcpPeer peer = new();
        peer.Listen();
        peer.Send(TcpFlags.Syn, 0, mss: 1000);
        peer.SentOne();
        peer.AdvanceMs(100);
        peer.Send(TcpFlags.Ack, 1, 1);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
        peer.Stack.TryGetInfo(id, out TcpInfo info);
        // RFC 6298 section 2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4·RTTVAR.
        Assert.Equal((100, 50, 300), (info.SmoothedRoundTrip.TotalMilliseconds, info.RoundTripVariation.TotalMilliseconds, info.RetransmitTimeout.TotalMilliseconds));
    }

    [Fact]
    public void RFC6298_samples_are_smoothed()
    {
        RttEstimator rtt = new(new TcpOptions());
        TcpOptions options = new();
        Assert.Equal(1000, rtt.Timeout(options).TotalMilliseconds);
        rtt.Sample(TimeSpan.FromMilliseconds(80), options);
        rtt.Sample(TimeSpan.FromMilliseconds(120), options);
        // RTTVAR = 3/4·40 + 1/4·|80−120| = 40, SRTT = 7/8·80 + 1/8·120 = 85.
        Assert.Equal((85, 40, 245), (rtt.Smoothed.TotalMilliseconds, rtt.Variation.TotalMilliseconds, rtt.Timeout(options).TotalMilliseconds));
        rtt.BackOff();
        Assert.Equal(490, rtt.Timeout(options).TotalMilliseconds);
        for (int i = 0; i < 100; i++) rtt.BackOff();
        Assert.Equal(60_000, rtt.Timeout(options).TotalMilliseconds);
        rtt.Sample(TimeSpan.FromMilliseconds(85), options);
        Assert.InRange(rtt.Timeout(options).TotalMilliseconds, 200, 245);
    }

    [Fact]
    public void Karn_an_acknowledgment_of_a_retransmission_is_no_sample()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        TimeSpan before = peer.Info.SmoothedRoundTrip;
        peer.Write(100);
        peer.SentOne();
        peer.AdvanceMs(200);
        peer.SentOne();
        peer.AdvanceMs(150);
        peer.Ack(1, 101);
        Assert.Equal(before, peer.Info.SmoothedRoundTrip);
        // And the doubled timeout stays until a fresh segment was measured.
        Assert.Equal(400, peer.Info.RetransmitTimeout.TotalMilliseconds);
        peer.Write(100);
        peer.SentOne();
        peer.AdvanceMs(10);
        peer.Ack(1, 201);
        Assert.Equal(200, peer.Info.RetransmitTimeout.TotalMilliseconds);
    }

    [Fact]
    public void With_timestamps_a_retransmission_is_a_sample()
    {
        using TcpPeer peer = new() { Timestamp = 1000 };
        peer.EstablishPassive();
        peer.Write(100);
        peer.SentOne();
        peer.AdvanceMs(200);
        peer.SentOne();
        peer.AdvanceMs(150);
        peer.Ack(1, 101);
        Assert.InRange(peer.Info.SmoothedRoundTrip.TotalMilliseconds, 15, 20);
    }

    [Fact]
    public void Ten_segments_begin_and_the_window_doubles()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(100_000);
        List<Segment> sent = peer.Sent();
        Assert.Equal(10, sent.Count);
        Assert.All(sent, segment => Assert.Equal(1000, segment.Length));
        peer.Ack(1, 10_001);
        Assert.Equal(20, peer.Sent().Count);
    }

    [Fact]
    public void C13_acknowledging_in_small_parts_gains_nothing()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(100_000);
        peer.Sent();
        for (int part = 101; part <= 10_001; part += 100) peer.Ack(1, part);
        Assert.Equal(20_000, peer.Info.CongestionWindow);
    }

    [Fact]
    public void C13_an_acknowledgment_of_what_was_never_sent_is_challenged()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(1000);
        peer.SentOne();
        peer.Ack(1, 50_000);
        Segment challenge = peer.SentOne();
        Assert.Equal((TcpFlags.Ack, 1001, 1, 0), (challenge.Flags, challenge.Sequence, challenge.Acknowledgment, challenge.Length));
        Assert.Equal(1000, peer.Info.BytesInFlight);
        Assert.Equal(1, peer.Host.Drops(DropReason.BadAcknowledgment));
    }

    [Theory]
    [InlineData(CongestionControlKind.NewReno, 5_000)]
    [InlineData(CongestionControlKind.Cubic, 7_000)]
    public void Three_duplicates_retransmit_at_once_without_SACK(CongestionControlKind kind, int threshold)
    {
        using TcpPeer peer = new(new TcpOptions { CongestionControl = kind });
        peer.EstablishPassive();
        peer.Write(12_000);
        Assert.Equal(10, peer.Sent().Count);
        peer.Ack(1, 1);
        // RFC 3042: the first two duplicates let a new segment each through.
        Assert.Equal(10_001, peer.SentOne().Sequence);
        peer.Ack(1, 1);
        Assert.Equal(11_001, peer.SentOne().Sequence);
        peer.Ack(1, 1);
        Segment again = peer.SentOne();
        Assert.Equal((1, 1000), (again.Sequence, again.Length));
        Assert.InRange(peer.Info.SlowStartThreshold, threshold, threshold * 12 / 10);
        // What had arrived behind the two holes.
        for (int i = 0; i < 7; i++) peer.Ack(1, 1);
        // RFC 6582: a partial acknowledgment shows the next hole, which goes at once.
        peer.Ack(1, 4001);
        Assert.Equal(4001, peer.Sent()[0].Sequence);
        peer.Ack(1, 12_001);
        Assert.Equal(0, peer.Info.BytesInFlight);
        Assert.Equal(0, peer.Stack.Counters.RetransmitTimeouts);
        Assert.Equal(2, peer.Info.Retransmissions);
    }

    [Fact]
    public void A_window_update_is_no_duplicate()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(10_000);
        peer.Sent();
        for (int i = 0; i < 5; i++) peer.Ack(1, 1, window: 60_000 + i);
        peer.SentNothing();
        for (int i = 0; i < 5; i++) peer.Send(TcpFlags.Ack, 1 + i, 1, [1], window: 60_004);
        Assert.All(peer.Sent(), segment => Assert.Equal(0, segment.Length));
    }

    [Fact]
    public void RFC8985_holes_are_filled_and_nothing_else()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true, roundTripMs: 100);
        peer.Write(10_000);
        Assert.Equal(10, peer.Sent().Count);
        peer.AdvanceMs(100);
        // Segments 1, 3 and 5 are lost (octets 1–1000, 2001–3000, 4001–5000).
        peer.Ack(1, 1, sack: (1001, 2001));
        peer.Ack(1, 1, sack: [(3001, 4001), (1001, 2001)]);
        peer.SentNothing();
        peer.Ack(1, 1, sack: [(5001, 10_001), (3001, 4001), (1001, 2001)]);
        List<Segment> again = peer.Sent();
        Assert.Equal([1, 2001, 4001], again.Select(segment => segment.Sequence));
        Assert.All(again, segment => Assert.Equal(1000, segment.Length));
        peer.Ack(1, 10_001);
        peer.SentNothing();
        Assert.Equal((0, 3), (peer.Info.BytesInFlight, (int)peer.Info.Retransmissions));
    }

    [Fact]
    public void RFC9937_the_window_comes_down_in_proportion()
    {
        using TcpPeer peer = new(new TcpOptions { CongestionControl = CongestionControlKind.NewReno });
        peer.EstablishPassive(sack: true, roundTripMs: 100);
        peer.Write(40_000);
        Assert.Equal(10, peer.Sent().Count);
        peer.AdvanceMs(100);
        // One lost, then one SACK at a time: the first two let a new segment each through (RFC 3042).
        peer.Ack(1, 1, sack: (1001, 2001));
        Assert.Equal(10_001, peer.SentOne().Sequence);
        peer.Ack(1, 1, sack: (1001, 3001));
        Assert.Equal(11_001, peer.SentOne().Sequence);
        peer.Ack(1, 1, sack: (1001, 4001));
        Assert.Equal(1, peer.SentOne().Sequence);
        // ssthresh is half of 10: what limited transmit sent must not count (RFC 6675 section 5, step 4.2; RFC 5681 section 3.2).
        Assert.Equal(5000, peer.Info.SlowStartThreshold);
        // From ten to five: one goes out for two that arrive, and at five one for one.
        List<int> sent = [];
        for (int right = 5001; right <= 10_001; right += 1000)
        {
            peer.Ack(1, 1, sack: (1001, right));
            sent.Add(peer.Sent().Count);
        }
        Assert.Equal([0, 0, 1, 0, 0, 1], sent);
        peer.AdvanceMs(100);
        peer.Ack(1, 14_001);
        Assert.Equal(5000, peer.Info.CongestionWindow);
    }

    [Fact]
    public void RFC8985_a_lost_tail_is_seen_when_the_retransmission_arrives()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true, roundTripMs: 100);
        peer.Write(10_000);
        peer.Sent();
        peer.AdvanceMs(100);
        // The first and the last two are lost.
        peer.Ack(1, 1, sack: (1001, 8001));
        Assert.Equal(1, peer.SentOne().Sequence);
        peer.AdvanceMs(100);
        peer.Ack(1, 8001);
        Assert.Equal([8001, 9001], peer.Sent().Select(segment => segment.Sequence));
        peer.Ack(1, 10_001);
        Assert.Equal(0, peer.Stack.Counters.RetransmitTimeouts);
    }

    [Fact]
    public void After_a_timeout_SACKed_octets_are_not_sent_again()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true, roundTripMs: 100);
        peer.Write(5000);
        Assert.Equal(5, peer.Sent().Count);
        peer.AdvanceMs(100);
        peer.Ack(1, 1, sack: (2001, 3001));
        peer.AdvanceMs(25);
        Assert.Equal(1, peer.SentOne().Sequence);
        // And silence: the timer.
        peer.AdvanceMs(300);
        Assert.Equal(1, peer.SentOne().Sequence);
        Assert.Equal((1000, 1L), (peer.Info.CongestionWindow, peer.Stack.Counters.RetransmitTimeouts));
        peer.Ack(1, 1001, sack: (2001, 3001));
        Assert.Equal([1001, 3001], peer.Sent().Select(segment => segment.Sequence));
        peer.Ack(1, 4001);
        Assert.Equal(4001, peer.SentOne().Sequence);
        peer.Ack(1, 5001);
        Assert.Equal(5, peer.Info.Retransmissions);
    }

    [Fact]
    public void RFC2018_a_peer_that_reneges_gets_everything_again()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true);
        peer.Write(3000);
        peer.Sent();
        peer.Ack(1, 1, sack: (1001, 3001));
        peer.AdvanceMs(200);
        Assert.Equal(1, peer.Sent()[0].Sequence);
        peer.Ack(1, 1001); // and of the rest it knows nothing any more
        peer.AdvanceMs(400);
        Assert.Equal(1001, peer.Sent()[0].Sequence);
        peer.Ack(1, 2001);
        Assert.Equal(2001, peer.SentOne().Sequence);
    }

    [Fact]
    public void C10_SACK_lies_are_ignored()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true);
        peer.Write(10_000);
        peer.Sent();
        peer.Ack(1, 1, sack: [(20_000, 30_000), (5001, 4001), (-5000, -4000)]);
        peer.Ack(1, 1, sack: (0, 100_000));
        peer.SentNothing();
        // One octet each, far apart: no more ranges than the limit, no failure.
        for (int i = 2; i < 9000; i += 3) peer.Ack(1, 1, sack: (i, i + 1));
        peer.Sent();
        peer.Ack(1, 10_001);
        Assert.Equal(0, peer.Info.BytesInFlight);
    }

    [Fact]
    public void A_pause_brings_back_the_initial_window()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(30_000);
        peer.Sent();
        peer.Ack(1, 10_001);
        peer.Sent();
        peer.Ack(1, 30_001);
        Assert.Equal(40_000, peer.Info.CongestionWindow);
        peer.Advance(TimeSpan.FromSeconds(5));
        peer.Write(30_000);
        Assert.Equal(10, peer.Sent().Count);
    }

    [Fact]
    public void While_the_link_is_down_nothing_counts()
    {
        using TcpPeer peer = new(new TcpOptions { GiveUpAfter = TimeSpan.FromSeconds(10) });
        peer.EstablishPassive();
        peer.Write(1000);
        peer.SentOne();
        peer.AdvanceMs(200);
        peer.SentOne();
        peer.Stack.SetLink(peer.Host.Interface, peer.Host.Link, up: false, peer.Now);
        peer.Advance(TimeSpan.FromHours(1));
        Assert.Equal(TcpState.Established, peer.State);
        peer.SentNothing();
        peer.Stack.SetLink(peer.Host.Interface, peer.Host.Link, up: true, peer.Now);
        Assert.Contains(peer.Sent(), segment => segment.Sequence == 1 && segment.Length == 1000);
        peer.Ack(1, 1001);
        Assert.Equal(0, peer.Info.BytesInFlight);
    }

    [Theory]
    [InlineData(LinkOffloads.All, 1)]
    [InlineData(LinkOffloads.None, 10)]
    public void Super_segments_never_exceed_the_congestion_window(LinkOffloads offloads, int packets)
    {
        using TcpPeer peer = new(offloads: offloads);
        peer.EstablishPassive(mss: 1460);
        peer.Write(200_000);
        List<Segment> sent = peer.Sent();
        Assert.Equal((packets, 14_600), (sent.Count, sent.Sum(segment => segment.Length)));
        if (packets > 1) return;
        Assert.Equal((SegmentationKind.TcpV4, 1460), (sent[0].Segmentation.Kind, sent[0].Segmentation.SegmentSize));
        peer.Ack(1, 14_601);
        Assert.Equal(29_200, peer.Sent().Sum(segment => segment.Length));
    }

    [Fact]
    public void An_acknowledgment_at_the_moment_of_the_timeout_does_not_stop_later_timeouts()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(1000);
        peer.SentOne();
        peer.AdvanceMs(200);
        peer.Ack(1, 1001);
        peer.SentNothing();
        peer.Write(1000);
        Assert.Equal(1001, peer.SentOne().Sequence);
        peer.AdvanceMs(400);
        Assert.Equal(1001, peer.SentOne().Sequence);
        peer.AdvanceMs(800);
        Assert.Equal(1001, peer.SentOne().Sequence);
    }

    [Fact]
    public void RFC8985_a_lost_retransmission_is_found_without_the_timer()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true, roundTripMs: 100);
        peer.Write(60_000);
        Assert.Equal(10, peer.Sent().Count);
        peer.AdvanceMs(100);
        peer.Ack(1, 1, sack: (1001, 10_001));
        List<Segment> sent = peer.Sent();
        Assert.Equal(1, sent[0].Sequence);
        Assert.True(sent.Max(segment => segment.Sequence) > 12_001);
        int threshold = peer.Info.SlowStartThreshold;
        peer.AdvanceMs(100);
        // What was sent with the retransmission arrives, the retransmission itself does not.
        peer.Ack(1, 1, sack: (1001, 12_001));
        Assert.Equal(1, peer.Sent()[0].Sequence);
        Assert.Equal(0, peer.Stack.Counters.RetransmitTimeouts);
        // RFC 5681 section 4.3: the loss of a retransmission is a second sign of congestion.
        Assert.InRange(peer.Info.SlowStartThreshold, threshold / 2, threshold - 1);
    }

    [Fact]
    public void RFC4015_a_timeout_that_was_too_early_is_undone()
    {
        using TcpPeer peer = new() { Timestamp = 1000 };
        peer.EstablishPassive(sack: false);
        peer.Write(20_000);
        peer.Sent();
        uint original = peer.TimestampEcho;
        (int window, int threshold) = (peer.Info.CongestionWindow, peer.Info.SlowStartThreshold);
        peer.AdvanceMs(200);
        Assert.Equal(1, peer.SentOne().Sequence);
        Assert.Equal(988, peer.Info.CongestionWindow);
        peer.AdvanceMs(5);
        peer.TimestampEcho = original;
        peer.Ack(1, 5 * 988 + 1);
        Assert.Equal((true, threshold), (peer.Info.CongestionWindow >= window, peer.Info.SlowStartThreshold));
        Assert.DoesNotContain(peer.Sent(), segment => segment.Sequence < 9881);
    }

    [Fact]
    public void RFC4015_a_timeout_that_was_right_is_not_undone()
    {
        using TcpPeer peer = new() { Timestamp = 1000 };
        peer.EstablishPassive(sack: false);
        peer.Write(20_000);
        peer.Sent();
        peer.AdvanceMs(200);
        peer.SentOne();
        peer.AdvanceMs(5);
        peer.Ack(1, 989);
        // RFC 5682: two new segments first; but what was in flight does not arrive, only they do.
        Assert.Equal([9881, 10_869], peer.Sent().Select(segment => segment.Sequence));
        peer.Ack(1, 989);
        Assert.Equal(989, peer.Sent()[0].Sequence);
        Assert.InRange(peer.Info.CongestionWindow, 988, 3000);
    }

    [Fact]
    public void A_lost_acknowledgment_does_not_stretch_the_round_trip()
    {
        using TcpPeer peer = new() { Timestamp = 1000 };
        peer.EstablishPassive();
        peer.Write(100);
        peer.SentOne();
        uint original = peer.TimestampEcho;
        TimeSpan before = peer.Info.SmoothedRoundTrip;
        peer.AdvanceMs(200);
        peer.SentOne();
        // The peer has had it since the first time; its acknowledgment was lost, and it echoes what it echoed then.
        peer.TimestampEcho = original;
        peer.AdvanceMs(5);
        peer.Ack(1, 101);
        Assert.Equal(before, peer.Info.SmoothedRoundTrip);
    }

    [Fact]
    public void A_connection_begun_while_the_link_is_down_waits_for_it()
    {
        using TcpPeer peer = new(new TcpOptions { ConnectTimeout = TimeSpan.FromSeconds(10) });
        peer.Stack.SetLink(peer.Host.Interface, peer.Host.Link, up: false, peer.Now);
        IpEndpoint any = new(IpAddress.AnyV4, 0);
        Assert.Equal(OpStatus.Ok, peer.Stack.Connect(any, new IpEndpoint(TestStack.PeerV4, 9), peer.Now, out SocketId id));
        peer.Advance(TimeSpan.FromHours(1));
        Assert.Equal(NetworkFailure.None, peer.Stack.FailureOf(id));
        peer.Stack.SetLink(peer.Host.Interface, peer.Host.Link, up: true, peer.Now);
        Assert.Contains(peer.Sent(), segment => segment.Flags == TcpFlags.Syn);
        for (int i = 0; i < 11; i++) { peer.AdvanceMs(1000); peer.Sent(); }
        Assert.Equal(NetworkFailure.TimedOut, peer.Stack.FailureOf(id));
    }
}
