using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>What is kept of a datagram, or of an error about one, beside its payload.</summary>
internal struct DatagramRecord
{
    internal IpEndpoint Source;
    internal IpEndpoint Destination;
    internal int Interface;
    internal int Length;
    internal int Mtu;
    internal ushort EchoSequence;
    internal byte HopLimit;
    internal NetworkFailure Failure;
    internal bool IsEchoRequest;

    /// <summary>Bytes that a record takes in a queue in front of its payload; they count, or empty datagrams would cost nothing.</summary>
    internal static int Size => Unsafe.SizeOf<DatagramRecord>();
}

/// <summary>
/// Datagrams that wait for their reader: records and payloads in one ring, bounded in bytes. The ring is rented when the first
/// datagram comes, doubles as needed and is given back when the last is read, so that an idle port holds nothing.
/// </summary>
internal struct DatagramQueue
{
    private const int LeastCapacity = 2_048;
    private byte[]? _ring;
    private int _capacity;
    private int _head;
    private int _used;

    internal readonly bool IsEmpty => _used == 0;

    internal int Count { get; private set; }

    /// <summary>Adds a record; false if the port's limit or the stack's memory does not allow it.</summary>
    internal bool TryAdd(in DatagramRecord record, ReadOnlySpan<byte> payload, int limit, StackContext context)
    {
        int needed = _used + DatagramRecord.Size + payload.Length;
        if (needed > limit || (needed > _capacity && !TryGrow(needed, context))) return false;
        Write(_used, MemoryMarshal.AsBytes(new ReadOnlySpan<DatagramRecord>(in record)));
        Write(_used + DatagramRecord.Size, payload);
        _used = needed;
        Count++;
        context.DatagramsWaiting++;
        return true;
    }

    /// <summary>Looks at the first record.</summary>
    internal readonly bool TryPeek(out DatagramRecord record)
    {
        record = default;
        if (_used == 0) return false;
        Read(0, MemoryMarshal.AsBytes(new Span<DatagramRecord>(ref record)));
        return true;
    }

    /// <summary>Takes the first record and as much of its payload as the buffer holds.</summary>
    internal bool TryTake(Span<byte> buffer, out DatagramRecord record, StackContext context)
    {
        if (!TryPeek(out record)) return false;
        Read(DatagramRecord.Size, buffer[..Math.Min(buffer.Length, record.Length)]);
        int taken = DatagramRecord.Size + record.Length;
        _head = (_head + taken) & (_capacity - 1);
        _used -= taken;
        Count--;
        context.DatagramsWaiting--;
        if (_used == 0) Clear(context);
        return true;
    }

    /// <summary>Forgets everything and gives the ring back.</summary>
    internal void Clear(StackContext context)
    {
        context.DatagramsWaiting -= Count;
        if (_ring is not null)
        {
            ArrayPool<byte>.Shared.Return(_ring);
            context.Memory.Count(MemoryUse.Datagrams, -_capacity);
        }
        this = default;
    }

    private bool TryGrow(int needed, StackContext context)
    {
        int capacity = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(needed, LeastCapacity));
        // While moving both rings exist, but only for the length of a copy.
        if (!context.Memory.Has(capacity - _capacity)) return false;
        byte[] ring = ArrayPool<byte>.Shared.Rent(capacity);
        Read(0, ring.AsSpan(0, _used));
        if (_ring is not null) ArrayPool<byte>.Shared.Return(_ring);
        context.Memory.Count(MemoryUse.Datagrams, capacity - _capacity);
        (_ring, _capacity, _head) = (ring, capacity, 0);
        return true;
    }

    private readonly void Write(int offset, ReadOnlySpan<byte> bytes)
    {
        int at = (_head + offset) & (_capacity - 1);
        int first = Math.Min(bytes.Length, _capacity - at);
        bytes[..first].CopyTo(_ring.AsSpan(at));
        bytes[first..].CopyTo(_ring);
    }

    private readonly void Read(int offset, Span<byte> destination)
    {
        if (destination.IsEmpty) return;
        int at = (_head + offset) & (_capacity - 1);
        int first = Math.Min(destination.Length, _capacity - at);
        _ring.AsSpan(at, first).CopyTo(destination);
        _ring.AsSpan(0, destination.Length - first).CopyTo(destination[first..]);
    }
}
