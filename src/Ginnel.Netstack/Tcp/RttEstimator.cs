namespace Ginnel.Netstack;

/// <summary>
/// The retransmission timeout (RFC 6298). Theory of operation: a smoothed round trip and its mean deviation, each a running average;
/// the timeout is the one plus four times the other, within bounds, doubled for every expiry until a new round trip is measured.
/// Samples come from segments sent once (Karn's rule) or from echoed timestamps.
/// </summary>
internal struct RttEstimator
{
    // RFC 6298 section 2: G, the clock's granularity. Our timestamp clock ticks once a millisecond.
    private const long Granularity = TimeSpan.TicksPerMillisecond;
    private const int MaxBackoff = 16;

    private long _smoothed;
    private long _variation;
    private long _timeout;
    private int _backoff;

    internal RttEstimator(TcpOptions options) => _timeout = options.InitialRetransmitTimeout.Ticks;

    /// <summary>SRTT; zero before the first sample.</summary>
    internal readonly TimeSpan Smoothed => new(_smoothed);

    /// <summary>Doublings of the timeout since the last sample or acknowledgment.</summary>
    internal readonly int Expiries => _backoff;

    /// <summary>RTTVAR.</summary>
    internal readonly TimeSpan Variation => new(_variation);

    /// <summary>RTO with its backoff, at most <see cref="TcpOptions.MaxRetransmitTimeout"/> (RFC 6298 section 2.5).</summary>
    internal readonly TimeSpan Timeout(TcpOptions options)
    {
        long limit = Math.Max(options.MaxRetransmitTimeout.Ticks, 1);
        long timeout = Math.Min(_timeout, limit);
        return new TimeSpan(Math.Min(limit, timeout > limit >> _backoff ? limit : timeout << _backoff));
    }

    /// <summary>Takes a measured round trip (RFC 6298 sections 2.2 and 2.3), and ends the backoff.</summary>
    internal void Sample(TimeSpan roundTrip, TcpOptions options)
    {
        long sample = Math.Max(roundTrip.Ticks, 1);
        if (_smoothed == 0)
        {
            _smoothed = sample;
            _variation = sample / 2;
        }
        else
        {
            // Section 2.3: beta = 1/4, alpha = 1/8; the variation first, with the old average.
            _variation += (Math.Abs(_smoothed - sample) - _variation) / 4;
            _smoothed += (sample - _smoothed) / 8;
        }
        long least = options.MinRetransmitTimeout.Ticks;
        long variation = Math.Max(options.MinRetransmitTimeoutIsVariation ? least : Granularity, 4 * _variation);
        _timeout = Math.Max(_smoothed + variation, least);
        _backoff = 0;
    }

    /// <summary>
    /// The timer expired too early, for this is how long it really took: the average becomes that at least (RFC 4015 section 3.3).
    /// </summary>
    internal void Adapt(TimeSpan roundTrip, TcpOptions options)
    {
        _smoothed = Math.Max(_smoothed, roundTrip.Ticks);
        _variation = Math.Max(_variation, roundTrip.Ticks / 2);
        _timeout = Math.Max(_smoothed + Math.Max(Granularity, 4 * _variation), options.MinRetransmitTimeout.Ticks);
        _backoff = 0;
    }

    /// <summary>The timer expired (section 5.5).</summary>
    internal void BackOff() => _backoff = Math.Min(_backoff + 1, MaxBackoff);

    /// <summary>The expiries were the peer's closed window, not the path (RFC 9293 section 3.8.6.1).</summary>
    internal void EndBackoff() => _backoff = 0;

    /// <summary>
    /// The SYN was lost: begin data transfer with 3 seconds, however often it was (RFC 6298 section 5.7), unless a round trip was measured.
    /// </summary>
    internal void AfterLostSyn()
    {
        if (_smoothed != 0) return;
        _timeout = Math.Max(_timeout, 3 * TimeSpan.TicksPerSecond);
        _backoff = 0;
    }
}
