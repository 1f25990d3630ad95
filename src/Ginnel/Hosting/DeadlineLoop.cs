using Ginnel.Netstack;

namespace Ginnel;

/// <summary>Something with one deadline at a time; its place in the loop's heap.</summary>
internal abstract class Scheduled
{
    internal Instant HeapDeadline = Instant.Never;
    internal int HeapIndex = -1;

    /// <summary>The deadline has come. Called outside every lock; may be early, never late by more than the clock's grain.</summary>
    internal abstract void OnDeadline(Instant now);
}

/// <summary>One timer for all hosts: a heap of deadlines, the earliest of which arms the timer. Deadlines only move forward lazily.</summary>
internal sealed class DeadlineLoop : IDisposable
{
    private readonly NetworkRuntime _runtime;
    private readonly Lock _lock = new();
    private readonly ITimer _timer;
    private readonly DeadlineHeap _heap = new();
    private Instant _armed = Instant.Never;
    private bool _running;

    internal DeadlineLoop(NetworkRuntime runtime)
    {
        _runtime = runtime;
        _timer = runtime.Completions.CreateTimer(runtime.Time, Fire);
    }

    /// <summary>Asks for a call no later than the deadline. A later one than is scheduled changes nothing: the early call reschedules.</summary>
    internal void Schedule(Scheduled item, Instant deadline)
    {
        lock (_lock)
        {
            if (deadline >= item.HeapDeadline) return;
            _heap.Set(item, deadline);
            if (!_running && deadline < _armed) Arm(deadline);
        }
    }

    /// <summary>Forgets the item; a call that is under way may still come.</summary>
    internal void Remove(Scheduled item)
    {
        lock (_lock) _heap.Remove(item);
    }

    private void Fire()
    {
        lock (_lock)
        {
            _armed = Instant.Never;
            if (_running) return;
            _running = true;
        }
        while (true)
        {
            Scheduled due;
            Instant now = _runtime.Now;
            lock (_lock)
            {
                if (!_heap.TryTakeDue(now, out due!))
                {
                    _running = false;
                    if (_heap.Earliest != Instant.Never) Arm(_heap.Earliest);
                    return;
                }
            }
            due.OnDeadline(now);
        }
    }

    private void Arm(Instant deadline)
    {
        _armed = deadline;
        // Timers count whole milliseconds; rounding down would fire early and spin until the deadline.
        long ticks = Math.Max(0, (deadline - _runtime.Now).Ticks);
        long milliseconds = Math.Min((ticks + TimeSpan.TicksPerMillisecond - 1) / TimeSpan.TicksPerMillisecond, int.MaxValue - 1);
        _timer.Change(TimeSpan.FromMilliseconds(milliseconds), Timeout.InfiniteTimeSpan);
    }

    public void Dispose() => _timer.Dispose();
}
