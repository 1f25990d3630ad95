using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// The protocol's state machine: peers, handshakes, sessions, timers. No clock, no randomness, no I/O of its own; both times come in as
/// arguments, what is to be sent comes out in an <see cref="Outbox"/>. The caller holds one lock around every method, save those that are
/// said to be safe without; transport messages are sealed and opened outside it, by <see cref="Session"/>.
/// </summary>
internal sealed partial class WireGuardDevice : IDisposable
{
    /// <summary>Peers that one device may have.</summary>
    public const int MaxPeers = 65_536;

    /// <summary>Peers whose timers are handled in one call: who waits for the lock does not wait for ten thousand handshakes.</summary>
    public const int MaxAtOnce = 64;

    private readonly EntropySource _entropy;
    private readonly StaticKey _ourKey;
    private readonly CookieChecker _cookies;
    private readonly HandshakeLimiter _limiter = new();
    private readonly LoadMeter _load = new();
    private readonly Dictionary<KeyBytes, Peer> _peers = [];
    private readonly SortedSet<Peer> _deadlines = new(Peer.ByDeadline);
    private long _peersAdded;
    private readonly SessionTable _sessions;
    private readonly AllowedIps<Peer> _allowed = new();

    /// <summary>A device without peers.</summary>
    public WireGuardDevice(ReadOnlySpan<byte> privateKey, EntropySource entropy)
    {
        _entropy = entropy;
        _ourKey = new StaticKey(privateKey);
        _cookies = new CookieChecker(_ourKey, entropy);
        _sessions = new SessionTable(entropy);
    }

    /// <summary>Our public key.</summary>
    public ReadOnlySpan<byte> PublicKey => _ourKey.PublicKey;

    /// <summary>The peers.</summary>
    public IReadOnlyCollection<Peer> Peers => _peers.Values;

    /// <summary>Our indices in use: one for each session and each handshake that waits for an answer.</summary>
    public int Indices => _sessions.Count;

    /// <summary>Why messages were dropped.</summary>
    public DeviceCounters Counters { get; } = new();

    /// <summary>The earliest time at which <see cref="Advance"/> has something to do.</summary>
    public Instant NextDeadline => _deadlines.Min?.QueuedDeadline ?? Instant.Never;

    /// <summary>Peers for which something is due at some time.</summary>
    public int QueuedDeadlines => _deadlines.Count;

    /// <summary>Whose an address is; null for nobody's. Safe without the lock.</summary>
    public Peer? FindPeer(IpAddress address) => _allowed.Find(address);

    /// <summary>The session of an index of ours; null if there is none. Safe without the lock.</summary>
    public Session? FindSession(uint index) => _sessions.Find(index);

    /// <summary>Adds a peer; null if its key is ours, is there already, is of low order, or there are too many.</summary>
    public Peer? AddPeer(ReadOnlySpan<byte> publicKey, ReadOnlySpan<byte> presharedKey)
    {
        KeyBytes key = new(publicKey);
        if (_peers.Count >= MaxPeers || _peers.ContainsKey(key) || publicKey.SequenceEqual(_ourKey.PublicKey)) return null;
        if (Peer.TryCreate(_ourKey, publicKey.ToArray(), presharedKey, ++_peersAdded, Counters) is not { } peer) return null;
        _peers.Add(key, peer);
        return peer;
    }

    /// <summary>The peer of a public key.</summary>
    public Peer? FindPeer(ReadOnlySpan<byte> publicKey) => _peers.GetValueOrDefault(new KeyBytes(publicKey));

    /// <summary>Ends a peer: its sessions are wiped, its addresses are nobody's.</summary>
    public bool RemovePeer(ReadOnlySpan<byte> publicKey)
    {
        if (!_peers.Remove(new KeyBytes(publicKey), out Peer? peer)) return false;
        _allowed.Set(peer, []);
        foreach (Session session in peer.Sessions()) _sessions.Remove(session.LocalIndex);
        if (peer.Pending is { } pending) _sessions.Remove(pending.LocalIndex);
        _deadlines.Remove(peer);
        peer.Timers.Stop();
        peer.Dispose();
        return true;
    }

    /// <summary>Replaces the addresses that a peer may have. Those of another peer change hands.</summary>
    public void SetAllowedIps(Peer peer, IEnumerable<IpPrefix> prefixes) => _allowed.Set(peer, prefixes);

    /// <summary>The prefixes of a peer.</summary>
    public IEnumerable<IpPrefix> AllowedIpsOf(Peer peer) => _allowed.Of(peer);

    /// <summary>Sets or ends the keepalives without cause; the first goes at once.</summary>
    public void SetPersistentKeepalive(Peer peer, TimeSpan interval, Instant now)
    {
        peer.PersistentKeepalive = interval;
        peer.Timers.PersistentKeepaliveSet(now, interval);
        Queue(peer);
    }

    /// <summary>Wipes every key and ends every peer.</summary>
    public void Dispose()
    {
        foreach (Peer peer in _peers.Values)
        {
            _allowed.Set(peer, []);
            peer.Dispose();
        }
        _peers.Clear();
        _deadlines.Clear();
        _cookies.Dispose();
        _ourKey.Dispose();
    }

    // A peer stands in the queue once, under a time no later than its next timer; moving a timer back costs nothing until then.
    private void Queue(Peer peer)
    {
        Instant next = peer.Timers.Next;
        if (next >= peer.QueuedDeadline) return;
        _deadlines.Remove(peer);
        peer.QueuedDeadline = next;
        _deadlines.Add(peer);
    }

    // Up to a third of a second, so that two peers do not begin together again and again.
    private TimeSpan Jitter() => TimeSpan.FromTicks(_entropy.Next((uint)Timing.MaxJitter.Ticks));
}
