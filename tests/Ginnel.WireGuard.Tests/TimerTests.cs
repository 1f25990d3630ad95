using System.Net;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>When timers run, and when they do not: the cases that follow from two events in an unusual order.</summary>
public sealed class TimerTests : IAsyncDisposable
{
    private readonly TestInternet _internet = new();
    private readonly TunnelEnd _a;
    private readonly TunnelEnd _b;

    public TimerTests()
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
    public void A_message_of_the_session_before_that_was_held_up_renews_nothing()
    {
        Introduce();
        _a.Send(_b.Inside, "first");
        _internet.Pump();
        // B's answer by the first session is held up by the network until that session is nearly over.
        _internet.Filter = (_, _, _) => false;
        _b.Send(_a.Inside, "late");
        byte[] late = _internet.Sent[^1].Bytes;
        _internet.Pump();
        _internet.Filter = null;
        _b.Send(_a.Inside, "in time");
        _internet.Pump();
        Assert.Equal(["in time"], _a.TakeTexts());
        for (int second = 0; second < 170; second++)
        {
            if (second is 60 or 121) _a.Send(_b.Inside, "traffic");
            _internet.Pass(TimeSpan.FromSeconds(1));
        }
        Assert.Equal(2, Count(_a, MessageType.Initiation));
        _a.Carrier.Receive(_b.Carrier.Endpoint, late);
        Assert.Equal(["late"], _a.TakeTexts());
        Assert.Equal(2, Count(_a, MessageType.Initiation));
    }

    [Fact]
    public void Who_has_just_answered_an_initiation_does_not_begin_one_itself()
    {
        _a.Know(_b);
        _b.Know(_a);
        // A's confirmation is on its way for a second.
        _internet.Filter = (_, _, bytes) => bytes[0] != (byte)MessageType.Transport;
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        _b.Send(_a.Inside, "waits for the confirmation");
        _internet.Pump();
        Assert.Equal(0, Count(_b, MessageType.Initiation));
        // Nor does it send by a session of which it does not know that the other end has it.
        Assert.Equal(0, Count(_b, MessageType.Transport));
        _internet.Filter = null;
        _a.Send(_b.Inside, "confirmed");
        _internet.Pump();
        Assert.Equal(["waits for the confirmation"], _a.TakeTexts());
    }

    [Fact]
    public void Two_that_began_at_the_same_time_do_not_both_renew_for_ever()
    {
        _a.Know(_b);
        _b.Know(_a);
        for (int second = 0; second < 600; second++)
        {
            _a.Send(_b.Inside, "a");
            _b.Send(_a.Inside, "b");
            _internet.Pass(TimeSpan.FromSeconds(1));
        }
        // Two at first, then one every two minutes.
        Assert.InRange(Count(_a, MessageType.Initiation) + Count(_b, MessageType.Initiation), 6, 7);
        Assert.Equal((600, 600), (_a.TakeTexts().Length, _b.TakeTexts().Length));
    }

    [Fact]
    public void If_the_confirmation_never_comes_who_waits_for_it_begins_after_five_seconds()
    {
        _a.Know(_b);
        _b.Know(_a);
        _internet.Filter = (_, _, bytes) => bytes[0] != (byte)MessageType.Transport;
        _a.Send(_b.Inside, "hello");
        _internet.Pump();
        _internet.Filter = (from, _, _) => !from.Equals(_a.Carrier.Endpoint);
        _b.Send(_a.Inside, "waits");
        _internet.Pass(TimeSpan.FromSeconds(4.5));
        Assert.Equal(0, Count(_b, MessageType.Initiation));
        _internet.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal(1, Count(_b, MessageType.Initiation));
        _internet.Filter = null;
        _internet.Pass(TimeSpan.FromSeconds(6));
        Assert.Equal(["waits"], _a.TakeTexts());
    }

    [Fact]
    public void A_persistent_keepalive_goes_on_whatever_fails_for_however_long()
    {
        // For five minutes the name means nothing; then it does.
        _a.Know(_b, keepalive: TimeSpan.FromSeconds(25), name: "b.example");
        _b.Know(_a, knowsWhere: false);
        _internet.Pass(TimeSpan.FromMinutes(5));
        Assert.Null(_b.Peer.LastHandshake);
        _internet.Names.Answers["b.example"] = [IPAddress.Parse("192.0.2.2")];
        _internet.Pass(TimeSpan.FromSeconds(31));
        Assert.NotNull(_b.Peer.LastHandshake);
        // And the peer is gone for an hour.
        _internet.Filter = (_, _, _) => false;
        _internet.Pass(TimeSpan.FromHours(1));
        _internet.Filter = null;
        _internet.Pass(TimeSpan.FromSeconds(31));
        Assert.InRange(_b.Peer.LastHandshake!.Value, TimeSpan.Zero, TimeSpan.FromSeconds(31));
    }

    [Fact]
    public async Task The_systems_timers_which_round_down_to_milliseconds_are_not_set_again_and_again()
    {
        RoundingTime time = new(_internet.Time);
        await using TunnelEnd c = new(_internet, "192.0.2.3:51820", "10.0.0.3", 3, new WireGuardOptions { Time = time });
        c.Know(_a, keepalive: TimeSpan.FromSeconds(25));
        _internet.Pass(TimeSpan.FromMinutes(10));
        // An initiation every five seconds and no more, a keepalive every 25 s besides; a timer that comes early costs one more call.
        Assert.InRange(time.Calls, 80, 2 * (120 + 24 + 1));
    }

    [Fact]
    public void F4_an_initiator_that_only_hears_keepalives_renews_before_its_session_ends()
    {
        _a.Know(_b);
        _b.Know(_a, knowsWhere: false, keepalive: TimeSpan.FromSeconds(20));
        _a.Send(_b.Inside, "first");
        _internet.Pass(TimeSpan.FromSeconds(163));
        Assert.Equal(1, Count(_a, MessageType.Initiation));
        _internet.Pass(TimeSpan.FromSeconds(15));
        Assert.Equal(2, Count(_a, MessageType.Initiation));
        Assert.Equal(0, Count(_b, MessageType.Initiation));
    }

    [Fact]
    public void Keepalives_alone_call_for_no_answer_and_no_handshake()
    {
        _a.Know(_b, keepalive: TimeSpan.FromSeconds(20));
        _b.Know(_a, knowsWhere: false);
        _internet.Pass(TimeSpan.FromSeconds(1));
        // B hears keepalives and A hears nothing.
        _internet.Pass(TimeSpan.FromSeconds(110));
        Assert.Equal(0, Count(_b, MessageType.Transport));
        Assert.Equal(1, Count(_a, MessageType.Initiation));
    }

    private void Introduce()
    {
        _a.Know(_b);
        _b.Know(_a, knowsWhere: false);
    }

    private int Count(TunnelEnd end, MessageType type) =>
        _internet.Sent.Count(datagram => datagram.From.Equals(end.Carrier.Endpoint) && datagram.Bytes[0] == (byte)type);

    /// <summary>As the system's timers do it: whole milliseconds, rounded down. Each call takes ten microseconds.</summary>
    private sealed class RoundingTime(SimulatedTime time) : TimeProvider
    {
        private long _spent;

        public int Calls { get; private set; }

        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp() + _spent;

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Rounded(time.CreateTimer(
            inner =>
            {
                Calls++;
                // Real time goes on while a callback runs; the simulated clock's stands still.
                _spent += 100;
                callback(inner);
            }, state, dueTime, period));

        private sealed class Rounded(ITimer timer) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(
                dueTime == Timeout.InfiniteTimeSpan ? dueTime : TimeSpan.FromMilliseconds((long)dueTime.TotalMilliseconds), period);

            public void Dispose() => timer.Dispose();

            public ValueTask DisposeAsync() => timer.DisposeAsync();
        }
    }
}
