namespace Ginnel.Netstack;

/// <summary>Anything with a <see cref="SocketId"/>.</summary>
internal abstract class StackSocket : Timed
{
    internal SocketId Id;
    internal SocketEvents PendingEvents;
    internal StackSocket? NextEvent;
}

/// <summary>Sockets by slot and generation. Slots are re-used, generations are not, so a stale id finds nothing.</summary>
internal sealed class SocketTable(int limit)
{
    private StackSocket?[] _sockets = [];
    private uint[] _generations = [];
    private int[] _free = [];
    private int _freeCount;
    private int _used;

    internal int Count => _used - _freeCount;

    internal bool TryAdd(StackSocket socket)
    {
        int slot;
        if (_freeCount > 0) slot = _free[--_freeCount];
        else
        {
            if (_used == limit) return false;
            if (_used == _sockets.Length) Grow();
            slot = _used++;
        }
        _sockets[slot] = socket;
        // Generation 0 would make default(SocketId) valid.
        if (++_generations[slot] == 0) _generations[slot] = 1;
        socket.Id = new SocketId((uint)slot, _generations[slot]);
        return true;
    }

    internal void Remove(StackSocket socket)
    {
        int slot = (int)socket.Id.Slot;
        if (slot >= _used || !ReferenceEquals(_sockets[slot], socket)) return;
        _sockets[slot] = null;
        _free[_freeCount++] = slot;
    }

    internal StackSocket? Find(SocketId id) =>
        id.Slot < (uint)_used && _generations[id.Slot] == id.Generation ? _sockets[id.Slot] : null;

    /// <summary>The sockets in slot order, for status and shutdown.</summary>
    internal IEnumerable<StackSocket> All()
    {
        for (int i = 0; i < _used; i++)
        {
            if (_sockets[i] is { } socket) yield return socket;
        }
    }

    private void Grow()
    {
        int size = Math.Min(limit, Math.Max(4, _used * 2));
        Array.Resize(ref _sockets, size);
        Array.Resize(ref _generations, size);
        Array.Resize(ref _free, size);
    }
}

/// <summary>Sockets with events that the shell has not yet taken: each is in the queue at most once.</summary>
internal sealed class EventQueue
{
    private StackSocket? _head;
    private StackSocket? _tail;

    internal bool IsEmpty => _head is null;

    internal void Raise(StackSocket socket, SocketEvents events)
    {
        bool queued = socket.PendingEvents != SocketEvents.None;
        socket.PendingEvents |= events;
        if (queued) return;
        socket.NextEvent = null;
        if (_tail is null) _head = socket; else _tail.NextEvent = socket;
        _tail = socket;
    }

    internal bool TryTake(out SocketEvent socketEvent)
    {
        if (_head is not { } socket)
        {
            socketEvent = default;
            return false;
        }
        _head = socket.NextEvent;
        if (_head is null) _tail = null;
        socket.NextEvent = null;
        socketEvent = new SocketEvent(socket.Id, socket.PendingEvents);
        socket.PendingEvents = SocketEvents.None;
        return true;
    }
}
