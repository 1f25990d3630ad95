using System.Security.Cryptography;
using Ginnel.Crypto;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// One peer: who it is, where it was last heard, its sessions and timers. All of it belongs to the device's lock but what is said to be
/// read by the data path: the current session and the endpoint, whose references are swapped whole.
/// </summary>
internal sealed class Peer : IDisposable
{
    /// <summary>Packets that wait for a handshake; the oldest go first.</summary>
    public const int MaxStaged = 128;

    /// <summary>The order of the device's queue: who is due first, and no two are equal.</summary>
    public static readonly IComparer<Peer> ByDeadline = Comparer<Peer>.Create(static (left, right) =>
        left.QueuedDeadline == right.QueuedDeadline ? left._number.CompareTo(right._number) : left.QueuedDeadline.CompareTo(right.QueuedDeadline));

    private readonly long _number;
    private readonly DeviceCounters _counters;
    private volatile Session? _current;
    private volatile Session? _next;
    private volatile CarrierEndpoint? _endpoint;
    private PacketQueue _staged;
    private long _sentBytes;
    private long _receivedBytes;

    private Peer(byte[] publicKey, byte[] staticSecret, ReadOnlySpan<byte> presharedKey, long number, DeviceCounters counters)
    {
        (_number, _counters) = (number, counters);
        PublicKey = publicKey;
        StaticSecret = staticSecret;
        PresharedKey = Secret.Allocate(Messages.KeySize);
        presharedKey.CopyTo(PresharedKey);
        Cookies = new CookieJar(publicKey);
    }

    public byte[] PublicKey { get; }

    /// <summary>What our static keys agree on: computed once, for it takes part in every handshake.</summary>
    public byte[] StaticSecret { get; }

    /// <summary>32 zero bytes where there is none.</summary>
    public byte[] PresharedKey { get; }

    public CookieJar Cookies { get; }

    public PeerTimers Timers { get; } = new();

    /// <summary>The session that we send by. Read by the data path.</summary>
    public Session? Current { get => _current; set => _current = value; }

    /// <summary>The one before, by which messages may still arrive.</summary>
    public Session? Previous { get; set; }

    /// <summary>As a responder: a session that the initiator has not used yet; only then do we send by it.</summary>
    public Session? Next { get => _next; set => _next = value; }

    /// <summary>Our initiation that waits for an answer.</summary>
    public PendingHandshake? Pending { get; set; }

    /// <summary>Where it was last heard, or is configured. Read by the data path.</summary>
    public CarrierEndpoint? Endpoint { get => _endpoint; set => _endpoint = value; }

    public Tai64n LastTimestamp { get; set; }

    public Instant LastInitiationSeen { get; set; } = new(long.MinValue / 2);

    /// <summary>When we last sent an initiation or answered one.</summary>
    public Instant LastHandshakeSent { get; set; } = new(long.MinValue / 2);

    public Tai64n LastTimestampSent { get; set; }

    /// <summary>When the latest handshake was completed; null before the first.</summary>
    public Instant? LastHandshake { get; set; }

    /// <summary>Between keepalives without cause; zero for none.</summary>
    public TimeSpan PersistentKeepalive { get; set; }

    /// <summary>Whether it has been removed: nothing is sent or received any more.</summary>
    public bool IsRemoved { get; private set; }

    /// <summary>The deadline under which the device's queue holds it, or never. Changed only while it is not in the queue.</summary>
    public Instant QueuedDeadline { get; set; } = Instant.Never;

    public long SentBytes => Volatile.Read(ref _sentBytes);

    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    public int StagedCount => _staged.Count;

    /// <summary>A peer, or null for a public key of low order, with which nothing would be secret.</summary>
    public static Peer? TryCreate(StaticKey ourKey, byte[] publicKey, ReadOnlySpan<byte> presharedKey, long number, DeviceCounters counters)
    {
        byte[] secret = Secret.Allocate(X25519Key.Size);
        return ourKey.Key.TryAgree(publicKey, secret) ? new Peer(publicKey, secret, presharedKey, number, counters) : null;
    }

    public void CountSent(long bytes) => Interlocked.Add(ref _sentBytes, bytes);

    public void CountReceived(long bytes) => Interlocked.Add(ref _receivedBytes, bytes);

    /// <summary>Keeps a packet until there is a session.</summary>
    public void Stage(Packet packet)
    {
        _staged.Add(packet);
        LimitStaged();
    }

    /// <summary>Hands over what waited.</summary>
    public void TakeStaged(ref PacketQueue queue) => queue.Append(ref _staged);

    /// <summary>Takes back what could not go after all; it stays before what came meanwhile. What is too many goes, the oldest first.</summary>
    public void PutBack(ref PacketQueue queue)
    {
        queue.Append(ref _staged);
        _staged = queue;
        queue = default;
        if (IsRemoved) DropStaged();
        LimitStaged();
    }

    /// <summary>Gives up what waited.</summary>
    public void DropStaged()
    {
        _counters.GivenUp += _staged.Count;
        _staged.ReturnAll();
    }

    private void LimitStaged()
    {
        for (; _staged.Count > MaxStaged; _counters.StagedOverflow++) _staged.Take()!.Return();
    }

    /// <summary>Every session it has.</summary>
    public IEnumerable<Session> Sessions()
    {
        if (_current is { } current) yield return current;
        if (Previous is { } previous) yield return previous;
        if (_next is { } next) yield return next;
    }

    /// <summary>Ends everything with this peer and wipes what is secret.</summary>
    public void Dispose()
    {
        IsRemoved = true;
        foreach (Session session in Sessions()) session.Dispose();
        Pending?.Dispose();
        DropStaged();
        CryptographicOperations.ZeroMemory(StaticSecret);
        CryptographicOperations.ZeroMemory(PresharedKey);
        Cookies.Dispose();
    }
}
