using System.Collections.Concurrent;

namespace Ginnel;

/// <summary>The one list of live flows, which status, logs, audit and control read. Several relays may share one. Thread-safe.</summary>
public sealed class FlowRegistry
{
    private readonly ConcurrentDictionary<long, Flow> _live = new();
    private readonly TimeProvider _time;
    private IFlowObserver[] _observers = [];
    private long _lastId;
    private long _ended;
    private long _failed;

    /// <summary>An empty registry.</summary>
    public FlowRegistry(TimeProvider? time = null) => _time = time ?? TimeProvider.System;

    /// <summary>Live flows, a copy.</summary>
    public IReadOnlyCollection<Flow> Live => [.. _live.Values];

    /// <summary>How many are live.</summary>
    public int LiveCount => _live.Count;

    /// <summary>Flows that carried and ended.</summary>
    public long EndedCount => Volatile.Read(ref _ended);

    /// <summary>Flows whose dial failed or that were abandoned.</summary>
    public long FailedCount => Volatile.Read(ref _failed);

    /// <summary>Has an observer told of every flow from now on, until the result is disposed of.</summary>
    public IDisposable Observe(IFlowObserver observer)
    {
        ArgumentNullException.ThrowIfNull(observer);
        lock (_live) _observers = [.. _observers, observer];
        return new Subscription(this, observer);
    }

    /// <summary>Ends a flow; its two sides are reset. False if there is none of this number.</summary>
    public bool TryEnd(long id, string reason)
    {
        if (!_live.TryGetValue(id, out Flow? flow)) return false;
        flow.RequestEnd(new FlowEnd(FlowEndKind.Ended, Reason: reason));
        return true;
    }

    /// <summary>Ends every flow that the rule picks: of a session, of an origin.</summary>
    /// <returns>How many.</returns>
    public int EndWhere(Func<Flow, bool> rule, string reason)
    {
        ArgumentNullException.ThrowIfNull(rule);
        int ended = 0;
        foreach (Flow flow in _live.Values)
        {
            if (!rule(flow)) continue;
            flow.RequestEnd(new FlowEnd(FlowEndKind.Ended, Reason: reason));
            ended++;
        }
        return ended;
    }

    internal Flow Create(FlowInfo info) => new(Interlocked.Increment(ref _lastId), info, _time);

    internal void Start(Flow flow)
    {
        _live[flow.Id] = flow;
        foreach (IFlowObserver observer in Volatile.Read(ref _observers)) observer.Started(flow);
    }

    internal void Finish(Flow flow, FlowEnd end)
    {
        flow.Finish(end);
        if (_live.TryRemove(flow.Id, out _)) Interlocked.Increment(ref _ended); else Interlocked.Increment(ref _failed);
        foreach (IFlowObserver observer in Volatile.Read(ref _observers)) observer.Ended(flow);
    }

    private sealed class Subscription(FlowRegistry registry, IFlowObserver observer) : IDisposable
    {
        public void Dispose()
        {
            lock (registry._live) registry._observers = Array.FindAll(registry._observers, other => other != observer);
        }
    }
}
