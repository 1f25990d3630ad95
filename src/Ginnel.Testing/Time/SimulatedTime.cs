using Ginnel.Netstack;

namespace Ginnel.Testing;

/// <summary>
/// A clock that stands still until it is told. As a <see cref="TimeProvider"/> it stands in for the system's in code with timers; as
/// <see cref="Now"/> it is the time that stacks are given. Timers fire on the thread that advances the clock, in the order of their due
/// times, and see the clock at exactly their due time. Thread-safe, but only one thread may advance.
/// </summary>
public sealed class SimulatedTime : TimeProvider
{
    private static readonly DateTimeOffset Epoch = new(2000, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly Lock _lock = new();
    private readonly SortedSet<SimulatedTimer> _armed = new(SimulatedTimer.ByDueTime);
    private long _now;
    private long _order;

    /// <summary>A clock at an origin of one day, so that spans before the start do not fall below zero.</summary>
    public SimulatedTime() : this(new Instant(TimeSpan.TicksPerDay)) { }

    /// <summary>A clock that shows <paramref name="start"/>.</summary>
    public SimulatedTime(Instant start)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start.Ticks);
        _now = start.Ticks;
    }

    /// <summary>The time.</summary>
    public Instant Now => new(Volatile.Read(ref _now));

    /// <summary>When the next timer is due; <see cref="Instant.Never"/> without any.</summary>
    public Instant NextTimer
    {
        get
        {
            lock (_lock) return _armed.Min?.Due ?? Instant.Never;
        }
    }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override long GetTimestamp() => Now.Ticks;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => Epoch.AddTicks(Now.Ticks);

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Lets time pass; every timer that comes due on the way fires.</summary>
    /// <param name="span">Not negative.</param>
    public void Advance(TimeSpan span)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(span, TimeSpan.Zero);
        AdvanceTo(Now + span);
    }

    /// <summary>Lets time pass until <paramref name="until"/>; a time that has passed already fires what is due and changes nothing else.</summary>
    public void AdvanceTo(Instant until)
    {
        while (TakeDue(until) is { } timer) timer.Fire();
        if (until.Ticks > Now.Ticks) Volatile.Write(ref _now, until.Ticks);
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        SimulatedTimer timer = new(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    internal void Arm(SimulatedTimer timer, TimeSpan dueTime, TimeSpan period)
    {
        lock (_lock)
        {
            _armed.Remove(timer);
            timer.Period = period;
            timer.Due = dueTime < TimeSpan.Zero ? Instant.Never : Now + dueTime;
            timer.Order = _order++;
            if (timer.Due != Instant.Never) _armed.Add(timer);
        }
    }

    private SimulatedTimer? TakeDue(Instant until)
    {
        lock (_lock)
        {
            if (_armed.Min is not { } timer || timer.Due > until) return null;
            _armed.Remove(timer);
            if (timer.Due.Ticks > Now.Ticks) Volatile.Write(ref _now, timer.Due.Ticks);
            if (timer.Period > TimeSpan.Zero)
            {
                timer.Due = Now + timer.Period;
                timer.Order = _order++;
                _armed.Add(timer);
            }
            return timer;
        }
    }
}
