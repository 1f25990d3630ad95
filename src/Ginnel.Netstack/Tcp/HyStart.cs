using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// HyStart++ (RFC 9406): leaves slow start before it overflows a queue. Theory of operation: a round is the time in which what was in
/// flight is acknowledged; if the shortest round trip in it is clearly longer than that of the round before, a queue is growing. Then
/// the window grows a quarter as fast for five rounds (Conservative Slow Start). If the round trips become short again it was jitter,
/// and slow start goes on; if not, it is over.
/// </summary>
internal struct HyStart
{
    // RFC 9406 section 4.3.
    private const long LeastThreshold = 4 * TimeSpan.TicksPerMillisecond;
    private const long MostThreshold = 16 * TimeSpan.TicksPerMillisecond;
    private const int ThresholdDivisor = 8;
    private const int SamplesPerRound = 8;
    private const int GrowthDivisor = 4;
    private const int ConservativeRounds = 5;

    // Zero: not measured, the RFC's infinity.
    private long _last;
    private long _current;
    private long _baseline;
    private SequenceNumber _roundEnd;
    private int _samples;
    private int _rounds;
    private int _rest;
    private bool _inRound;

    /// <summary>Whether the window grows slowly, because round trips do.</summary>
    internal readonly bool IsConservative => _baseline != 0;

    /// <summary>What acknowledged octets add to cwnd. Section 4.2's limit L is not applied: octets of super-segments count fully.</summary>
    internal int Growth(int octets)
    {
        if (!IsConservative) return octets;
        _rest += octets;
        int growth = _rest / GrowthDivisor;
        _rest -= growth * GrowthDivisor;
        return growth;
    }

    /// <summary>Takes a round trip; true when slow start should end here.</summary>
    internal bool Measured(TimeSpan roundTrip, SequenceNumber sndUna, SequenceNumber sndNxt)
    {
        bool ended = _inRound && sndUna >= _roundEnd;
        if (!_inRound || ended)
        {
            if (ended && IsConservative && ++_rounds >= ConservativeRounds) return true;
            (_inRound, _roundEnd) = (true, sndNxt);
            (_last, _current, _samples) = (_current, 0, 0);
        }
        long sample = Math.Max(1, roundTrip.Ticks);
        _current = _current == 0 ? sample : Math.Min(_current, sample);
        _samples++;
        if (_samples < SamplesPerRound || _last == 0) return false;
        if (IsConservative)
        {
            if (_current < _baseline) _baseline = 0;
        }
        else if (_current >= _last + Math.Clamp(_last / ThresholdDivisor, LeastThreshold, MostThreshold))
            (_baseline, _rounds) = (_current, 0);
        return false;
    }
}
