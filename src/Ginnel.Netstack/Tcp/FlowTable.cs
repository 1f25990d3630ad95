using System.Numerics;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Connections by four-tuple. Theory of operation: open addressing with linear probing over two parallel arrays, hashes and
/// connections, at most half full; deletion shifts the followers back, so there are no tombstones. The hash multiplies and mixes with
/// a random seed of the stack, because a stranger chooses addresses and ports and must not be able to choose collisions.
/// </summary>
internal sealed class FlowTable(EntropySource entropy)
{
    private const int Smallest = 8;

    private uint[] _hashes = [];
    private TcpConnection?[] _entries = [];
    private ulong _seed;

    /// <summary>Connections in the table.</summary>
    internal int Count { get; private set; }

    /// <summary>Finds a connection by its own and its peer's endpoint.</summary>
    internal TcpConnection? Find(in IpEndpoint local, in IpEndpoint remote)
    {
        if (Count == 0) return null;
        uint hash = Hash(local, remote);
        int mask = _entries.Length - 1;
        for (int i = (int)hash & mask; _entries[i] is { } entry; i = (i + 1) & mask)
        {
            if (_hashes[i] == hash && entry.Flow.Remote == remote && entry.Flow.Local == local) return entry;
        }
        return null;
    }

    /// <summary>Adds a connection whose four-tuple is not in the table.</summary>
    internal void Add(TcpConnection connection)
    {
        if (2 * (Count + 1) > _entries.Length) Resize(Math.Max(Smallest, _entries.Length * 2));
        Place(Hash(connection.Flow.Local, connection.Flow.Remote), connection);
        Count++;
    }

    /// <summary>Removes a connection; nothing happens if it is not in the table.</summary>
    internal void Remove(TcpConnection connection)
    {
        if (Count == 0) return;
        int mask = _entries.Length - 1;
        int hole = (int)Hash(connection.Flow.Local, connection.Flow.Remote) & mask;
        while (!ReferenceEquals(_entries[hole], connection))
        {
            if (_entries[hole] is null) return;
            hole = (hole + 1) & mask;
        }
        Count--;
        // Backward shift: a follower moves into the hole unless its home lies cyclically between the hole and itself.
        for (int next = (hole + 1) & mask; _entries[next] is { } follower; next = (next + 1) & mask)
        {
            int home = (int)_hashes[next] & mask;
            if (((next - home) & mask) < ((next - hole) & mask)) continue;
            _entries[hole] = follower;
            _hashes[hole] = _hashes[next];
            hole = next;
        }
        _entries[hole] = null;
        // A stack that was busy once must not stay large when it is idle.
        if (_entries.Length > Smallest && 8 * Count < _entries.Length) Resize(_entries.Length / 2);
    }

    /// <summary>All connections at this moment, in no order; the caller may remove while it walks.</summary>
    internal TcpConnection[] Snapshot()
    {
        var all = new TcpConnection[Count];
        int count = 0;
        foreach (TcpConnection? entry in _entries)
        {
            if (entry is not null) all[count++] = entry;
        }
        return all;
    }

    private void Place(uint hash, TcpConnection connection)
    {
        int mask = _entries.Length - 1;
        int i = (int)hash & mask;
        while (_entries[i] is not null) i = (i + 1) & mask;
        _hashes[i] = hash;
        _entries[i] = connection;
    }

    private void Resize(int size)
    {
        if (_seed == 0) _seed = ((ulong)entropy.NextUInt32() << 32 | entropy.NextUInt32()) | 1;
        (uint[] hashes, TcpConnection?[] entries) = (_hashes, _entries);
        (_hashes, _entries) = (new uint[size], new TcpConnection?[size]);
        for (int i = 0; i < entries.Length; i++)
        {
            if (entries[i] is { } entry) Place(hashes[i], entry);
        }
    }

    private uint Hash(in IpEndpoint local, in IpEndpoint remote)
    {
        ulong mix = Mix(_seed ^ local.Address.High, local.Address.Low ^ 0x9E37_79B9_7F4A_7C15);
        mix = Mix(mix ^ remote.Address.High, remote.Address.Low ^ _seed);
        mix = Mix(mix ^ ((ulong)local.Port << 16 | remote.Port), _seed);
        return (uint)(mix ^ mix >> 32);
    }

    private static ulong Mix(ulong left, ulong right)
    {
        ulong high = Math.BigMul(left, right | 1, out ulong low);
        return BitOperations.RotateLeft(high, 23) ^ low;
    }
}
