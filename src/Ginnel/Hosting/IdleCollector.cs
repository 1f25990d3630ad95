namespace Ginnel;

/// <summary>
/// Gives back what a burst has left behind: once a process that has allocated much does next to nothing, its heap is collected, compacted and
/// returned to the system, one time. For programs that own their process; a library's user has plans of its own with the heap. Nothing is done
/// while there is work: a collection of this kind stops every thread for some milliseconds, which only who rests does not mind.
/// </summary>
public sealed class IdleCollector : IDisposable
{
    /// <summary>Bytes allocated since the last time that are worth it.</summary>
    internal const long Much = 4 << 20;

    internal static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Processor time of all threads within an <see cref="Interval"/> that is rest. Not what is allocated: steady traffic allocates nothing.</summary>
    internal static readonly TimeSpan Little = TimeSpan.FromMilliseconds(30);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Func<long> _allocated;
    private readonly Func<TimeSpan> _worked;
    private readonly Action _collect;
    private readonly ITimer _timer;
    private long _collectedAt;
    private TimeSpan _last;
    private long _lastLook;

    /// <summary>Watches this process until it is disposed of.</summary>
    public IdleCollector() : this(
        TimeProvider.System, static () => GC.GetTotalAllocatedBytes(), static () => Environment.CpuUsage.TotalTime,
        static () => GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true))
    {
    }

    internal IdleCollector(TimeProvider time, Func<long> allocated, Func<TimeSpan> worked, Action collect)
    {
        (_allocated, _worked, _collect) = (allocated, worked, collect);
        (_time, _collectedAt, _last, _lastLook) = (time, allocated(), worked(), time.GetTimestamp());
        using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        _timer = time.CreateTimer(static collector => ((IdleCollector)collector!).Look(), this, Interval, Interval);
    }

    /// <summary>Watches no longer.</summary>
    public void Dispose() => _timer.Dispose();

    // On a machine that is far behind a look may come while another is at it, which is enough.
    private void Look()
    {
        if (!_lock.TryEnter()) return;
        try
        {
            // A timer that was late fires soon again: so short a time says nothing about how busy the process is.
            if (_time.GetElapsedTime(_lastLook) < Interval * 0.9) return;
            _lastLook = _time.GetTimestamp();
            TimeSpan worked = _worked(), before = _last;
            _last = worked;
            long allocated = _allocated();
            if (worked - before > Little || allocated - _collectedAt < Much) return;
            _collectedAt = allocated;
            _collect();
        }
        finally
        {
            _lock.Exit();
        }
    }
}
