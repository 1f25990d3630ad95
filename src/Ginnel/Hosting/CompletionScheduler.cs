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

    /// <summary>Goes on as an item of this scheduler.</summary>
    internal Turn YieldAsync() => new(this);

    /// <summary>The wait for one's turn.</summary>
    internal readonly struct Turn(CompletionScheduler scheduler) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;
        public Turn GetAwaiter() => this;
        public void GetResult()
        {
        }

        public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);
        public void UnsafeOnCompleted(Action continuation) => scheduler.Schedule(new TurnItem(continuation));
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
