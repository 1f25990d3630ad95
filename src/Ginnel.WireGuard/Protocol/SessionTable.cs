using System.Collections.Concurrent;
using Ginnel.Netstack;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// Our indices, by which peers address us: each is random, stands for a handshake under way or for a session, and is free again when that
/// ends. Looked up without a lock, changed under the device's.
/// </summary>
internal sealed class SessionTable(EntropySource entropy)
{
    private readonly ConcurrentDictionary<uint, object> _entries = new();

    /// <summary>Indices in use.</summary>
    public int Count => _entries.Count;

    /// <summary>A free index for a handshake with a peer.</summary>
    public uint Reserve(Peer peer)
    {
        while (true)
        {
            uint index = entropy.NextUInt32();
            if (_entries.TryAdd(index, peer)) return index;
        }
    }

    /// <summary>The handshake has become a session.</summary>
    public void Bind(uint index, Session session) => _entries[index] = session;

    public void Remove(uint index) => _entries.TryRemove(index, out _);

    /// <summary>The session of an index.</summary>
    public Session? Find(uint index) => _entries.TryGetValue(index, out object? entry) ? entry as Session : null;

    /// <summary>The peer whose handshake an index stands for.</summary>
    public Peer? FindReserved(uint index) => _entries.TryGetValue(index, out object? entry) ? entry as Peer : null;
}
