using System.Collections.Concurrent;

namespace Ginnel;

/// <summary>The flows of one relay: how many there may be, which have been idle for too long, and when the last has ended.</summary>
internal sealed class FlowSet(FlowRegistry registry, TimeProvider time, TimeSpan idleTimeout, CompletionScheduler scheduler)
{
    private readonly ConcurrentDictionary<Flow, Task> _running = new();

    internal int Count => _running.Count;

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

    /// <summary>Serves a flow from here on; a fault in it rejects what is pending and ends this flow only.</summary>
    internal void Serve(FlowInfo info, Func<Flow, Task<FlowEnd>> serve, Action<DialFailure> reject)
    {
        Flow flow = registry.Create(info);
        Track(flow, ServeAsync(flow, serve, reject));
    }

    private async Task ServeAsync(Flow flow, Func<Flow, Task<FlowEnd>> serve, Action<DialFailure> reject)
    {
        // The accept loop goes on at once; a dialer that works before its first await must not hold it up.
        await scheduler.YieldAsync();
        FlowEnd end;
        try
        {
            end = await serve(flow).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            reject(new DialFailure(DialFailureKind.HostUnreachable));
            end = new FlowEnd(FlowEndKind.DialFailed, new DialFailure(DialFailureKind.HostUnreachable, exception.Message));
        }
        registry.Finish(flow, end);
    }

    /// <summary>Keeps the task of a flow until it has ended. Removal follows insertion, or a flow that ends at once would stay for ever.</summary>
    private void Track(Flow flow, Task task)
    {
        _running[flow] = task;
        _ = task.ContinueWith(
            static (_, state) =>
            {
                (FlowSet set, Flow ended) = ((FlowSet, Flow))state!;
                set._running.TryRemove(ended, out Task? _);
            },
            (this, flow), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Ends what is idle, in intervals of a tenth of the timeout, until the token is cancelled.</summary>
    private async Task SweepAsync(CancellationToken cancellationToken)
    {
        if (idleTimeout == Timeout.InfiniteTimeSpan) return;
        TimeSpan interval = TimeSpan.FromTicks(Math.Clamp(idleTimeout.Ticks / 10, TimeSpan.TicksPerMillisecond * 10, TimeSpan.TicksPerSecond * 10));
        using PeriodicTimer timer = new(interval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                foreach (Flow flow in _running.Keys)
                    if (flow.IdleFor >= idleTimeout) flow.RequestEnd(new FlowEnd(FlowEndKind.Idle));
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>Ends every flow.</summary>
    private void EndAll(string reason)
    {
        foreach (Flow flow in _running.Keys) flow.RequestEnd(new FlowEnd(FlowEndKind.Ended, Reason: reason));
    }

    /// <summary>Completes when no flow is left.</summary>
    private async Task WhenEmptyAsync()
    {
        while (!_running.IsEmpty)
        {
            await Task.WhenAll(_running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // A task completes just before its entry goes.
            await Task.Yield();
        }
    }
}
