namespace Ginnel.Wire;

/// <summary>
/// Slabs for packets in two size classes, with a limit in bytes. Thread-safe: a small array per class under a spin-free lock
/// suffices because packets move in batches; see <see cref="TryRent(PacketSize, out Packet)"/>.
/// </summary>
public sealed class PacketPool : IPacketSource
{
    /// <summary>Bytes of packet that a small slab holds.</summary>
    public const int SmallCapacity = 2048 - Packet.Headroom - Packet.Tailroom;

    /// <summary>Bytes of packet that a super slab holds: an Ethernet header and the longest IP packet.</summary>
    public const int SuperCapacity = 65536 + 512;

    private readonly Lock _lock = new();
    private readonly Stack<Packet> _small = new();
    private readonly Stack<Packet> _super = new();
    private readonly long _limitBytes;
    private long _allocatedBytes;
    private int _rented;

    /// <summary>A pool that never holds more than <paramref name="limitBytes"/> of slabs, rented and idle together.</summary>
    public PacketPool(long limitBytes = 256L << 20)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limitBytes, 1 << 20);
        _limitBytes = limitBytes;
    }

    /// <summary>Packets that are rented and not yet returned.</summary>
    public int Rented => Volatile.Read(ref _rented);

    /// <summary>Bytes of slabs in existence.</summary>
    public long AllocatedBytes => Volatile.Read(ref _allocatedBytes);

    /// <summary>How often a rent was refused because of the limit.</summary>
    public long Refused { get; private set; }

    /// <summary>The class that holds this many bytes.</summary>
    public static PacketSize SizeFor(int length) => length <= SmallCapacity ? PacketSize.Small : PacketSize.Super;

    /// <summary>Rents a fresh packet; the caller owns it. False when the pool's limit is reached: drop, and let the peer retry.</summary>
    public bool TryRent(PacketSize size, out Packet packet)
    {
        lock (_lock)
        {
            Stack<Packet> idle = size == PacketSize.Small ? _small : _super;
            if (!idle.TryPop(out Packet? found)) found = TryAllocate(size);
            if (found is null)
            {
                Refused++;
                packet = null!;
                return false;
            }
            found.Rented = true;
            _rented++;
            packet = found;
        }
        packet.Reset();
        return true;
    }

    internal void Return(Packet packet)
    {
        lock (_lock) Keep(packet);
    }

    /// <summary>
    /// Takes back the packets at the head of a queue that are this pool's, under one lock: a batch costs little more than one.
    /// </summary>
    internal void Return(ref PacketQueue queue)
    {
        lock (_lock)
        {
            while (queue.Peek() is { } packet && packet.Owner == this)
            {
                queue.Take();
                Keep(packet);
            }
        }
    }

    private void Keep(Packet packet)
    {
        if (!packet.Rented) throw new InvalidOperationException("A packet was returned twice.");
        packet.Poison();
        packet.Rented = false;
        packet.Next = null;
        _rented--;
        (packet.Size == PacketSize.Small ? _small : _super).Push(packet);
    }

    /// <summary>Lets the garbage collector have the idle slabs beyond <paramref name="keep"/> of each class. Cheap when there are none.</summary>
    public void Trim(int keep = 0)
    {
        lock (_lock)
        {
            TrimClass(_small, keep);
            TrimClass(_super, keep);
        }
    }

    private void TrimClass(Stack<Packet> idle, int keep)
    {
        while (idle.Count > keep) _allocatedBytes -= SlabLength(idle.Pop().Size);
    }

    private Packet? TryAllocate(PacketSize size)
    {
        int length = SlabLength(size);
        // A burst of one class must not starve the other for ever: its idle slabs make room.
        if (_allocatedBytes + length > _limitBytes) TrimClass(size == PacketSize.Small ? _super : _small, 0);
        if (_allocatedBytes + length > _limitBytes) return null;
        _allocatedBytes += length;
        return new Packet(this, size, GC.AllocateUninitializedArray<byte>(length, pinned: true));
    }

    private static int SlabLength(PacketSize size) =>
        Packet.Headroom + Packet.Tailroom + (size == PacketSize.Small ? SmallCapacity : SuperCapacity);
}
