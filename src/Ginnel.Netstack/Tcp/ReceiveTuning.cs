using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// How large the receive buffer has to be: dynamic right-sizing. Theory of operation: a window that does not slow its sender down holds what the
/// reader takes in a round trip, twice, since the sender's window may double before the next is told. So it is measured what the reader takes
/// per round trip. The receiver knows that round trip from echoed timestamps; without them, from how long a full window takes to arrive, which
/// is never less. A reader that does not keep up takes little, and is promised little.
/// </summary>
internal struct ReceiveTuning
{
    private const int MostMilliseconds = 600_000;

    // Microseconds, at most ten minutes.
    private int _roundTrip;
    private uint _lastEcho;
    private SequenceNumber _windowEnd;
    private Instant _windowStart;
    private Instant _roundStart;
    private int _taken;
    private int _takenBefore;

    /// <summary>The round trip as the receiver sees it; zero before it was measured.</summary>
    internal readonly TimeSpan RoundTrip => TimeSpan.FromMicroseconds(_roundTrip);

    /// <summary>Data in order have brought an echo of our clock, which ticks in milliseconds. Only the first of equal ones tells a round trip.</summary>
    internal void NoteEcho(uint echo, uint clock)
    {
        if (echo == _lastEcho || echo == 0) return;
        _lastEcho = echo;
        int elapsed = (int)(clock - echo);
        if (elapsed is < 0 or > MostMilliseconds) return;
        int sample = Math.Max(elapsed, 1) * 1000;
        _roundTrip = _roundTrip == 0 ? sample : _roundTrip + (sample - _roundTrip) / 8;
    }

    /// <summary>Data in order have come up to <paramref name="next"/>, without timestamps; <paramref name="edge"/> is what they may reach.</summary>
    internal void NoteArrival(SequenceNumber next, SequenceNumber edge, Instant now)
    {
        if (_windowStart != default)
        {
            if (next < _windowEnd) return;
            int sample = (int)Math.Clamp((now - _windowStart).Ticks / TimeSpan.TicksPerMicrosecond, 1, MostMilliseconds * 1000);
            _roundTrip = _roundTrip == 0 ? sample : Math.Min(_roundTrip, sample);
        }
        (_windowStart, _windowEnd) = (now, edge);
    }

    /// <summary>The reader took octets. Once per round trip, how large the buffer should be; otherwise zero.</summary>
    internal int Taken(int count, TimeSpan roundTrip, int segmentSize, Instant now)
    {
        _taken = (int)Math.Min((long)_taken + count, int.MaxValue / 2);
        if (_roundStart == default) _roundStart = now;
        long elapsed = (now - _roundStart).Ticks;
        if (roundTrip <= TimeSpan.Zero || elapsed < roundTrip.Ticks) return 0;
        // Of a reader that comes seldom, what it takes in a round trip on the average.
        long taken = (long)((double)_taken * roundTrip.Ticks / elapsed);
        long before = Math.Max(_takenBefore, 10 * segmentSize);
        long wanted = 2 * taken + 16 * segmentSize;
        // A sender in slow start takes the next step before this one is seen.
        if (taken > before) wanted += (long)Math.Min(2.0 * wanted * (taken - before) / before, 2.0 * wanted);
        _takenBefore = (int)taken;
        _taken = 0;
        _roundStart = now;
        return (int)Math.Min(wanted, int.MaxValue);
    }
}
