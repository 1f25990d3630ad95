using System.Runtime.CompilerServices;

namespace Ginnel;

/// <summary>
/// Where continuations of network operations run: never under a host's lock. The thread pool in production; a test passes one that
/// runs them in an order of its own, which makes every interleaving repeatable.
/// </summary>
public abstract class CompletionScheduler
{
    /// <summary>The thread pool.</summary>
    public static CompletionScheduler ThreadPool { get; } = new ThreadPoolScheduler();

    /// <summary>Runs the item once, soon, and not on the caller's stack unless the scheduler is made for that.</summary>
    public abstract void Schedule(IThreadPoolWorkItem item);

    /// <summary>A timer for a runtime's deadlines, without a period. A scheduler with a thread that waits may call from there, and cost no other.</summary>
    /// <param name="time">The runtime's clock.</param>
    /// <param name="fire">Called once after each change, never while the change is being made, perhaps early.</param>
    /// <returns>Not armed. <see cref="ITimer.Change"/> is called with no period, from any thread.</returns>
    protected internal virtual ITimer CreateTimer(TimeProvider time, Action fire)
    {
        // The timer must not keep whatever context the first user of the runtime happens to run in.
        using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
        return time.CreateTimer(static state => ((Action)state!)(), fire, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Runs an item later than <see cref="Schedule"/> would: after everything that waits now, in the kernel too where that is told here.</summary>
    protected internal virtual void ScheduleBehind(IThreadPoolWorkItem item) => Schedule(item);

    /// <summary>Goes on as an item of this scheduler.</summary>
    /// <param name="behindAll">Whether everybody else has a turn first.</param>
    internal Turn YieldAsync(bool behindAll = false) => new(this, behindAll);

    /// <summary>The wait for one's turn.</summary>
    internal readonly struct Turn(CompletionScheduler scheduler, bool behindAll) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;
        public Turn GetAwaiter() => this;
        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

        public void UnsafeOnCompleted(Action continuation)
        {
            if (behindAll) scheduler.ScheduleBehind(new TurnItem(continuation));
            else scheduler.Schedule(new TurnItem(continuation));
        }
    }

    private sealed class TurnItem(Action continuation) : IThreadPoolWorkItem
    {
        public void Execute() => continuation();
    }

    private sealed class ThreadPoolScheduler : CompletionScheduler
    {
        public override void Schedule(IThreadPoolWorkItem item) =>
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
    }
}
