using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>RFC 9406, round by round; and what is left of the window after a pause.</summary>
public sealed class HyStartTests
{
    private readonly Cubic _cubic = new();
    private SequenceNumber _una = new(uint.MaxValue - 10_000);

    public HyStartTests() => _cubic.Start(1000, 10, synLost: false);

    /// <summary>A round of ten acknowledgments, of what is in flight, at this round trip.</summary>
    private void Round(double milliseconds)
    {
        int step = _cubic.CongestionWindow / 10;
        SequenceNumber end = _una + step * 10;
        for (int i = 0; i < 10; i++)
        {
            _una += step;
            _cubic.RoundTripMeasured(TimeSpan.FromMilliseconds(milliseconds), _una, end + (i + 1) * step);
            if (_cubic.InSlowStart) _cubic.Acknowledged(step, TimeSpan.FromMilliseconds(milliseconds), default);
        }
    }

    [Fact]
    public void Steady_round_trips_double_the_window()
    {
        for (int i = 0; i < 5; i++) Round(20);
        Assert.Equal(320_000, _cubic.CongestionWindow);
        Assert.True(_cubic.InSlowStart);
    }

    [Fact]
    public void Growing_ones_end_slow_start_after_five_conservative_rounds()
    {
        Round(20);
        Round(20);
        Round(25);
        int window = _cubic.CongestionWindow;
        int rounds = 0;
        while (_cubic.InSlowStart && rounds < 20)
        {
            Round(25);
            rounds++;
            // A quarter of doubling (section 4.2).
            if (_cubic.InSlowStart && rounds > 1) Assert.InRange(_cubic.CongestionWindow, window * 1.2, window * 1.3);
            window = _cubic.CongestionWindow;
        }
        Assert.InRange(rounds, 5, 6);
        Assert.Equal(_cubic.CongestionWindow, _cubic.SlowStartThreshold);
    }

    [Fact]
    public void Jitter_does_not_end_slow_start()
    {
        Round(20);
        Round(20);
        Round(25);
        Round(20);
        int window = _cubic.CongestionWindow;
        Round(20);
        Assert.InRange(_cubic.CongestionWindow, window * 1.9, window * 2);
        for (int i = 0; i < 8; i++) Round(20);
        Assert.True(_cubic.InSlowStart);
    }

    [Fact]
    public void After_a_pause_the_threshold_remembers_the_window()
    {
        NewReno reno = new();
        reno.Start(1000, 10, synLost: false);
        reno.CongestionWindow = 100_000;
        reno.SlowStartThreshold = 50_000;
        // RFC 5681 section 4.1, RFC 2861 section 2.
        reno.RestartAfterIdle(10, default);
        Assert.Equal((10_000, 75_000), (reno.CongestionWindow, reno.SlowStartThreshold));
        reno.RestartAfterIdle(10, default);
        Assert.Equal((10_000, 75_000), (reno.CongestionWindow, reno.SlowStartThreshold));
    }
}
