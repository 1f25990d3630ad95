using System.Buffers;

namespace Ginnel.Netstack;

/// <summary>
/// Arrays for byte rings. Theory of operation: a ring rents its array when the first byte comes and gives it back when the last one
/// has gone, so that an idle connection owns none. The arrays come from the process's shared pool (exact powers of two, cached per
/// thread, trimmed by the garbage collector); what this class adds is the stack's budget: every rented byte counts against
/// <see cref="StackContext.MemoryLimit"/>, and who was refused is told when memory comes back.
/// </summary>
internal sealed class RingMemory(StackContext context)
{
    /// <summary>Bytes of the smallest ring.</summary>
    internal const int Smallest = 4096;

    private Queue<TcpConnection>? _waiters;

    /// <summary>Bytes of the stack's budget that are rings; the rest are datagram queues.</summary>
    internal long InUse { get; private set; }

    /// <summary>The stack's limit.</summary>
    internal long Limit => context.MemoryLimit;

    /// <summary>Whether so little is left that windows stop growing (three quarters are in use).</summary>
    internal bool IsTight => context.MemoryInUse > context.MemoryLimit / 4 * 3;

    /// <summary>
    /// What send rings may bring the use to: the last quarter is left to receive rings. Otherwise two stacks whose writers hold all
    /// memory could never take the data that, once taken, would let the other's writer go on.
    /// </summary>
    private long SendLimit => context.MemoryLimit / 4 * 3;

    /// <summary>
    /// Rents an array of exactly <paramref name="size"/> bytes, a power of two, for a receive ring; false at the stack's limit.
    /// </summary>
    internal bool TryRent(int size, out byte[] array) => TryRent(size, context.MemoryLimit, out array);

    /// <summary>The same for a send ring, which must leave some of the limit to receive rings.</summary>
    internal bool TryRentToSend(int size, out byte[] array) => TryRent(size, SendLimit, out array);

    private bool TryRent(int size, long limit, out byte[] array)
    {
        if (context.MemoryInUse + size > limit)
        {
            array = [];
            return false;
        }
        context.MemoryInUse += size;
        InUse += size;
        array = ArrayPool<byte>.Shared.Rent(size);
        return true;
    }

    /// <summary>Gives an array back; nobody may touch it any more.</summary>
    internal void Return(byte[] array)
    {
        context.MemoryInUse -= array.Length;
        InUse -= array.Length;
        ArrayPool<byte>.Shared.Return(array);
        WakeWaiters();
    }

    /// <summary>
    /// Leaves an array to the garbage collector, because a lease on it was never ended: whoever holds the lease may still read or
    /// write it, and must not touch another connection's bytes.
    /// </summary>
    internal void Abandon(byte[] array)
    {
        context.MemoryInUse -= array.Length;
        InUse -= array.Length;
        WakeWaiters();
    }

    /// <summary>Remembers a connection that could not get even its first ring: nothing of its own will ever wake it.</summary>
    internal void Await(TcpConnection connection) => (_waiters ??= new Queue<TcpConnection>()).Enqueue(connection);

    /// <summary>Wakes those who wait, as long as the smallest ring is to be had. Called when memory or the limit changes.</summary>
    internal void WakeWaiters()
    {
        while (_waiters is { Count: > 0 } waiters && context.MemoryInUse + Smallest <= SendLimit)
            waiters.Dequeue().MemoryAvailable();
    }
}
