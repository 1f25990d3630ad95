using Ginnel.Netstack;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// How many handshake messages a source may have answered while we are under load: a token bucket for each (paper, section 5.3). Bounded;
/// when the table is full sources that have been quiet are forgotten, and if there are none a newcomer waits.
/// </summary>
internal sealed class HandshakeLimiter
{
    /// <summary>Sources that are remembered.</summary>
    public const int MaxSources = 8_192;

    private const int PerSecond = 20, Burst = 5;
    private static readonly TimeSpan Cost = TimeSpan.FromSeconds(1) / PerSecond;
    private static readonly TimeSpan Capacity = Cost * Burst;

    // When each source's bucket would be full again: nothing else is needed to know what is in it.
    private readonly Dictionary<UInt128, Instant> _full = [];
    private Instant _nextSearch;

    /// <summary>How often the whole table was searched for the quiet.</summary>
    public int Searches { get; private set; }

    /// <summary>Whether one more may be answered.</summary>
    public bool TryTake(UInt128 source, Instant now)
    {
        if (!_full.TryGetValue(source, out Instant full))
        {
            if (_full.Count >= MaxSources) Forget(now);
            if (_full.Count >= MaxSources) return false;
            full = now;
        }
        Instant after = (full > now ? full : now) + Cost;
        if (after - now > Capacity) return false;
        _full[source] = after;
        return true;
    }

    private void Forget(Instant now)
    {
        // Whoever has many addresses must not make us search for each: nobody gets quiet faster than a bucket fills.
        if (now < _nextSearch) return;
        _nextSearch = now + Cost;
        Searches++;
        foreach ((UInt128 source, Instant full) in _full)
            if (full <= now) _full.Remove(source);
    }
}

/// <summary>Whether more handshake messages arrive than we want to spend on: counted by the second.</summary>
internal sealed class LoadMeter
{
    /// <summary>Messages with a valid mac1 in one second, beyond which we are under load for the second and the next.</summary>
    public const int PerSecond = 256;

    private Instant _secondEnds;
    private Instant _loadEnds;
    private int _count;

    public bool CountAndCheck(Instant now)
    {
        if (now >= _secondEnds) (_secondEnds, _count) = (now + TimeSpan.FromSeconds(1), 0);
        if (++_count > PerSecond) _loadEnds = _secondEnds + TimeSpan.FromSeconds(1);
        return now < _loadEnds;
    }
}
