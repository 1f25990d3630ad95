namespace Ginnel.Netstack;

/// <summary>
/// Connections of which any one may have to give way: half-open ones of a listener, pending ones. A connection is in at most one.
/// </summary>
internal sealed class ConnectionSet
{
    private TcpConnection[] _items = [];

    internal int Count { get; private set; }

    internal void Add(TcpConnection connection)
    {
        if (Count == _items.Length) Array.Resize(ref _items, Math.Max(4, Count * 2));
        connection.SetIndex = Count;
        connection.Set = this;
        _items[Count++] = connection;
    }

    internal void Remove(TcpConnection connection)
    {
        TcpConnection last = _items[--Count];
        _items[connection.SetIndex] = last;
        last.SetIndex = connection.SetIndex;
        _items[Count] = null!;
        connection.Set = null;
        connection.SetIndex = -1;
    }

    /// <summary>The connection at an index below <see cref="Count"/>; the order means nothing.</summary>
    internal TcpConnection this[int index] => _items[index];
}

/// <summary>Connections in order of arrival: those that wait for accept, those in TIME-WAIT. A connection is in at most one.</summary>
internal sealed class ConnectionList
{
    private TcpConnection? _last;

    internal int Count { get; private set; }

    internal TcpConnection? First { get; private set; }

    internal void Add(TcpConnection connection)
    {
        connection.List = this;
        connection.Previous = _last;
        connection.Next = null;
        if (_last is null) First = connection; else _last.Next = connection;
        _last = connection;
        Count++;
    }

    internal void Remove(TcpConnection connection)
    {
        if (connection.Previous is { } previous) previous.Next = connection.Next; else First = connection.Next;
        if (connection.Next is { } next) next.Previous = connection.Previous; else _last = connection.Previous;
        connection.List = null;
        connection.Previous = connection.Next = null;
        Count--;
    }
}
