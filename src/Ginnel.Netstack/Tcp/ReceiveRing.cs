using System.Numerics;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// What was received and is not yet read. Theory of operation: the head is the first unread octet, <see cref="Readable"/> octets
/// follow in order up to RCV.NXT, and behind them out-of-order octets stand at the places where they belong, so that a filled hole
/// costs no copy. A read lease lends the readable octets. When data come that the array cannot take, it is replaced by a larger copy;
/// if a lease is out, the old array lives on unchanged until the lease ends, for its bytes may be neither moved nor freed.
/// </summary>
internal struct ReceiveRing
{
    private byte[]? _array;
    private byte[]? _leasedArray;
    private int _head;
    private int _leased;
    private int _formerSize;
    private bool _isLeased;

    /// <summary>Octets in order that wait to be read.</summary>
    internal int Readable { get; private set; }

    /// <summary>Bytes of the present array.</summary>
    internal readonly int Capacity => _array?.Length ?? 0;

    /// <summary>Whether a read lease is out.</summary>
    internal readonly bool IsLeased => _isLeased;

    /// <summary>
    /// Puts octets <paramref name="offset"/> behind the last readable one. False when the memory for them is not to be had.
    /// </summary>
    internal bool TryWrite(int offset, ReadOnlySpan<byte> bytes, RingMemory memory)
    {
        if (!TryPlace(offset, bytes.Length, memory, out Span<byte> first, out Span<byte> second)) return false;
        bytes[..first.Length].CopyTo(first);
        bytes[first.Length..].CopyTo(second);
        return true;
    }

    /// <summary>Puts octets right behind the last readable one and tells their sum (RFC 1071), in one pass.</summary>
    internal bool TryWriteSummed(ReadOnlySpan<byte> bytes, RingMemory memory, out ulong sum)
    {
        sum = 0;
        if (!TryPlace(0, bytes.Length, memory, out Span<byte> first, out Span<byte> second)) return false;
        sum = Checksum.SumAndCopy(bytes[..first.Length], first);
        if (!second.IsEmpty) sum = Checksum.Combine(sum, first.Length, Checksum.SumAndCopy(bytes[first.Length..], second));
        return true;
    }

    private bool TryPlace(int offset, int length, RingMemory memory, out Span<byte> first, out Span<byte> second)
    {
        int needed = Readable + offset + length;
        if (needed > Capacity && !TryGrow(needed, memory))
        {
            first = second = default;
            return false;
        }
        byte[] array = _array!;
        int start = (_head + Readable + offset) & (array.Length - 1);
        int before = Math.Min(length, array.Length - start);
        first = array.AsSpan(start, before);
        second = array.AsSpan(0, length - before);
        return true;
    }

    /// <summary>The next octets behind the last readable one are there: they become readable.</summary>
    internal void Advance(int count) => Readable += count;

    /// <summary>Lends everything readable; false when nothing is.</summary>
    internal bool TryLease(out RingLease lease)
    {
        lease = default;
        if (Readable == 0) return false;
        byte[] array = _array!;
        int first = Math.Min(Readable, array.Length - _head);
        lease = new RingLease(array.AsMemory(_head, first), array.AsMemory(0, Readable - first));
        (_isLeased, _leased, _leasedArray) = (true, Readable, array);
        return true;
    }

    /// <summary>Ends the lease. False if there is none or it is shorter than <paramref name="count"/>.</summary>
    /// <param name="count">Octets that were read.</param>
    /// <param name="keep">Whether out-of-order octets stand behind the readable ones.</param>
    /// <param name="memory">Where arrays go.</param>
    internal bool TryConsume(int count, bool keep, RingMemory memory)
    {
        if (!_isLeased || (uint)count > (uint)_leased) return false;
        EndLease(memory);
        // The connection was aborted meanwhile: there is nothing left to move.
        if (_array is null) return true;
        _head = (_head + count) & (_array.Length - 1);
        Readable -= count;
        if (Readable == 0 && !keep) Free(memory);
        return true;
    }

    /// <summary>Gives the array back if it holds nothing: the out-of-order octets behind the readable ones are gone.</summary>
    internal void FreeIfEmpty(RingMemory memory)
    {
        if (Readable == 0 && !_isLeased) Free(memory);
    }

    /// <summary>Drops everything; a leased array waits for the lease's end.</summary>
    internal void Close(RingMemory memory)
    {
        Readable = 0;
        if (_isLeased && ReferenceEquals(_array, _leasedArray)) _array = null;
        else Free(memory);
    }

    /// <summary>Drops everything for good; a lease that is out will never be ended.</summary>
    internal void Abandon(RingMemory memory)
    {
        Close(memory);
        if (_leasedArray is { } leased) memory.Abandon(MemoryUse.Receive, leased);
        _leasedArray = null;
        _isLeased = false;
    }

    private void EndLease(RingMemory memory)
    {
        if (!ReferenceEquals(_array, _leasedArray)) memory.Return(MemoryUse.Receive, _leasedArray!);
        _leasedArray = null;
        _isLeased = false;
    }

    private bool TryGrow(int needed, RingMemory memory)
    {
        int size = Math.Max(RingMemory.Smallest, (int)BitOperations.RoundUpToPowerOf2((uint)needed));
        // A stream that is read as fast as it comes empties its ring with every burst: it does not begin with the smallest each time.
        if (_array is null && !memory.Budget.IsShort) size = Math.Max(size, _formerSize / 2);
        if (!memory.TryRent(MemoryUse.Receive, size, out byte[] larger)) return false;
        if (_array is { } old)
        {
            // Everything moves, in the order of the ring: out-of-order octets are somewhere behind the readable ones.
            int first = old.Length - _head;
            old.AsSpan(_head, first).CopyTo(larger);
            old.AsSpan(0, _head).CopyTo(larger.AsSpan(first));
            if (!ReferenceEquals(old, _leasedArray)) memory.Return(MemoryUse.Receive, old);
        }
        _array = larger;
        _head = 0;
        return true;
    }

    private void Free(RingMemory memory)
    {
        if (_array is null) return;
        _formerSize = _array.Length;
        memory.Return(MemoryUse.Receive, _array);
        _array = null;
        _head = 0;
    }
}
