namespace Ginnel.Sandbox;

/// <summary>
/// Waits until what was scheduled before has run, and what it scheduled in its turn, as many times over as a new connection takes from the stack
/// to its relay.
/// </summary>
internal sealed class LoopTurns : IThreadPoolWorkItem
{
    private const int Turns = 8;

    private readonly CompletionScheduler _scheduler;
    private readonly TaskCompletionSource _passed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _left = Turns;

    private LoopTurns(CompletionScheduler scheduler) => _scheduler = scheduler;

    /// <summary>Completes behind everything that waits now.</summary>
    public static Task PassAsync(CompletionScheduler scheduler)
    {
        LoopTurns turns = new(scheduler);
        scheduler.Schedule(turns);
        return turns._passed.Task;
    }

    void IThreadPoolWorkItem.Execute()
    {
        if (--_left > 0) _scheduler.Schedule(this);
        else _passed.TrySetResult();
    }
}
