using System.Net;

namespace Ginnel;

/// <summary>
/// Remembers under which names a DNS server gave out an address, so that a flow to the address can be told by name. Bounded: the entry that was
/// given out longest ago makes room. An entry outlives its TTL by a while, because connections are made after it ran out.
/// </summary>
public sealed class GivenNames : IAddressNames
{
    /// <summary>Names kept for one address; the oldest gives way.</summary>
    public const int MaxNamesPerAddress = 4;

    /// <summary>How long an entry stays after its TTL.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(5);

    private readonly int _maxAddresses;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<IPAddress, LinkedListNode<Entry>> _entries = [];
    private readonly LinkedList<Entry> _byAge = [];

    /// <summary>An empty memory.</summary>
    /// <param name="maxAddresses">Most addresses remembered, at least 1.</param>
    /// <param name="time">The clock; null for the system's.</param>
    public GivenNames(int maxAddresses = 4096, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxAddresses, 1);
        _maxAddresses = maxAddresses;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Addresses remembered now, expired ones included.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>Remembers that an address was given out for a name.</summary>
    public void Add(IPAddress address, string name, TimeSpan timeToLive)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(name);
        DateTimeOffset until = _time.GetUtcNow() + timeToLive + Grace;
        lock (_lock)
        {
            if (_entries.TryGetValue(address, out LinkedListNode<Entry>? node))
            {
                _byAge.Remove(node);
            }
            else
            {
                if (_entries.Count == _maxAddresses) RemoveOldest();
                node = new LinkedListNode<Entry>(new Entry(address));
                _entries.Add(address, node);
            }
            node.Value.Remember(name, until);
            _byAge.AddLast(node);
        }
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> NamesOf(IPAddress address)
    {
        DateTimeOffset now = _time.GetUtcNow();
        lock (_lock)
        {
            return _entries.TryGetValue(address, out LinkedListNode<Entry>? node) ? node.Value.Living(now) : [];
        }
    }

    private void RemoveOldest()
    {
        LinkedListNode<Entry> oldest = _byAge.First!;
        _byAge.RemoveFirst();
        _entries.Remove(oldest.Value.Address);
    }

    private sealed class Entry(IPAddress address)
    {
        private readonly List<(string Name, DateTimeOffset Until)> _names = [];

        public IPAddress Address { get; } = address;

        public void Remember(string name, DateTimeOffset until)
        {
            _names.RemoveAll(n => string.Equals(n.Name, name, StringComparison.OrdinalIgnoreCase));
            _names.Insert(0, (name, until));
            if (_names.Count > MaxNamesPerAddress) _names.RemoveAt(MaxNamesPerAddress);
        }

        public string[] Living(DateTimeOffset now) => [.. _names.Where(n => n.Until > now).Select(n => n.Name)];
    }
}
