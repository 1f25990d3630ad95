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

    private sealed class ThreadPoolScheduler : CompletionScheduler
    {
        public override void Schedule(IThreadPoolWorkItem item) =>
            System.Threading.ThreadPool.UnsafeQueueUserWorkItem(item, preferLocal: false);
    }
}
