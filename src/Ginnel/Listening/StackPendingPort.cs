using System.Net;
using System.Net.Sockets;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A source of datagrams that the stack holds undecided.</summary>
internal sealed class StackPendingPort : ShardSocket, IPendingPort
{
    private readonly FlowKey _key;
    private readonly string _origin;
    private readonly IAddressNames? _names;
    private FlowInfo? _flow;

    internal StackPendingPort(Shard shard, FlowKey key, string origin, IAddressNames? names) : base(shard)
    {
        (_key, _origin, _names) = (key, origin, names);
    }

    internal bool IsAlive => Id != SocketId.None;

    public IPEndPoint Source => Flow.Source!;

    // Made under the lock, described outside it: the names are someone else's to tell.
    public FlowInfo Flow =>
        _flow ?? Interlocked.CompareExchange(ref _flow, FlowDescription.Of(FlowDescription.ProtocolOf(_key), _origin, _key, _names), null) ?? _flow;

    internal override void OnEvents(SocketEvents events, ref ShardWork work)
    {
        if ((events & (SocketEvents.Failed | SocketEvents.Closed)) != 0) Shard.Release(this, Shard.Runtime.Now);
    }

    internal override void OnHostEnded(ref ShardWork work)
    {
    }

    public ValueTask<IDatagramPort> AcceptAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        StackDatagramPort port = new(Shard, Flow.Protocol, _key.Remote);
        (StackPendingPort Pending, StackDatagramPort Port) state = (this, port);
        OpStatus status = Shard.Run(ref state, static (NetworkStack stack, ref (StackPendingPort Pending, StackDatagramPort Port) s, Instant now, ref ShardWork _) =>
        {
            SocketId id = s.Pending.Id;
            if (id == SocketId.None) return OpStatus.Stale;
            s.Pending.Id = SocketId.None;
            s.Port.Join(stack, id);
            OpStatus accepted = stack.Accept(id, now, out SocketId _);
            if (accepted != OpStatus.Ok) s.Port.Leave(now);
            return accepted;
        });
        return status == OpStatus.Ok ? new(port) : ValueTask.FromException<IDatagramPort>(StreamErrors.Read(SocketError.ConnectionAborted));
    }

    public void Reject(DialFailure reason)
    {
        (StackPendingPort Pending, NetworkFailure Failure) state = (this, DialFailures.ToNetworkFailure(reason.Kind));
        Shard.Run(ref state, static (NetworkStack stack, ref (StackPendingPort Pending, NetworkFailure Failure) s, Instant now, ref ShardWork _) =>
        {
            StackPendingPort pending = s.Pending;
            if (pending.Id == SocketId.None) return OpStatus.Stale;
            OpStatus status = stack.Reject(pending.Id, s.Failure, now);
            pending.Shard.Release(pending, now);
            return status;
        });
    }
}
