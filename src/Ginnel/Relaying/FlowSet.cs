using System.Collections.Concurrent;

namespace Ginnel;

/// <summary>The flows of one relay: how many there may be, which have been idle for too long, and when the last has ended.</summary>
internal sealed class FlowSet(FlowRegistry registry, TimeProvider time, TimeSpan idleTimeout)
{
    private readonly ConcurrentDictionary<Flow, Task> _running = new();

    internal FlowRegistry Registry => registry;

    internal int Count => _running.Count;

    /// <summary>Keeps the task of a flow until it has ended. Removal follows insertion, or a flow that ends at once would stay for ever.</summary>
    internal void Track(Flow flow, Task task)
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
    internal async Task SweepAsync(CancellationToken cancellationToken)
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
    internal void EndAll(string reason)
    {
        foreach (Flow flow in _running.Keys) flow.RequestEnd(new FlowEnd(FlowEndKind.Ended, Reason: reason));
    }

    /// <summary>Completes when no flow is left.</summary>
    internal async Task WhenEmptyAsync()
    {
        while (!_running.IsEmpty)
        {
            await Task.WhenAll(_running.Values).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // A task completes just before its entry goes.
            await Task.Yield();
        }
    }
}
