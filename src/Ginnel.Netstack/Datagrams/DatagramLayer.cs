using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>UDP and ICMP echo of one stack: ports, pending ports, and the verbs of <see cref="NetworkStack"/>.</summary>
internal sealed partial class DatagramLayer(StackContext context, IpLayer ip)
{
    private readonly PortTable _ports = new();

    internal OpStatus Bind(DatagramPortOptions options, out SocketId id)
    {
        ArgumentNullException.ThrowIfNull(options);
        id = default;
        if (!TryNormalize(options, out IpEndpoint local)) return OpStatus.InvalidAddress;
        if (options.ReceiveBuffer is < 0 or > 1 << 30) return OpStatus.InvalidState;
        NetworkInterface? only = options.Interface == InterfaceId.None ? null : ip.Interfaces.Find(options.Interface);
        if (only is null && options.Interface != InterfaceId.None) return OpStatus.Stale;
        if (!local.Address.IsUnspecified && !ip.Interfaces.IsOwn(local.Address)) return OpStatus.InvalidAddress;
        DatagramPort port = new(this)
        {
            Flow = new FlowKey(options.Protocol, local, default), State = DatagramPortState.Bound, Options = options, Interface = only,
        };
        if (!context.Sockets.TryAdd(port)) return OpStatus.LimitReached;
        bool isBound = local.Port == 0 ? _ports.TryBindEphemeral(port, context.Entropy) : _ports.TryBind(port);
        if (!isBound)
        {
            context.Sockets.Remove(port);
            return local.Port == 0 ? OpStatus.LimitReached : OpStatus.AddressInUse;
        }
        id = port.Id;
        return OpStatus.Ok;
    }

    internal OpStatus Accept(SocketId id, out SocketId accepted)
    {
        accepted = default;
        if (context.Sockets.Find(id) is not DatagramPort port) return OpStatus.Stale;
        if (port.State == DatagramPortState.Abandoned) return OpStatus.Failed;
        if (port.State != DatagramPortState.Pending) return OpStatus.InvalidState;
        port.State = DatagramPortState.Accepted;
        context.PendingCount--;
        context.Timers.Remove(port);
        accepted = id;
        if (!port.Queue.IsEmpty) context.Events.Raise(port, SocketEvents.Readable);
        return OpStatus.Ok;
    }

    internal OpStatus Reject(SocketId id, NetworkFailure reason, Instant now)
    {
        if (context.Sockets.Find(id) is not DatagramPort port) return OpStatus.Stale;
        if (port.State is not (DatagramPortState.Pending or DatagramPortState.Abandoned)) return OpStatus.InvalidState;
        if (port.State == DatagramPortState.Pending) AnswerAll(port, reason, now);
        return Release(id);
    }

    internal OpStatus Release(SocketId id)
    {
        if (context.Sockets.Find(id) is not DatagramPort port) return OpStatus.Stale;
        if (port.State == DatagramPortState.Pending) context.PendingCount--;
        if (port.State != DatagramPortState.Abandoned) _ports.Remove(port);
        context.Timers.Remove(port);
        port.Queue.Clear(context);
        StopWaiting(port);
        context.Sockets.Remove(port);
        return OpStatus.Ok;
    }

    internal OpStatus TryReceive(SocketId id, Span<byte> buffer, out ReceivedDatagram datagram)
    {
        datagram = default;
        if (context.Sockets.Find(id) is not DatagramPort port) return OpStatus.Stale;
        if (port.State == DatagramPortState.Pending) return OpStatus.InvalidState;
        if (port.State == DatagramPortState.Abandoned) return OpStatus.Failed;
        if (!port.Queue.TryTake(buffer, out DatagramRecord record, context)) return OpStatus.WouldBlock;
        int copied = Math.Min(buffer.Length, record.Length);
        datagram = new ReceivedDatagram(copied, record.Source, record.Destination, new InterfaceId(record.Interface), record.HopLimit,
            record.Failure, record.Mtu, record.IsEchoRequest, record.EchoSequence, copied < record.Length);
        return OpStatus.Ok;
    }

    /// <summary>Nobody accepted or rejected a pending port in time.</summary>
    internal void Abandon(DatagramPort port)
    {
        if (port.State != DatagramPortState.Pending) return;
        _ports.Remove(port);
        port.State = DatagramPortState.Abandoned;
        port.Failure = NetworkFailure.TimedOut;
        port.Queue.Clear(context);
        context.PendingCount--;
        context.Events.Raise(port, SocketEvents.Failed);
    }

    /// <summary>An interface has room again: tells the ports that were refused.</summary>
    internal void RoomAgain(NetworkInterface on)
    {
        while (on.FirstWaiting is { } port)
        {
            StopWaiting(port);
            context.Events.Raise(port, SocketEvents.Writable);
        }
    }

    private static bool TryNormalize(DatagramPortOptions options, out IpEndpoint local)
    {
        local = options.Local;
        switch (options.Protocol)
        {
            case IpProtocol.Udp: return !local.Address.IsMulticast && !local.Address.IsLimitedBroadcast;
            case IpProtocol.IcmpV6: return local.Address.IsV6 && !local.Address.IsMulticast;
            case IpProtocol.Icmp:
                if (local.Address.IsV6 && local.Address.IsUnspecified) local = local with { Address = IpAddress.AnyV4 };
                return local.Address.IsV4 && !local.Address.IsMulticast;
            default: return false;
        }
    }

    private void Wait(DatagramPort port, NetworkInterface on)
    {
        if (port.WaitingOn is not null) return;
        port.WaitingOn = on;
        port.NextWaiting = on.FirstWaiting;
        on.FirstWaiting = port;
    }

    private static void StopWaiting(DatagramPort port)
    {
        if (port.WaitingOn is not { } on) return;
        if (on.FirstWaiting == port) on.FirstWaiting = port.NextWaiting;
        for (DatagramPort? each = on.FirstWaiting; each is not null; each = each.NextWaiting)
        {
            if (each.NextWaiting == port) each.NextWaiting = port.NextWaiting;
        }
        (port.WaitingOn, port.NextWaiting) = (null, null);
    }
}
