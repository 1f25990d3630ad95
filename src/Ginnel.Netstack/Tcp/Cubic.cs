using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// CUBIC (RFC 9438). Theory of operation: after a loss the window is cut to 0.7 of what it was (W_max) and then follows
/// W(t) = C·(t−K)³ + W_max: fast back towards W_max, slowly past it, then faster and faster. The growth depends on the time since the
/// loss, not on the round trip. Beside it runs an estimate of what Reno would have; where that is larger it is used, so that CUBIC is
/// never slower than Reno on short paths (section 4.3). Windows are in segments here, time in seconds.
/// </summary>
internal sealed class Cubic : CongestionControl
{
    // RFC 9438 sections 4.1.2, 4.6 and 5: C = 0.4, beta = 0.7, and alpha that makes the estimate as aggressive as Reno.
    private const double C = 0.4;
    private const double Beta = 0.7;
    private const double Alpha = 3 * (1 - Beta) / (1 + Beta);

    private double _windowMax;
    private double _windowEstimate;
    private double _windowPrior;
    private double _k;
    private double _fraction;
    private Instant _epoch = Instant.Never;
    private Instant _lastGrowth = Instant.Never;

    private double Segments => (double)CongestionWindow / SegmentSize;

    private protected override void Avoid(int octets, TimeSpan roundTrip, Instant now)
    {
        BeginEpoch(now);
        double acknowledged = (double)octets / SegmentSize;
        double window = Segments;
        // Section 4.3: the Reno-friendly estimate; past the window before the reduction it grows as Reno itself.
        double alpha = _windowEstimate >= _windowPrior ? 1 : Alpha;
        _windowEstimate += alpha * acknowledged / window;
        double elapsed = (now - _epoch).TotalSeconds;
        double cubic = At(elapsed);
        double target = Math.Clamp(At(elapsed + roundTrip.TotalSeconds), window, 1.5 * window);
        // Sections 4.4 and 4.5 are one formula: towards the target within one round trip.
        double growth = cubic < _windowEstimate
            ? Math.Max(0, _windowEstimate - window)
            : (target - window) / window * acknowledged;
        _fraction += growth * SegmentSize;
        int whole = (int)Math.Min(_fraction, MaxWindow);
        _fraction -= whole;
        CongestionWindow = (int)Math.Min((long)CongestionWindow + whole, MaxWindow);
    }

    private protected override int Reduce(int flight, Instant now)
    {
        double window = Segments;
        _windowPrior = window;
        // Section 4.7, fast convergence: who loses before reaching the last maximum leaves room for newcomers.
        _windowMax = window < _windowMax ? window * (1 + Beta) / 2 : window;
        _epoch = Instant.Never;
        _fraction = 0;
        // Section 4.6: from cwnd, or from what was really in flight if the application was the limit.
        double used = Math.Min(window, (double)flight / SegmentSize);
        return (int)(used * Beta * SegmentSize);
    }

    /// <summary>Section 4.8: the curve begins at the window with which congestion avoidance will begin, so that K is 0.</summary>
    private protected override void BeginAnew() => _windowMax = 0;

    internal override void RestartAfterIdle(int initialWindow, Instant now)
    {
        base.RestartAfterIdle(initialWindow, now);
        // Section 5.8: the time in which nothing was sent must not count as growth.
        _epoch = Instant.Never;
    }

    internal override void Undo(int congestionWindow, int slowStartThreshold)
    {
        base.Undo(congestionWindow, slowStartThreshold);
        _epoch = Instant.Never;
        _windowMax = Math.Max(_windowMax, Segments);
    }

    private void BeginEpoch(Instant now)
    {
        // A pause of the application shifts the curve by its length (section 5.8); two seconds without an acknowledgment are one.
        if (_epoch != Instant.Never && now - _lastGrowth > TimeSpan.FromSeconds(2)) _epoch += now - _lastGrowth;
        _lastGrowth = now;
        if (_epoch != Instant.Never) return;
        _epoch = now;
        _windowEstimate = Segments;
        _windowMax = Math.Max(_windowMax, _windowEstimate);
        _k = Math.Cbrt((_windowMax - _windowEstimate) / C);
    }

    private double At(double seconds)
    {
        double distance = seconds - _k;
        return C * distance * distance * distance + _windowMax;
    }
}
