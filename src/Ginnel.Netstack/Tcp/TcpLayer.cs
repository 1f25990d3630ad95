using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>TCP of one stack: the table of connections and listeners, demultiplexing, and the verbs of <see cref="NetworkStack"/>.</summary>
internal sealed class TcpLayer(StackContext context, IpLayer ip)
{
    internal void Receive(in ReceivedPacket packet, Instant now) => context.Drop(DropReason.NoListener);
    internal void ReceiveError(in IcmpError error, Instant now) => context.Drop(DropReason.IcmpNotOurs);

    /// <summary>Builds at most one packet of the interface's first ready connection and passes it to <see cref="IpLayer.Send"/>. False: none is ready.</summary>
    internal bool TransmitOne(NetworkInterface to, Instant now) => false;

    /// <summary>The link under an interface came up, went down or changed its MTU.</summary>
    internal void LinkChanged(NetworkInterface changed, Instant now) => _ = ip;

    internal OpStatus Connect(IpEndpoint local, IpEndpoint remote, Instant now, out SocketId id) { id = default; return OpStatus.InvalidState; }
    internal OpStatus Listen(IpEndpoint local, int backlog, out SocketId id) { id = default; return OpStatus.InvalidState; }
    internal OpStatus Accept(SocketId id, Instant now, out SocketId accepted) { accepted = default; return OpStatus.Stale; }
    internal OpStatus Reject(SocketId id, NetworkFailure reason, Instant now) => OpStatus.Stale;
    internal OpStatus TryLeaseReadable(SocketId id, out RingLease lease) { lease = default; return OpStatus.Stale; }
    internal OpStatus Consume(SocketId id, int count, Instant now) => OpStatus.Stale;
    internal OpStatus TryLeaseWritable(SocketId id, int wanted, out RingLease lease) { lease = default; return OpStatus.Stale; }
    internal OpStatus Commit(SocketId id, int count, Instant now) => OpStatus.Stale;
    internal OpStatus CloseWrite(SocketId id, Instant now) => OpStatus.Stale;
    internal OpStatus Abort(SocketId id, Instant now) => OpStatus.Stale;
    internal OpStatus Release(SocketId id, Instant now) => OpStatus.Stale;
    internal OpStatus SetNagle(SocketId id, bool enabled, Instant now) => OpStatus.Stale;
    internal OpStatus SetKeepAlive(SocketId id, TimeSpan time, Instant now) => OpStatus.Stale;
    internal bool TryGetInfo(SocketId id, out TcpInfo info) { info = default; return false; }
}

/// <summary>One connection, pending ones included.</summary>
internal sealed class TcpConnection : StackSocket
{
    internal FlowKey Flow;
    internal NetworkFailure Failure;

    /// <summary>The next connection in its interface's ready list.</summary>
    internal TcpConnection? NextReady;

    internal override void OnDeadline(Instant now) { }
}

/// <summary>A listener and its backlog.</summary>
internal sealed class TcpListener : StackSocket
{
    internal IpEndpoint Local;

    internal override void OnDeadline(Instant now) { }
}
