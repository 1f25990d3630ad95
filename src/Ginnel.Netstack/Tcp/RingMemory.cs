using System.Buffers;

namespace Ginnel.Netstack;

/// <summary>
/// Arrays for byte rings. Theory of operation: a ring rents its array when the first byte comes and gives it back when the last one
/// has gone, so that an idle connection owns none. The arrays come from the process's shared pool (exact powers of two, cached per
/// thread, trimmed by the garbage collector); what this class adds is the stack's budget: every rented byte counts against
/// <see cref="StackMemory.Limit"/>, and who was refused is told when memory comes back.
/// </summary>
internal sealed class RingMemory(StackContext context)
{
    /// <summary>Bytes of the smallest ring.</summary>
    internal const int Smallest = 4096;

    private readonly StackMemory _budget = context.Memory;
    private Queue<TcpConnection>? _waiters;

    /// <summary>The stack's budget.</summary>
    internal StackMemory Budget => _budget;

    /// <summary>Bytes of the budget that belong to connections.</summary>
    internal long InUse => _budget.Of(MemoryUse.Send) + _budget.Of(MemoryUse.Receive) + _budget.Of(MemoryUse.Scoreboard);

    /// <summary>
    /// What sending may bring the use to: the last quarter is left to receive rings. Otherwise two stacks whose writers hold all
    /// memory could never take the data that, once taken, would let the other's writer go on.
    /// </summary>
    private long LimitOf(MemoryUse use) => use == MemoryUse.Receive ? _budget.Limit : _budget.SendingLimit;

    /// <summary>Rents an array of exactly <paramref name="size"/> bytes, a power of two; false at the limit of its use.</summary>
    internal bool TryRent(MemoryUse use, int size, out byte[] array)
    {
        if (_budget.InUse + size > LimitOf(use))
        {
            array = [];
            return false;
        }
        _budget.Count(use, size);
        array = ArrayPool<byte>.Shared.Rent(size);
        return true;
    }

    /// <summary>Gives an array back; nobody may touch it any more.</summary>
    internal void Return(MemoryUse use, byte[] array)
    {
        int size = array.Length;
        ArrayPool<byte>.Shared.Return(array);
        _budget.Count(use, -size);
    }

    /// <summary>
    /// Leaves an array to the garbage collector, because a lease on it was never ended: whoever holds the lease may still read or
    /// write it, and must not touch another connection's bytes.
    /// </summary>
    internal void Abandon(MemoryUse use, byte[] array) => _budget.Count(use, -array.Length);

    /// <summary>
    /// Remembers a connection that could not get even its first ring, or had to tell its peer so: nothing of its own will ever wake it.
    /// </summary>
    internal void Await(TcpConnection connection)
    {
        if (connection.AwaitsMemory) return;
        connection.AwaitsMemory = true;
        (_waiters ??= new Queue<TcpConnection>()).Enqueue(connection);
        _budget.Freed = WakeWaiters;
    }

    /// <summary>Wakes those who wait, as long as the smallest ring is to be had. Called when memory or the limit changes.</summary>
    internal void WakeWaiters()
    {
        while (_waiters is { Count: > 0 } waiters && _budget.InUse + Smallest <= LimitOf(MemoryUse.Send))
        {
            TcpConnection connection = waiters.Dequeue();
            connection.AwaitsMemory = false;
            connection.MemoryAvailable();
        }
        if (_waiters is null or { Count: 0 }) _budget.Freed = null;
    }
}
