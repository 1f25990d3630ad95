using System.Numerics;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// What was written and is not yet acknowledged. Theory of operation: a ring of a power of two bytes; the head is the octet at
/// SND.UNA, acknowledgments move it, a write lease lends the free part behind the tail. The array is replaced by a larger one only
/// when a lease begins, hence never while one is out; acknowledgments move the head but no byte, so they may come at any time.
/// </summary>
internal struct SendRing
{
    private byte[]? _array;
    private int _head;
    private int _leased;
    private bool _isLeased;
    private bool _closed;

    /// <summary>Bytes in the ring: in flight and unsent.</summary>
    internal int Count { get; private set; }

    /// <summary>Whether a write lease is out.</summary>
    internal readonly bool IsLeased => _isLeased;

    /// <summary>Lends room for up to <paramref name="wanted"/> bytes or more; false when there is none.</summary>
    internal bool TryLease(int wanted, int limit, RingMemory memory, out RingLease lease)
    {
        lease = default;
        int needed = (int)Math.Min(limit, (long)Count + Math.Max(1, wanted));
        if (needed > (_array?.Length ?? 0)) Grow(needed, memory);
        if (_array is null) return false;
        int free = _array.Length - Count;
        if (free == 0) return false;
        int tail = (_head + Count) & (_array.Length - 1);
        int first = Math.Min(free, _array.Length - tail);
        lease = new RingLease(_array.AsMemory(tail, first), _array.AsMemory(0, free - first));
        (_isLeased, _leased) = (true, free);
        return true;
    }

    /// <summary>Ends the lease. False if there is none or it is shorter than <paramref name="count"/>.</summary>
    internal bool TryCommit(int count, RingMemory memory)
    {
        if (!_isLeased || (uint)count > (uint)_leased) return false;
        _isLeased = false;
        if (_closed) Free(memory);
        else Count += count;
        if (Count == 0) Free(memory);
        return true;
    }

    /// <summary>Copies bytes from <paramref name="offset"/> behind the head.</summary>
    internal readonly void Read(int offset, Span<byte> destination)
    {
        if (destination.IsEmpty) return;
        byte[] array = _array!;
        int start = (_head + offset) & (array.Length - 1);
        int first = Math.Min(destination.Length, array.Length - start);
        array.AsSpan(start, first).CopyTo(destination);
        array.AsSpan(0, destination.Length - first).CopyTo(destination[first..]);
    }

    /// <summary>Copies bytes from <paramref name="offset"/> behind the head and tells their sum (RFC 1071), in one pass.</summary>
    internal readonly ulong ReadSummed(int offset, Span<byte> destination)
    {
        if (destination.IsEmpty) return 0;
        byte[] array = _array!;
        int start = (_head + offset) & (array.Length - 1);
        int first = Math.Min(destination.Length, array.Length - start);
        ulong sum = Checksum.SumAndCopy(array.AsSpan(start, first), destination);
        if (first == destination.Length) return sum;
        ReadOnlySpan<byte> rest = array.AsSpan(0, destination.Length - first);
        return Checksum.Combine(sum, first, Checksum.SumAndCopy(rest, destination[first..]));
    }

    /// <summary>Drops acknowledged bytes from the head.</summary>
    internal void Release(int count, RingMemory memory)
    {
        if (count == 0) return;
        _head = (_head + count) & (_array!.Length - 1);
        Count -= count;
        if (Count == 0 && !_isLeased) Free(memory);
    }

    /// <summary>Drops everything; while leased the array waits for the lease's end.</summary>
    internal void Close(RingMemory memory)
    {
        _closed = true;
        Count = 0;
        if (!_isLeased) Free(memory);
    }

    /// <summary>Drops everything for good; a lease that is out will never be ended.</summary>
    internal void Abandon(RingMemory memory)
    {
        _closed = true;
        Count = 0;
        if (_isLeased && _array is { } array) memory.Abandon(MemoryUse.Send, array);
        else Free(memory);
        _array = null;
        _isLeased = false;
    }

    // When memory is scarce a smaller ring than wanted is still better than none: the writer goes on in smaller steps.
    private void Grow(int needed, RingMemory memory)
    {
        int size = Math.Max(RingMemory.Smallest, (int)BitOperations.RoundUpToPowerOf2((uint)needed));
        byte[] larger;
        while (!memory.TryRent(MemoryUse.Send, size, out larger))
        {
            size /= 2;
            if (size < RingMemory.Smallest || size <= (_array?.Length ?? 0)) return;
        }
        if (_array is { } old)
        {
            Read(0, larger.AsSpan(0, Count));
            memory.Return(MemoryUse.Send, old);
        }
        _array = larger;
        _head = 0;
    }

    private void Free(RingMemory memory)
    {
        if (_array is null) return;
        memory.Return(MemoryUse.Send, _array);
        _array = null;
        _head = 0;
    }
}
