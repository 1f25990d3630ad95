namespace Ginnel.Wire;

/// <summary>
/// A batch of packets, first in first out, linked through the packets themselves, so that a batch costs no memory.
/// A mutable struct: pass it by <c>ref</c>; a copy of a queue that is not empty is a bug, for each packet has one owner.
/// </summary>
public struct PacketQueue
{
    private Packet? _head;
    private Packet? _tail;

    /// <summary>Packets in the queue.</summary>
    public int Count { get; private set; }

    /// <summary>Whether no packet is in the queue.</summary>
    public readonly bool IsEmpty => _head is null;

    /// <summary>Sum of the lengths at the time each packet was added.</summary>
    public long Bytes { get; private set; }

    /// <summary>The first packet, which stays in the queue and stays the queue's.</summary>
    public readonly Packet? Peek() => _head;

    /// <summary>Adds a packet at the end; the queue owns it.</summary>
    public void Add(Packet packet)
    {
        packet.Next = null;
        if (_tail is null) _head = packet; else _tail.Next = packet;
        _tail = packet;
        Count++;
        Bytes += packet.Length;
    }

    /// <summary>Puts a packet back at the front; the queue owns it.</summary>
    public void AddFirst(Packet packet)
    {
        packet.Next = _head;
        _head = packet;
        _tail ??= packet;
        Count++;
        Bytes += packet.Length;
    }

    /// <summary>Takes the first packet; the caller owns it. A packet must not have changed its length while queued.</summary>
    public Packet? Take()
    {
        Packet? packet = _head;
        if (packet is null) return null;
        _head = packet.Next;
        if (_head is null) _tail = null;
        packet.Next = null;
        Count--;
        Bytes -= packet.Length;
        return packet;
    }

    /// <summary>Moves everything of <paramref name="other"/> behind what is here.</summary>
    public void Append(ref PacketQueue other)
    {
        if (other._head is null) return;
        if (_tail is null) _head = other._head; else _tail.Next = other._head;
        _tail = other._tail;
        Count += other.Count;
        Bytes += other.Bytes;
        other = default;
    }

    /// <summary>Returns every packet to its pool.</summary>
    public void ReturnAll()
    {
        while (_head is { } packet) packet.Owner.Return(ref this);
    }
}
