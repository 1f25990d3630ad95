using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// A listener and its backlog. Theory of operation: half-open connections stand in a set, established ones in a queue, each bounded
/// by the backlog. A SYN that finds the set full is answered with a cookie and not remembered (<see cref="SynCookies"/>). Where cookies are
/// switched off a random half-open connection gives way: of a flood and a few honest clients it is almost always the flood that loses, and
/// an honest client that loses repeats its SYN. When the queue is full, SYNs are dropped, and the acknowledgment that would complete a
/// handshake is treated as lost.
/// </summary>
internal sealed class TcpListener(TcpLayer tcp, IpEndpoint local, int backlog) : StackSocket
{
    internal readonly IpEndpoint Local = local;
    private readonly ConnectionSet _halfOpen = new();
    private readonly ConnectionList _established = new();

    /// <summary>The longest segment of connections to come, in either direction.</summary>
    internal int MaximumSegmentSize { get; set; } = ushort.MaxValue;

    /// <summary>Most octets of the receive buffer of connections to come, a power of two.</summary>
    internal int ReceiveLimit { get; set; } = tcp.ReceiveLimit;

    /// <summary>Whether the queue has room for one that completes its handshake.</summary>
    internal bool CanEstablish => _established.Count < backlog;

    /// <summary>Whether a further half-open connection would need another's place.</summary>
    internal bool IsHalfOpenFull => _halfOpen.Count >= backlog;

    /// <summary>Until then an acknowledgment may bring a cookie of ours back.</summary>
    internal Instant CookiesUntil { get; set; } = new(long.MinValue);

    internal override void OnDeadline(Instant now) { }

    /// <summary>Makes room for a half-open connection, at the cost of a random other one.</summary>
    internal void MakeRoom(Instant now)
    {
        if (!IsHalfOpenFull) return;
        tcp.Context.Counters.HalfOpenEvicted++;
        _halfOpen[(int)tcp.Context.Entropy.Next((uint)_halfOpen.Count)].Finish(NetworkFailure.Evicted, now);
    }

    internal void Add(TcpConnection connection)
    {
        connection.Listener = this;
        _halfOpen.Add(connection);
    }

    /// <summary>A half-open connection has completed its handshake.</summary>
    internal void Established(TcpConnection connection)
    {
        _halfOpen.Remove(connection);
        _established.Add(connection);
        tcp.Context.Events.Raise(this, SocketEvents.Acceptable);
    }

    internal bool TryTake(out TcpConnection connection)
    {
        connection = _established.First!;
        if (connection is null) return false;
        _established.Remove(connection);
        connection.Accepted();
        return true;
    }

    /// <summary>The listener goes: what waits is reset (see <see cref="NetworkStack.Release"/>).</summary>
    internal void Close(Instant now)
    {
        while (_halfOpen.Count > 0) _halfOpen[0].Abort(now);
        while (_established.First is { } connection) connection.Abort(now);
    }
}
