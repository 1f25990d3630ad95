namespace Ginnel.Netstack;

/// <summary>Something with at most one deadline: a connection (the earliest of its timers), the reassembler, a neighbor cache.</summary>
internal abstract class Timed
{
    internal int HeapIndex = -1;
    internal Instant HeapDeadline = Instant.Never;

    /// <summary>
    /// Called by <see cref="TimerQueue.Fire"/> once the deadline has passed; the item is no longer armed and may arm itself again.
    /// </summary>
    internal abstract void OnDeadline(Instant now);
}

/// <summary>
/// Deadlines in a binary heap. Re-arming later is lazy: the entry stays where it is until it comes to the top, because TCP moves its
/// retransmission timer forward with every acknowledgment and almost never lets it expire.
/// </summary>
internal sealed class TimerQueue
{
    private Timed[] _heap = [];
    private int _count;

    /// <summary>The earliest time at which <see cref="Fire"/> may have something to do; perhaps too early, never too late.</summary>
    internal Instant Next => _count == 0 ? Instant.Never : _heap[0].HeapDeadline;

    internal int Count => _count;

    /// <summary>Arms, moves or (with <see cref="Instant.Never"/>) disarms.</summary>
    internal void Arm(Timed item, Instant deadline)
    {
        if (deadline == Instant.Never) { Remove(item); return; }
        if (item.HeapIndex < 0)
        {
            if (_count == _heap.Length) Array.Resize(ref _heap, Math.Max(4, _count * 2));
            item.HeapDeadline = deadline;
            Place(item, _count++);
            SiftUp(item.HeapIndex);
            return;
        }
        bool earlier = deadline < item.HeapDeadline;
        item.HeapDeadline = deadline;
        if (earlier) SiftUp(item.HeapIndex); else SiftDown(item.HeapIndex);
    }

    /// <summary>Runs every item whose deadline is not after <paramref name="now"/>.</summary>
    internal void Fire(Instant now)
    {
        while (_count > 0 && _heap[0].HeapDeadline <= now)
        {
            Timed due = _heap[0];
            Remove(due);
            due.OnDeadline(now);
        }
    }

    internal void Remove(Timed item)
    {
        int index = item.HeapIndex;
        if (index < 0) return;
        item.HeapIndex = -1;
        item.HeapDeadline = Instant.Never;
        Timed last = _heap[--_count];
        _heap[_count] = null!;
        if (index == _count) return;
        Place(last, index);
        SiftUp(index);
        SiftDown(last.HeapIndex);
    }

    private void SiftUp(int index)
    {
        Timed item = _heap[index];
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (_heap[parent].HeapDeadline <= item.HeapDeadline) break;
            Place(_heap[parent], index);
            index = parent;
        }
        Place(item, index);
    }

    private void SiftDown(int index)
    {
        Timed item = _heap[index];
        while (true)
        {
            int child = 2 * index + 1;
            if (child >= _count) break;
            if (child + 1 < _count && _heap[child + 1].HeapDeadline < _heap[child].HeapDeadline) child++;
            if (item.HeapDeadline <= _heap[child].HeapDeadline) break;
            Place(_heap[child], index);
            index = child;
        }
        Place(item, index);
    }

    private void Place(Timed item, int index)
    {
        _heap[index] = item;
        item.HeapIndex = index;
    }
}
