using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <content>Any-IP mode: what arrives for addresses that are nobody's.</content>
public sealed partial class NetworkHost
{
    private AnyIpListener? _connections;
    private AnyIpPortListener? _ports;

    /// <summary>
    /// Offers the connections that arrive on any-IP interfaces, held unanswered until accepted or rejected. Without such a listener they
    /// are refused.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is one already.</exception>
    public IListener AcceptConnections()
    {
        ThrowIfEnded();
        AnyIpListener listener = new(_shard, gone => Interlocked.CompareExchange(ref _connections, null, gone));
        if (Interlocked.CompareExchange(ref _connections, listener, null) is not null)
            throw new InvalidOperationException($"The any-IP connections of {Name} are accepted elsewhere already.");
        return listener;
    }

    /// <summary>
    /// Offers the sources of datagrams and echo requests that arrive on any-IP interfaces. Without such a listener they are refused.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is one already.</exception>
    public IPortListener AcceptPorts()
    {
        ThrowIfEnded();
        AnyIpPortListener listener = new(_shard, gone => Interlocked.CompareExchange(ref _ports, null, gone));
        if (Interlocked.CompareExchange(ref _ports, listener, null) is not null)
            throw new InvalidOperationException($"The any-IP ports of {Name} are accepted elsewhere already.");
        return listener;
    }

    // Under the shard's lock: accepts that wait yield null from now on.
    private void OnEnding(ref ShardWork work)
    {
        Volatile.Read(ref _connections)?.Queue.Close(ref work);
        Volatile.Read(ref _ports)?.Queue.Close(ref work);
    }

    // Under the shard's lock.
    private bool OnPending(NetworkStack stack, SocketEvent happened, ref ShardWork work)
    {
        if (!stack.TryGetFlow(happened.Id, out FlowKey flow)) return false;
        if ((happened.Events & SocketEvents.PendingConnection) != 0)
        {
            AnyIpListener? listener = Volatile.Read(ref _connections);
            if (listener is null || listener.Queue.IsClosed) return false;
            StackPendingConnection pending = new(_shard, flow, Name, AddressNames);
            _shard.Register(happened.Id, pending);
            listener.Queue.Add(pending, ref work);
            return true;
        }
        AnyIpPortListener? ports = Volatile.Read(ref _ports);
        if (ports is null || ports.Queue.IsClosed) return false;
        StackPendingPort port = new(_shard, flow, Name, AddressNames);
        _shard.Register(happened.Id, port);
        ports.Queue.Add(port, ref work);
        return true;
    }
}
