using Ginnel.Netstack;

namespace Ginnel.Testing;

/// <summary>A timer of a <see cref="SimulatedTime"/>; one without a period fires once each time it is changed.</summary>
internal sealed class SimulatedTimer(SimulatedTime time, TimerCallback callback, object? state) : ITimer
{
    internal static readonly IComparer<SimulatedTimer> ByDueTime = Comparer<SimulatedTimer>.Create(static (left, right) =>
        left.Due == right.Due ? left.Order.CompareTo(right.Order) : left.Due.CompareTo(right.Due));

    private bool _disposed;

    // Guarded by the clock's lock.
    internal Instant Due = Instant.Never;
    internal TimeSpan Period;
    internal long Order;

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (_disposed) return false;
        time.Arm(this, dueTime, period);
        return true;
    }

    internal void Fire()
    {
        if (!_disposed) callback(state);
    }

    public void Dispose()
    {
        _disposed = true;
        time.Arm(this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
