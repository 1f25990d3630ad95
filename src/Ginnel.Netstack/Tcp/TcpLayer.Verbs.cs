using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>The verbs of <see cref="NetworkStack"/>: each finds its socket, refuses stale ids, and lets it do the work.</content>
internal sealed partial class TcpLayer
{
    internal OpStatus Connect(IpEndpoint local, IpEndpoint remote, Instant now, out SocketId id)
    {
        id = default;
        if (remote.Port == 0 || remote.Address.IsUnspecified) return OpStatus.InvalidAddress;
        if (remote.Address.IsMulticast || remote.Address.IsLimitedBroadcast) return OpStatus.InvalidAddress;
        if (!local.Address.IsUnspecified && local.Address.IsV4 != remote.Address.IsV4) return OpStatus.InvalidAddress;
        OpStatus status = Ip.TryRoute(remote.Address, local.Address, out RouteDecision route);
        if (status != OpStatus.Ok) return status;
        IpAddress source = local.Address.IsUnspecified ? route.Source : local.Address;
        ushort port = local.Port;
        if (port == 0 && !EphemeralPorts.TryChoose(source, remote, _flows, Context.Entropy, out port)) return OpStatus.LimitReached;
        // RFC 9293 section 3.9.2.3 (MUST-46): a directed broadcast is known by the way that leads there.
        if (Router.IsGroup(route.Interface, remote.Address)) return OpStatus.InvalidAddress;
        var flow = new FlowKey(IpProtocol.Tcp, new IpEndpoint(source, port), remote);
        if (flow.Local == remote) return OpStatus.InvalidAddress;
        TcpConnection? former = _flows.Find(flow.Local, remote);
        if (former is not null)
        {
            if (former.State != TcpState.TimeWait) return OpStatus.AddressInUse;
            former.Finish(NetworkFailure.None, now);
        }
        var connection = new TcpConnection(this, flow, route, keepsInterface: false) { FormerSndNxt = former?.SndNxt };
        if (!TryAddSocket(connection, now)) return OpStatus.LimitReached;
        _flows.Add(connection);
        connection.Open(now);
        id = connection.Id;
        return OpStatus.Ok;
    }

    internal OpStatus Listen(IpEndpoint local, int backlog, out SocketId id)
    {
        id = default;
        if (backlog is < 1 or > 65_535) return OpStatus.InvalidState;
        if (local.Address.IsMulticast || local.Address.IsLimitedBroadcast) return OpStatus.InvalidAddress;
        if (local.Port == 0)
        {
            if (!TryChooseListenPort(local.Address, out ushort port)) return OpStatus.LimitReached;
            local = local with { Port = port };
        }
        var listener = new TcpListener(this, local, backlog);
        if (_listeners.FindExact(local) is not null) return OpStatus.AddressInUse;
        if (!Context.Sockets.TryAdd(listener)) return OpStatus.LimitReached;
        _listeners.TryAdd(listener);
        id = listener.Id;
        return OpStatus.Ok;
    }

    private bool TryChooseListenPort(IpAddress address, out ushort port)
    {
        uint start = Context.Entropy.Next(EphemeralPorts.Count);
        for (uint i = 0; i < EphemeralPorts.Count; i++)
        {
            port = (ushort)(EphemeralPorts.First + (start + i) % EphemeralPorts.Count);
            if (_listeners.FindExact(new IpEndpoint(address, port)) is null) return true;
        }
        port = 0;
        return false;
    }

    internal OpStatus Accept(SocketId id, Instant now, out SocketId accepted)
    {
        accepted = default;
        switch (Context.Sockets.Find(id))
        {
            case TcpListener listener:
                if (!listener.TryTake(out TcpConnection connection)) return OpStatus.WouldBlock;
                accepted = connection.Id;
                return OpStatus.Ok;
            case TcpConnection { Released: false, State: TcpState.Pending } pending:
                Answer(pending, now);
                accepted = id;
                return OpStatus.Ok;
            case TcpConnection { Released: false } other:
                return other.Failure == NetworkFailure.None ? OpStatus.InvalidState : OpStatus.Failed;
            case null or TcpConnection: return OpStatus.Stale;
            default: return OpStatus.InvalidState;
        }
    }

    internal OpStatus Reject(SocketId id, NetworkFailure reason, Instant now)
    {
        if (!TryFind(id, out TcpConnection connection, out OpStatus status)) return status;
        if (connection.State == TcpState.Pending) connection.Reject(reason, now);
        else if (connection.State != TcpState.Closed) return OpStatus.InvalidState;
        // A rejected pending connection needs no release of its own.
        connection.Release(now);
        return OpStatus.Ok;
    }

    internal OpStatus Release(SocketId id, Instant now)
    {
        if (Context.Sockets.Find(id) is TcpListener listener)
        {
            _listeners.Remove(listener);
            listener.Close(now);
            Context.Sockets.Remove(listener);
            return OpStatus.Ok;
        }
        if (!TryFind(id, out TcpConnection connection, out OpStatus status)) return status;
        connection.Release(now);
        return OpStatus.Ok;
    }

    internal OpStatus TryLeaseReadable(SocketId id, out RingLease lease)
    {
        lease = default;
        return TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.TryLeaseReadable(out lease) : status;
    }

    internal OpStatus Consume(SocketId id, int count, Instant now) =>
        TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.Consume(count, now) : status;

    internal OpStatus TryLeaseWritable(SocketId id, int wanted, out RingLease lease)
    {
        lease = default;
        return TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.TryLeaseWritable(wanted, out lease) : status;
    }

    internal OpStatus Commit(SocketId id, int count, Instant now) =>
        TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.Commit(count, now) : status;

    internal OpStatus CloseWrite(SocketId id, Instant now) =>
        TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.CloseWrite(now) : status;

    internal OpStatus Abort(SocketId id, Instant now) =>
        TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.Abort(now) : status;

    internal OpStatus SetNagle(SocketId id, bool enabled, Instant now) =>
        TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.SetNagle(enabled, now) : status;

    internal OpStatus SetKeepAlive(SocketId id, TimeSpan time, Instant now) =>
        TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.SetKeepAlive(time, now) : status;

    internal OpStatus SetTrafficClass(SocketId id, byte trafficClass) =>
        TryFind(id, out TcpConnection connection, out OpStatus status) ? connection.SetTrafficClass(trafficClass) : status;

    internal OpStatus SetMaximumSegmentSize(SocketId id, int octets)
    {
        if (octets is < TcpConnection.LeastMss or > ushort.MaxValue) return OpStatus.InvalidState;
        if (Context.Sockets.Find(id) is TcpListener listener) listener.MaximumSegmentSize = octets;
        else if (!TryFind(id, out TcpConnection connection, out OpStatus status)) return status;
        else connection.LimitMss(octets);
        return OpStatus.Ok;
    }

    internal OpStatus SetReceiveBuffer(SocketId id, int octets)
    {
        if (octets < 1) return OpStatus.InvalidState;
        int limit = Math.Min(RingSize(octets), ReceiveLimit);
        if (Context.Sockets.Find(id) is TcpListener listener) listener.ReceiveLimit = limit;
        else if (!TryFind(id, out TcpConnection connection, out OpStatus status)) return status;
        else connection.LimitReceive(limit);
        return OpStatus.Ok;
    }

    internal bool TryGetInfo(SocketId id, out TcpInfo info)
    {
        bool found = TryFind(id, out TcpConnection connection, out _);
        info = found ? connection.Info() : default;
        return found;
    }

    private bool TryFind(SocketId id, out TcpConnection connection, out OpStatus status)
    {
        StackSocket? socket = Context.Sockets.Find(id);
        connection = (socket as TcpConnection)!;
        bool found = connection is { Released: false };
        status = socket is null or TcpConnection { Released: true } ? OpStatus.Stale : OpStatus.InvalidState;
        return found;
    }
}
