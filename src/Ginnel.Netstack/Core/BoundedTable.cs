using System.Diagnostics.CodeAnalysis;

namespace Ginnel.Netstack;

/// <summary>
/// A dictionary with a limit and an order: when full, the oldest entry gives way. Old means longest not <see cref="TryTouch">touched</see>;
/// a table that never touches is ordered by age. Costs nothing until the first entry.
/// </summary>
internal sealed class BoundedTable<TKey, TValue>(int limit) where TKey : notnull where TValue : class
{
    private Dictionary<TKey, Node>? _nodes;
    private Node? _oldest;
    private Node? _newest;

    private sealed class Node(TKey key, TValue value)
    {
        internal readonly TKey Key = key;
        internal readonly TValue Value = value;
        internal Node? Older;
        internal Node? Newer;
    }

    internal int Count => _nodes?.Count ?? 0;

    internal bool IsFull => Count >= limit;

    internal bool TryGet(TKey key, [NotNullWhen(true)] out TValue? value)
    {
        if (_nodes is not null && _nodes.TryGetValue(key, out Node? node))
        {
            value = node.Value;
            return true;
        }
        value = null;
        return false;
    }

    /// <summary>The entry that would give way next.</summary>
    internal bool TryPeekOldest([NotNullWhen(true)] out TValue? value)
    {
        value = _oldest?.Value;
        return value is not null;
    }

    /// <summary>Finds an entry and makes it the newest.</summary>
    internal bool TryTouch(TKey key, [NotNullWhen(true)] out TValue? value)
    {
        value = null;
        if (_nodes is null || !_nodes.TryGetValue(key, out Node? node)) return false;
        value = node.Value;
        if (node == _newest) return true;
        Unlink(node);
        LinkNewest(node);
        return true;
    }

    /// <summary>Adds an entry whose key is not present. The caller has made room: see <see cref="IsFull"/>.</summary>
    internal void Add(TKey key, TValue value)
    {
        _nodes ??= [];
        Node node = new(key, value);
        _nodes.Add(key, node);
        LinkNewest(node);
    }

    internal bool Remove(TKey key)
    {
        if (_nodes is null || !_nodes.Remove(key, out Node? node)) return false;
        Unlink(node);
        if (_nodes.Count == 0) _nodes = null;
        return true;
    }

    private void LinkNewest(Node node)
    {
        node.Older = _newest;
        node.Newer = null;
        if (_newest is null) _oldest = node; else _newest.Newer = node;
        _newest = node;
    }

    private void Unlink(Node node)
    {
        if (node.Older is null) _oldest = node.Newer; else node.Older.Newer = node.Newer;
        if (node.Newer is null) _newest = node.Older; else node.Newer.Older = node.Older;
    }
}
