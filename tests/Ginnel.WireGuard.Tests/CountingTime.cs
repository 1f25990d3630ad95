using Ginnel.Testing;

namespace Ginnel.WireGuard.Tests;

/// <summary>The simulated clock for one link: counts how often its timer wakes it, and its wall clock can be set.</summary>
internal sealed class CountingTime(SimulatedTime time) : TimeProvider
{
    /// <summary>Wake-ups so far.</summary>
    public int Wakes { get; private set; }

    /// <summary>How far the wall clock is off.</summary>
    public TimeSpan Offset { get; set; }

    public override long TimestampFrequency => time.TimestampFrequency;

    public override long GetTimestamp() => time.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => time.GetUtcNow() + Offset;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => time.CreateTimer(
        inner =>
        {
            Wakes++;
            callback(inner);
        }, state, dueTime, period);
}
