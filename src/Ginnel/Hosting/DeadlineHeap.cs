using Ginnel.Netstack;

namespace Ginnel;

/// <summary>A binary heap whose items know their place, so that a deadline moves without leaving a stale entry behind.</summary>
internal sealed class DeadlineHeap
{
    private Scheduled[] _items = new Scheduled[16];
    private int _count;

    internal Instant Earliest => _count == 0 ? Instant.Never : _items[0].HeapDeadline;

    internal void Set(Scheduled item, Instant deadline)
    {
        item.HeapDeadline = deadline;
        if (item.HeapIndex < 0)
        {
            if (_count == _items.Length) Array.Resize(ref _items, _count * 2);
            Place(item, _count++);
        }
        SiftDown(SiftUp(item.HeapIndex));
    }

    internal bool TryTakeDue(Instant now, out Scheduled? item)
    {
        item = _count > 0 && _items[0].HeapDeadline <= now ? _items[0] : null;
        if (item is null) return false;
        Remove(item);
        return true;
    }

    internal void Remove(Scheduled item)
    {
        int index = item.HeapIndex;
        item.HeapDeadline = Instant.Never;
        item.HeapIndex = -1;
        if (index < 0) return;
        Scheduled last = _items[--_count];
        _items[_count] = null!;
        if (last == item) return;
        Place(last, index);
        SiftDown(SiftUp(index));
    }

    private int SiftUp(int index)
    {
        Scheduled item = _items[index];
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (_items[parent].HeapDeadline <= item.HeapDeadline) break;
            Place(_items[parent], index);
            index = parent;
        }
        Place(item, index);
        return index;
    }

    private void SiftDown(int index)
    {
        Scheduled item = _items[index];
        while (true)
        {
            int child = 2 * index + 1;
            if (child >= _count) break;
            if (child + 1 < _count && _items[child + 1].HeapDeadline < _items[child].HeapDeadline) child++;
            if (item.HeapDeadline <= _items[child].HeapDeadline) break;
            Place(_items[child], index);
            index = child;
        }
        Place(item, index);
    }

    private void Place(Scheduled item, int index)
    {
        _items[index] = item;
        item.HeapIndex = index;
    }
}
