namespace Ginnel;

/// <summary>The flows of one relay: how many there are, which have been idle for too long, and when the last has ended.</summary>
internal sealed class FlowSet(FlowRegistry registry, TimeProvider time, TimeSpan idleTimeout)
{
    /// <summary>Flows of which the idlest gives way, and at how many they are looked for: a newcomer costs no more than that.</summary>
    private const int Candidates = 8, MaxLooks = 64;

    private readonly Lock _lock = new();
    // In the order of their age; who was looked at for one to give way goes to the young end.
    private Flow? _oldest;
    private Flow? _newest;
    private int _count;
    private TaskCompletionSource? _emptied;

    internal int Count => Volatile.Read(ref _count);

    /// <summary>
    /// A relay's life: admits what its listener offers until that is closed, then waits for the last flow; or until the token is cancelled,
    /// which ends all flows.
    /// </summary>
    internal async Task RunAsync<TPending>(
        Func<CancellationToken, ValueTask<TPending?>> accept, Action<TPending, CancellationToken> admit, CancellationToken cancellationToken)
        where TPending : class
    {
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task sweep = SweepAsync(stop.Token);
        try
        {
            while (await accept(stop.Token).ConfigureAwait(false) is { } pending) admit(pending, stop.Token);
            using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(_ => EndAll("the relay was stopped"), null);
            await WhenEmptyAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            EndAll("the relay was stopped");
            await WhenEmptyAsync().ConfigureAwait(false);
            await sweep.ConfigureAwait(false);
        }
    }

    /// <summary>Begins a flow; <see cref="End"/> is called once for each.</summary>
    internal Flow Begin(FlowInfo info)
    {
        Flow flow = registry.Create(info);
        lock (_lock) Append(flow);
        return flow;
    }

    /// <summary>A flow is over.</summary>
    internal void End(Flow flow, FlowEnd end)
    {
        try
        {
            registry.Finish(flow, end);
        }
        finally
        {
            Remove(flow);
        }
    }

    /// <summary>How a flow ends whose serving threw: as a dial that failed.</summary>
    internal static FlowEnd EndOf(Exception exception) =>
        new(FlowEndKind.DialFailed, new DialFailure(DialFailureKind.HostUnreachable, exception.Message));

    /// <summary>
    /// Ends a flow for a newer one: of some old ones that which has been idle longest. Who is in use, carried both ways and idle for less than the
    /// assurance, gives way to others of its own source only, so that one who opens many displaces nobody else's. False when there is none.
    /// </summary>
    internal bool EndIdlest(FlowInfo newcomer, TimeSpan assurance, string reason)
    {
        Flow? idlest = null, own = null;
        lock (_lock)
        {
            int found = 0;
            for (int looks = Math.Min(MaxLooks, _count); looks > 0 && found < Candidates; looks--)
            {
                Flow flow = _oldest!;
                Unlink(flow);
                Append(flow);
                if (flow.IsEnding) continue;
                if (!flow.HasCarriedBothWays || flow.IdleFor >= assurance)
                {
                    found++;
                    idlest = Idler(flow, idlest);
                }
                else if (Equals(flow.Info.Source?.Address, newcomer.Source?.Address))
                {
                    own = Idler(flow, own);
                }
            }
        }
        idlest ??= own;
        idlest?.RequestEnd(new FlowEnd(FlowEndKind.Ended, Reason: reason));
        return idlest is not null;
    }

    private static Flow Idler(Flow flow, Flow? other) => other is null || flow.IdleFor > other.IdleFor ? flow : other;

    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (idleTimeout == Timeout.InfiniteTimeSpan) return;
        TimeSpan interval = TimeSpan.FromTicks(Math.Clamp(idleTimeout.Ticks / 10, TimeSpan.TicksPerMillisecond * 10, TimeSpan.TicksPerSecond * 10));
        using PeriodicTimer timer = new(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                foreach (Flow flow in Those(flow => flow.IdleFor >= idleTimeout)) flow.RequestEnd(new FlowEnd(FlowEndKind.Idle));
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void EndAll(string reason)
    {
        foreach (Flow flow in Those(static _ => true)) flow.RequestEnd(new FlowEnd(FlowEndKind.Ended, Reason: reason));
    }

    private List<Flow> Those(Func<Flow, bool> rule)
    {
        List<Flow> found = [];
        lock (_lock)
        {
            for (Flow? flow = _oldest; flow is not null; flow = flow.Newer)
                if (rule(flow)) found.Add(flow);
        }
        return found;
    }

    private Task WhenEmptyAsync()
    {
        lock (_lock)
        {
            if (_count == 0) return Task.CompletedTask;
            _emptied ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _emptied.Task;
        }
    }

    private void Remove(Flow flow)
    {
        TaskCompletionSource? emptied = null;
        lock (_lock)
        {
            Unlink(flow);
            if (_count == 0) (emptied, _emptied) = (_emptied, null);
        }
        emptied?.SetResult();
    }

    private void Append(Flow flow)
    {
        (flow.Older, flow.Newer) = (_newest, null);
        if (_newest is null) _oldest = flow;
        else _newest.Newer = flow;
        _newest = flow;
        _count++;
    }

    private void Unlink(Flow flow)
    {
        if (flow.Older is null) _oldest = flow.Newer;
        else flow.Older.Newer = flow.Newer;
        if (flow.Newer is null) _newest = flow.Older;
        else flow.Newer.Older = flow.Older;
        (flow.Older, flow.Newer) = (null, null);
        _count--;
    }
}
