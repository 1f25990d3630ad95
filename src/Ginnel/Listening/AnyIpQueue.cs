namespace Ginnel;

/// <summary>
/// What arrived in any-IP mode and waits to be taken by an accept. Bounded by the stack's own limit of pending sockets; what was abandoned
/// meanwhile is left out. All but <see cref="TakeAsync"/> under the shard's lock.
/// </summary>
internal sealed class AnyIpQueue<T>(Shard shard, Func<T, bool> isAlive) where T : class
{
    private const int FirstPurge = 64;
    private readonly Queue<T> _items = new();
    private readonly WaitQueue _waiting = new();
    private int _purgeAt = FirstPurge;
    private bool _closed;

    internal bool IsClosed => _closed;

    internal void Add(T item, ref ShardWork work)
    {
        if (_items.Count >= _purgeAt) Purge();
        _items.Enqueue(item);
        _waiting.WakeAll(ref work);
    }

    // Where nobody takes, a flood would leave the abandoned behind without end; the living are few.
    private void Purge()
    {
        for (int left = _items.Count; left > 0; left--)
            if (_items.Dequeue() is var item && isAlive(item)) _items.Enqueue(item);
        _purgeAt = Math.Max(FirstPurge, 2 * _items.Count);
    }

    /// <summary>Closes the queue and yields what nobody took.</summary>
    internal T[] Close(ref ShardWork work)
    {
        _closed = true;
        T[] left = [.. _items];
        _items.Clear();
        _waiting.WakeAll(ref work);
        return left;
    }

    internal async ValueTask<T?> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            (T? item, Task? wait) = shard.Peek(this, static (_, queue) => queue.Take());
            if (item is not null || wait is null) return item;
            await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private (T? Item, Task? Wait) Take()
    {
        while (_items.TryDequeue(out T? item))
            if (isAlive(item)) return (item, null);
        return (null, _closed || shard.Ended is not null ? null : _waiting.Wait());
    }
}
