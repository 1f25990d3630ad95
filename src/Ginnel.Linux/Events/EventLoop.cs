using System.Collections.Concurrent;
using System.Diagnostics;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Events;

/// <summary>
/// One thread that waits for descriptors with epoll(7) and runs what follows from it. A runtime whose <see cref="NetworkRuntimeOptions.Completions"/>
/// are a loop, with its devices and the host's sockets on the same one, takes a packet from the device through the stack to the socket, and back,
/// without a hand-over between threads: that is what a connection's latency and most of its cost consist of elsewhere.
/// </summary>
/// <remarks>What runs on a loop must not wait for anything: it would hold up all that the loop serves.</remarks>
public sealed class EventLoop : CompletionScheduler, IDisposable
{
    /// <summary>Events taken from the kernel at once.</summary>
    private const int EventsPerWait = 64;

    /// <summary>Items run before the descriptors are looked at again: items that make items must not keep the devices waiting.</summary>
    private const int ItemsPerTurn = 512;

    private static readonly Lock Gate = new();
    private static EventLoop? _shared;
    private readonly ConcurrentDictionary<ulong, Watch> _watches = new();
    private readonly ConcurrentQueue<IThreadPoolWorkItem> _posted = new();
    // The loop's own: what was scheduled on its thread.
    private readonly Queue<IThreadPoolWorkItem> _ready = new();
    private readonly Queue<IThreadPoolWorkItem> _behind = new();
    private readonly Descriptor _epoll;
    private readonly Descriptor _wake;
    private readonly Thread _thread;
    // Replaced, never changed: the loop goes through it without a lock.
    private LoopTimer[] _timers = [];
    private long _sleepsUntil;
    private ulong _lastToken;
    private int _isWoken;
    private int _isStopping;
    private volatile bool _hasEnded;

    /// <summary>Starts a loop.</summary>
    /// <param name="name">Of its thread.</param>
    /// <param name="runsContinuations">
    /// Whether those who wait for a descriptor of this loop go on right on its thread. Only where all of them are known not to block.
    /// </param>
    /// <exception cref="LinuxException">No descriptor is left.</exception>
    public EventLoop(string name, bool runsContinuations)
    {
        RunsContinuations = runsContinuations;
        int epoll = Polling.epoll_create1(Descriptors.CloseOnExec);
        if (epoll < 0) throw LinuxException.Last("epoll_create1");
        _epoll = new Descriptor(epoll);
        int wake = Descriptors.eventfd(0, Descriptors.NonBlock | Descriptors.CloseOnExec);
        if (wake < 0)
        {
            LinuxException failure = LinuxException.Last("eventfd");
            _epoll.Dispose();
            throw failure;
        }
        _wake = new Descriptor(wake);
        Polling.Control(epoll, Polling.Add, wake, Polling.In, 0);
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        _thread.Start();
    }

    /// <summary>Whether those who wait go on right on the loop's thread, and not on the thread pool.</summary>
    public bool RunsContinuations { get; }

    /// <summary>The loop of whoever has none of their own; it wakes others and runs nothing itself.</summary>
    /// <exception cref="LinuxException">No descriptor is left. The next call tries again: a Lazy would keep the failure for good.</exception>
    public static EventLoop Shared
    {
        get
        {
            if (Volatile.Read(ref _shared) is { } made) return made;
            lock (Gate)
            {
                if (_shared is null) Volatile.Write(ref _shared, new EventLoop("readiness", runsContinuations: false));
                return _shared;
            }
        }
    }

    /// <summary>Runs an item on the loop's thread, soon; on the thread pool once the loop has ended.</summary>
    public override void Schedule(IThreadPoolWorkItem item)
    {
        if (Thread.CurrentThread == _thread && !_hasEnded)
        {
            _ready.Enqueue(item);
            return;
        }
        _posted.Enqueue(item);
        if (Interlocked.Exchange(ref _isWoken, 1) == 0) Wake();
        // An end that has not seen the item leaves it to us.
        if (_hasEnded) GiveAway();
    }

    /// <summary>Runs an item in the loop's next turn, after what is ready by then.</summary>
    protected override void ScheduleBehind(IThreadPoolWorkItem item)
    {
        if (Thread.CurrentThread == _thread && !_hasEnded) _behind.Enqueue(item);
        else Schedule(item);
    }

    /// <summary>The loop's own wait is the timer of the system's clock: no thread of its own, no hand-over when it fires.</summary>
    protected override ITimer CreateTimer(TimeProvider time, Action fire) =>
        time == TimeProvider.System ? CreateTimer(fire) : base.CreateTimer(time, fire);

    internal LoopTimer CreateTimer(Action fire)
    {
        LoopTimer timer = new(this, fire);
        lock (Gate)
        {
            _timers = [.. _timers, timer];
            if (_hasEnded) timer.LeaveLoop();
        }
        return timer;
    }

    /// <summary>Forgets a timer.</summary>
    internal void Forget(LoopTimer timer)
    {
        lock (Gate) _timers = [.. _timers.Where(other => other != timer)];
    }

    /// <summary>Told of a timer that is due at another time than it was.</summary>
    internal void Rearmed(long due)
    {
        if (Thread.CurrentThread == _thread) return;
        // The loop says how long it will sleep and looks at the timers once more; here it is the other way round, and one sees the other.
        Interlocked.MemoryBarrier();
        if (due < Volatile.Read(ref _sleepsUntil) && Interlocked.Exchange(ref _isWoken, 1) == 0) Wake();
    }

    /// <summary>Watches a descriptor from now on.</summary>
    /// <param name="descriptor">Open until it is removed.</param>
    /// <param name="events">What for, a set of <see cref="Polling"/>'s; errors are always told.</param>
    /// <param name="watch">Who is told; watched by one loop at a time.</param>
    /// <exception cref="LinuxException">The kernel's limit of watches is reached.</exception>
    internal void Add(Descriptor descriptor, uint events, Watch watch)
    {
        ulong token = watch.Token = Interlocked.Increment(ref _lastToken);
        _watches[token] = watch;
        if (Polling.Control(_epoll.Number, Polling.Add, descriptor.Number, events, token) == 0) return;
        LinuxException failure = LinuxException.Last("epoll_ctl");
        _watches.TryRemove(token, out _);
        throw failure;
    }

    /// <summary>Changes what a descriptor is watched for.</summary>
    internal void Change(Descriptor descriptor, uint events, Watch watch) =>
        Polling.Control(_epoll.Number, Polling.Modify, descriptor.Number, events, watch.Token);

    /// <summary>Forgets a descriptor that is closed at once and that nobody else has: the kernel forgets it by itself (epoll(7)).</summary>
    internal void Forget(Watch watch) => _watches.TryRemove(watch.Token, out _);

    /// <summary>Forgets a descriptor. Before it is closed.</summary>
    internal void Remove(Descriptor descriptor, Watch watch)
    {
        Polling.Control(_epoll.Number, Polling.Delete, descriptor.Number, 0, watch.Token);
        _watches.TryRemove(watch.Token, out _);
    }

    /// <summary>Ends the loop after what it is at; what is scheduled or due then or later runs on the thread pool. Watches are told nothing more.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isStopping, 1) == 0) Wake();
    }

    private void Run()
    {
        Span<Polling.ReadyEvent> events = stackalloc Polling.ReadyEvent[EventsPerWait];
        while (Volatile.Read(ref _isStopping) == 0)
        {
            int behind = _behind.Count;
            int count = Polling.Wait(_epoll.Number, events, _ready.Count + behind > 0 ? TimeSpan.Zero : Patience());
            for (int i = 0; i < count; i++)
            {
                if (events[i].Token == 0) ClearWake();
                else if (_watches.TryGetValue(events[i].Token, out Watch? watch)) watch.OnReady(events[i].Events);
                // What follows from an event runs while its packets are in the cache.
                RunReady();
            }
            FireTimers();
            for (; behind > 0; behind--) _ready.Enqueue(_behind.Dequeue());
            RunReady();
        }
        _hasEnded = true;
        foreach (IThreadPoolWorkItem item in _behind) _ready.Enqueue(item);
        foreach (IThreadPoolWorkItem item in _ready) System.Threading.ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
        GiveAway();
        lock (Gate)
        {
            foreach (LoopTimer timer in _timers) timer.LeaveLoop();
        }
        _epoll.Dispose();
        _wake.Dispose();
    }

    // Until the first timer.
    private TimeSpan Patience()
    {
        long due = FirstDue();
        Interlocked.Exchange(ref _sleepsUntil, due);
        due = Math.Min(due, FirstDue());
        if (due == LoopTimer.Never) return Timeout.InfiniteTimeSpan;
        TimeSpan left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
        // The kernel counts from a clock that may be a tick behind ours, and would have us look a moment too early.
        return left <= TimeSpan.Zero ? TimeSpan.Zero : left + TimeSpan.FromTicks(1);
    }

    private long FirstDue()
    {
        long first = LoopTimer.Never;
        foreach (LoopTimer timer in Volatile.Read(ref _timers)) first = Math.Min(first, timer.Due);
        return first;
    }

    private void FireTimers()
    {
        LoopTimer[] timers = Volatile.Read(ref _timers);
        if (timers.Length == 0) return;
        long now = Stopwatch.GetTimestamp();
        foreach (LoopTimer timer in timers) timer.FireIfDue(now);
    }

    private void RunReady()
    {
        for (int left = ItemsPerTurn; left > 0 && _ready.TryDequeue(out IThreadPoolWorkItem? item); left--) item.Execute();
    }

    private void GiveAway()
    {
        while (_posted.TryDequeue(out IThreadPoolWorkItem? item)) System.Threading.ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
    }

    private unsafe void Wake()
    {
        ulong one = 1;
        _ = Descriptors.write(_wake.Number, &one, sizeof(ulong));
    }

    private unsafe void ClearWake()
    {
        ulong value;
        _ = Descriptors.read(_wake.Number, &value, sizeof(ulong));
        // First the flag, then the queue: what comes in between wakes us once too often and not once too rarely.
        Volatile.Write(ref _isWoken, 0);
        while (_posted.TryDequeue(out IThreadPoolWorkItem? item)) _ready.Enqueue(item);
    }
}
