using System.Net;

namespace Ginnel;

/// <summary>
/// Datagrams that are handed on together, in their order. Their payloads stand one behind the other, so that neighbours of one size for one remote
/// can go as one (<see cref="RunFrom"/>). Rented while datagrams are in hand and never while somebody waits; one owner at a time.
/// </summary>
public sealed class DatagramBatch
{
    /// <summary>Datagrams in one batch at most, which is also what the kernel takes as one (UDP_MAX_SEGMENTS).</summary>
    public const int MaxCount = 64;

    private const int LongestDatagram = 65_535;
    private const int Capacity = 2 * (LongestDatagram + 1);

    /// <summary>What the headers of UDP and IPv6 leave of the longest packet.</summary>
    private const int LongestRun = 65_535 - 48;

    // Who holds one does not wait meanwhile, so there are never more in use than threads that relay.
    private static readonly DatagramBatch?[] Pool = new DatagramBatch?[4];

    private readonly byte[] _bytes = GC.AllocateUninitializedArray<byte>(Capacity, pinned: true);
    private readonly DatagramItem[] _items = new DatagramItem[MaxCount];
    private readonly int[] _starts = new int[MaxCount + 1];

    private DatagramBatch()
    {
    }

    /// <summary>Datagrams and errors in it.</summary>
    public int Count { get; private set; }

    /// <summary>Whether it takes no more; <see cref="Free"/> is too short for any datagram then.</summary>
    public bool IsFull => Count == MaxCount || Capacity - _starts[Count] < LongestDatagram;

    /// <summary>Where the next payload goes: room for the longest datagram, unless the batch is full.</summary>
    public Memory<byte> Free => _bytes.AsMemory(_starts[Count]);

    /// <summary>An item. Who hands it on may change the remote, and says by a failure that it did not go.</summary>
    /// <param name="index">0 up to <see cref="Count"/> - 1.</param>
    public ref DatagramItem this[int index] => ref _items.AsSpan(0, Count)[index];

    /// <summary>Takes an empty one.</summary>
    public static DatagramBatch Rent()
    {
        for (int i = 0; i < Pool.Length; i++)
            if (Volatile.Read(ref Pool[i]) is not null && Interlocked.Exchange(ref Pool[i], null) is { } batch) return batch;
        return new DatagramBatch();
    }

    /// <summary>Gives it back; nobody may touch it any more.</summary>
    public void Return()
    {
        _items.AsSpan(0, Count).Clear();
        Count = 0;
        for (int i = 0; i < Pool.Length; i++)
            if (Volatile.Read(ref Pool[i]) is null && Interlocked.CompareExchange(ref Pool[i], this, null) is null) return;
    }

    /// <summary>Adds what was received into <see cref="Free"/>, or an error.</summary>
    /// <exception cref="InvalidOperationException">The batch is full.</exception>
    public void Add(in DatagramItem item)
    {
        if (IsFull) throw new InvalidOperationException("The batch is full.");
        _items[Count] = item;
        _starts[Count + 1] = _starts[Count] + item.Length;
        Count++;
    }

    /// <summary>The payload of an item.</summary>
    public ReadOnlyMemory<byte> PayloadOf(int index) => _bytes.AsMemory(_starts[index], this[index].Length);

    /// <summary>
    /// The datagrams from an index on that can be sent as one: to the same remote, of the size of the first, of which only the last may be shorter.
    /// </summary>
    /// <param name="index">The first one.</param>
    /// <param name="payload">All of them, one behind the other; the first one's length is the size of a segment.</param>
    /// <returns>How many; at least 1.</returns>
    public int RunFrom(int index, out ReadOnlyMemory<byte> payload)
    {
        int size = this[index].Length, bytes = size, count = 1;
        IPEndPoint remote = this[index].Remote;
        // An empty datagram has no place among segments.
        for (int i = index + 1; i < Count && size > 0; i++)
        {
            ref DatagramItem next = ref _items[i];
            if (next.Failure.Kind != DialFailureKind.None || next.Length == 0 || next.Length > size || bytes + next.Length > LongestRun) break;
            if (!ReferenceEquals(next.Remote, remote) && !next.Remote.Equals(remote)) break;
            bytes += next.Length;
            count++;
            if (next.Length < size) break;
        }
        payload = _bytes.AsMemory(_starts[index], bytes);
        return count;
    }
}
