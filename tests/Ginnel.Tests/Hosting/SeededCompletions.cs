namespace Ginnel.Tests;

/// <summary>Holds continuations back and runs them, on the test's own thread, in an order that a seed decides.</summary>
internal sealed class SeededCompletions(int seed) : CompletionScheduler
{
    private readonly Random _random = new(seed);
    private readonly List<IThreadPoolWorkItem> _waiting = [];

    public override void Schedule(IThreadPoolWorkItem item) => _waiting.Add(item);

    /// <summary>Runs one; false when none waits.</summary>
    internal bool RunOne()
    {
        if (_waiting.Count == 0) return false;
        int index = _random.Next(_waiting.Count);
        IThreadPoolWorkItem item = _waiting[index];
        _waiting.RemoveAt(index);
        item.Execute();
        return true;
    }
}
