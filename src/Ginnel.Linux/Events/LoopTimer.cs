using System.Diagnostics;

namespace Ginnel.Linux.Events;

/// <summary>
/// A timer of a loop: how long the loop sleeps at most. It fires on the loop's thread, once for each change; after the loop's end on the
/// thread pool, as what is scheduled does.
/// </summary>
internal sealed class LoopTimer(EventLoop loop, Action fire) : ITimer
{
    internal const long Never = long.MaxValue;
    private long _due = Never;
    private ITimer? _instead;
    private bool _isDisposed;

    /// <summary>When, as <see cref="Stopwatch"/> counts.</summary>
    internal long Due => Volatile.Read(ref _due);

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (period != Timeout.InfiniteTimeSpan) throw new ArgumentOutOfRangeException(nameof(period), period, "A loop's timer fires once.");
        if (Volatile.Read(ref _isDisposed)) return false;
        long due = dueTime == Timeout.InfiniteTimeSpan ? Never : Stopwatch.GetTimestamp() + (long)(dueTime.TotalSeconds * Stopwatch.Frequency);
        // The loop that ends looks at what is due after it has set the other timer; here it is the other way round, and one sees the other.
        Interlocked.Exchange(ref _due, due);
        if (Volatile.Read(ref _instead) is { } timer) Arm(timer);
        else loop.Rearmed(due);
        return true;
    }

    /// <summary>Fires if it is due.</summary>
    internal void FireIfDue(long now)
    {
        long due = Due;
        // Whoever changed it meanwhile wants another time.
        if (due <= now && Interlocked.CompareExchange(ref _due, Never, due) == due) fire();
    }

    /// <summary>The loop is at its end: what is due later comes from a timer of the system.</summary>
    internal void LeaveLoop()
    {
        using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        Timer timer = new(static state => ((LoopTimer)state!).OnTimer(), this, Timeout.Infinite, Timeout.Infinite);
        Interlocked.Exchange(ref _instead, timer);
        Arm(timer);
    }

    private void OnTimer()
    {
        FireIfDue(Stopwatch.GetTimestamp());
        // It counts whole milliseconds and may have come early.
        Arm(_instead!);
    }

    private void Arm(ITimer timer)
    {
        long due = Due;
        if (due == Never) return;
        double left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due).TotalMilliseconds;
        timer.Change(TimeSpan.FromMilliseconds(Math.Clamp(Math.Ceiling(left), 0, int.MaxValue)), Timeout.InfiniteTimeSpan);
    }

    public void Dispose()
    {
        Volatile.Write(ref _isDisposed, true);
        Interlocked.Exchange(ref _due, Never);
        loop.Forget(this);
        _instead?.Dispose();
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }
}
