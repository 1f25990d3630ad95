using Ginnel.Netstack;

namespace Ginnel;

/// <summary>Something to run outside the lock after the core has been told; at most once scheduled at a time.</summary>
internal abstract class Completion : IThreadPoolWorkItem
{
    internal Completion? Next;

    public abstract void Execute();
}

/// <summary>What one entry into a shard leaves to do once its lock is released: a chain through the items themselves, so it costs nothing.</summary>
internal struct ShardWork
{
    private Completion? _first;
    private Completion? _last;

    /// <summary>Ports that this entry has to send for.</summary>
    internal ShardPort? FirstSender;

    /// <summary>A deadline that must be asked for, or never.</summary>
    internal Instant Deadline;

    internal void Add(Completion completion)
    {
        if (_last is null) _first = completion; else _last.Next = completion;
        _last = completion;
    }

    internal void ScheduleAll(CompletionScheduler scheduler)
    {
        Completion? item = _first;
        while (item is not null)
        {
            // The link must be cleared first: once scheduled, the item may complete and be chained again.
            Completion? next = item.Next;
            item.Next = null;
            scheduler.Schedule(item);
            item = next;
        }
        _first = _last = null;
    }
}
