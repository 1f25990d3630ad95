namespace Ginnel;

/// <summary>
/// Those who wait for something that they ask for again once woken. They share one task, so one who gave up leaves nothing behind.
/// Guarded by the shard's lock; continuations run outside it.
/// </summary>
internal sealed class WaitQueue
{
    private Waiter? _waiter;

    /// <summary>Under the lock: a task that completes with the next wake.</summary>
    internal Task Wait() => (_waiter ??= new Waiter()).Task;

    /// <summary>Under the lock: wakes all who wait.</summary>
    internal void WakeAll(ref ShardWork work)
    {
        if (_waiter is null) return;
        work.Add(_waiter);
        _waiter = null;
    }

    private sealed class Waiter : Completion
    {
        private readonly TaskCompletionSource _source = new();

        internal Task Task => _source.Task;

        public override void Execute() => _source.TrySetResult();
    }
}
