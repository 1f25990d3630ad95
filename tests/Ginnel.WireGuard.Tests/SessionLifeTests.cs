using System.Net;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>Handshakes, sessions and timers of the paper's section 6, in virtual time.</summary>
public sealed class SessionLifeTests : IAsyncDisposable
{
    private readonly TestInternet _internet = new();
    private readonly TunnelEnd _a;
    private readonly TunnelEnd _b;

    public SessionLifeTests()
    {
        _a = new TunnelEnd(_internet, "192.0.2.1:51820", "10.0.0.1", 1);
        _b = new TunnelEnd(_internet, "192.0.2.2:51820", "10.0.0.2", 2);
    }

    public async ValueTask DisposeAsync()
    {
        await _a.DisposeAsync();
        await _b.DisposeAsync();
    }

    [Fact]
    public void A_packet_brings_a_session_about_and_comes_out_at_the_other_end()
    {
        Introduce();
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        Assert.Equal(["hello"], _b.TakeTexts());
        _b.Send(_a.Inside, "hello yourself");
        _internet.Pump();
        Assert.Equal(["hello yourself"], _a.TakeTexts());
        Assert.Equal([MessageType.Initiation, MessageType.Response, MessageType.Transport, MessageType.Transport], Kinds());
        Assert.NotNull(_a.Peer.LastHandshake);
        Assert.True(_b.Peer.IsHealthy);
    }

    [Fact]
    public void Packets_that_wait_for_the_session_go_in_order_and_only_so_many_wait()
    {
        Introduce();
        for (int i = 0; i < Peer.MaxStaged + 20; i++) _a.Send(_b.Inside, $"{i}");
        _internet.Pump();
        Assert.Equal([.. Enumerable.Range(20, Peer.MaxStaged).Select(i => $"{i}")], _b.TakeTexts());
        Assert.Equal(20, _a.Link.Counters.StagedOverflow);
    }

    [Fact]
    public void What_comes_out_when_there_is_no_buffer_is_counted_and_its_peer_was_heard()
    {
        Introduce();
        _b.IsShortOfBuffers = true;
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        Assert.Equal(1, _b.Link.Counters.NoBuffer);
        Assert.NotNull(_b.Peer.LastHandshake);
        _b.IsShortOfBuffers = false;
        _a.Send(_b.Inside, "again");
        _internet.Pump();
        Assert.Equal(["again"], _b.TakeTexts());
    }

    [Fact]
    public void F9_with_a_preshared_key_on_one_side_only_nothing_is_said()
    {
        _a.Know(_b, presharedKey: [.. Enumerable.Repeat((byte)7, 32)]);
        _b.Know(_a, knowsWhere: false);
        _a.Send(_b.Inside, "hello");
        _internet.Pass(TimeSpan.FromSeconds(20));
        Assert.Empty(_b.TakeTexts());
        Assert.Null(_a.Peer.LastHandshake);
        Assert.True(_a.Link.Counters.BadHandshake > 0);
    }

    [Fact]
    public void With_the_same_preshared_key_on_both_sides_it_works()
    {
        byte[] key = [.. Enumerable.Repeat((byte)7, 32)];
        _a.Know(_b, presharedKey: key);
        _b.Know(_a, knowsWhere: false, presharedKey: key);
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        Assert.Equal(["hello"], _b.TakeTexts());
    }

    [Fact]
    public void F4_the_initiator_renews_after_two_minutes_while_there_is_traffic_and_nothing_is_lost()
    {
        Introduce();
        List<string> sent = [];
        for (int second = 0; second < 500; second++)
        {
            sent.Add($"{second}");
            _a.Send(_b.Inside, sent[^1]);
            _internet.Pass(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(sent, _b.TakeTexts());
        int initiations = Kinds().Count(kind => kind == MessageType.Initiation);
        Assert.InRange(initiations, 4, 5);
        // The responder receives only, and never begins.
        Assert.DoesNotContain(_internet.Sent, datagram => datagram.From.Equals(_b.Carrier.Endpoint) && datagram.Bytes[0] == (byte)MessageType.Initiation);
    }

    [Fact]
    public void F4_a_session_of_three_minutes_is_not_used_and_after_nine_its_keys_are_wiped()
    {
        Introduce();
        _a.Send(_b.Inside, "first");
        _internet.Pump();
        _b.TakeTexts();
        byte[] kept = _internet.Sent.Last(datagram => datagram.Bytes[0] == (byte)MessageType.Transport).Bytes;
        _internet.Pass(TimeSpan.FromSeconds(181));
        int before = Kinds().Length;
        _a.Send(_b.Inside, "second");
        _internet.Pump();
        Assert.Equal(MessageType.Initiation, Kinds()[before]);
        Assert.Equal(["second"], _b.TakeTexts());
        _internet.Pass(TimeSpan.FromSeconds(545));
        _b.Carrier.Receive(_a.Carrier.Endpoint, kept);
        Assert.Equal(1, _b.Link.Counters.UnknownSession);
    }

    [Fact]
    public void An_initiation_without_an_answer_is_repeated_every_five_seconds_and_given_up_after_ninety()
    {
        Introduce();
        _internet.Filter = (_, _, _) => false;
        _a.Send(_b.Inside, "lost");
        _internet.Pass(TimeSpan.FromSeconds(300));
        Assert.Equal(1 + Timing.MaxAttempts, Kinds().Length);
        Assert.Equal(1, _a.Link.Counters.GivenUp);
        Assert.All(Kinds(), kind => Assert.Equal(MessageType.Initiation, kind));
        // Each is a new one: a responder that saw the first must take the second.
        Assert.Equal(Kinds().Length, _internet.Sent.Select(datagram => Convert.ToHexString(datagram.Bytes)).Distinct().Count());
        _internet.Filter = null;
        _a.Send(_b.Inside, "again");
        _internet.Pump();
        Assert.Equal(["again"], _b.TakeTexts());
    }

    [Fact]
    public void Who_has_only_received_says_after_ten_seconds_that_it_is_there()
    {
        Introduce();
        _a.Send(_b.Inside, "question");
        _internet.Pump();
        int before = _internet.Sent.Count;
        _internet.Pass(TimeSpan.FromSeconds(9.5));
        Assert.Equal(before, _internet.Sent.Count);
        _internet.Pass(TimeSpan.FromSeconds(1));
        (CarrierEndpoint from, _, byte[] bytes) = Assert.Single(_internet.Sent.Skip(before));
        Assert.Equal((_b.Carrier.Endpoint, Messages.TransportOverhead), (from, bytes.Length));
        // A keepalive calls for no keepalive.
        _internet.Pass(TimeSpan.FromSeconds(60));
        Assert.Equal(before + 1, _internet.Sent.Count);
    }

    [Fact]
    public void Who_hears_nothing_for_fifteen_seconds_after_sending_begins_anew()
    {
        Introduce();
        _a.Send(_b.Inside, "first");
        _internet.Pump();
        _internet.Filter = (_, _, _) => false;
        _a.Send(_b.Inside, "into the void");
        int before = Kinds().Length;
        _internet.Pass(TimeSpan.FromSeconds(14.5));
        Assert.DoesNotContain(MessageType.Initiation, Kinds()[before..].Where((_, index) => _internet.Sent[before + index].From.Equals(_a.Carrier.Endpoint)));
        _internet.Pass(TimeSpan.FromSeconds(2));
        Assert.Contains(MessageType.Initiation, Kinds()[before..]);
    }

    [Fact]
    public void A_persistent_keepalive_goes_at_once_and_at_its_interval()
    {
        _a.Know(_b, keepalive: TimeSpan.FromSeconds(20));
        _b.Know(_a, knowsWhere: false);
        _internet.Pass(TimeSpan.FromSeconds(1));
        Assert.NotNull(_b.Peer.LastHandshake);
        int before = _internet.Sent.Count;
        _internet.Pass(TimeSpan.FromSeconds(100));
        Assert.InRange(_internet.Sent.Count - before, 5, 6);
    }

    [Fact]
    public void A_peer_that_lost_its_keys_is_reached_again()
    {
        Introduce();
        _a.Send(_b.Inside, "first");
        _internet.Pump();
        _b.TakeTexts();
        Assert.True(_b.Link.RemovePeer(_a.PublicKey));
        _b.Know(_a, knowsWhere: false);
        for (int second = 0; second < 25; second++)
        {
            _a.Send(_b.Inside, $"{second}");
            _internet.Pass(TimeSpan.FromSeconds(1));
        }
        Assert.Contains("24", _b.TakeTexts());
    }

    [Fact]
    public void Both_may_begin_at_the_same_time()
    {
        _a.Know(_b);
        _b.Know(_a);
        for (int round = 0; round < 3; round++)
        {
            _a.Send(_b.Inside, $"a{round}");
            _b.Send(_a.Inside, $"b{round}");
            _internet.Pass(TimeSpan.FromSeconds(10));
        }
        Assert.Equal(["a0", "a1", "a2"], _b.TakeTexts());
        Assert.Equal(["b0", "b1", "b2"], _a.TakeTexts());
    }

    [Fact]
    public void A_bad_network_loses_packets_and_nothing_else()
    {
        Introduce();
        Random random = new(3);
        _internet.Filter = (_, _, _) => random.Next(10) > 2;
        int arrived = 0;
        for (int second = 0; second < 1_000; second++)
        {
            _a.Send(_b.Inside, $"{second}");
            _b.Send(_a.Inside, $"{second}");
            _internet.Pass(TimeSpan.FromSeconds(1));
            arrived += _b.TakeTexts().Length;
        }
        Assert.InRange(arrived, 600, 800);
        Assert.Equal(0, _a.Link.Counters.BadTransport);
    }

    private void Introduce()
    {
        _a.Know(_b);
        _b.Know(_a, knowsWhere: false);
    }

    private MessageType[] Kinds() => [.. _internet.Sent.Select(datagram => (MessageType)datagram.Bytes[0])];
}
