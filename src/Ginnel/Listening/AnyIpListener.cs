using Ginnel.Netstack;

namespace Ginnel;

/// <summary>Offers the connections that a host holds in any-IP mode.</summary>
internal sealed class AnyIpListener(Shard shard, Action<AnyIpListener> closed) : IListener
{
    internal AnyIpQueue<StackPendingConnection> Queue { get; } = new(shard, static pending => pending.IsAlive);

    public async ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await Queue.TakeAsync(cancellationToken).ConfigureAwait(false);

    public ValueTask DisposeAsync()
    {
        closed(this);
        StackPendingConnection[] left = [];
        AnyIpListener self = this;
        shard.Run(ref self, (NetworkStack _, ref AnyIpListener listener, Instant _, ref ShardWork work) =>
        {
            left = listener.Queue.Close(ref work);
            return OpStatus.Ok;
        });
        foreach (StackPendingConnection pending in left) pending.Reject(new DialFailure(DialFailureKind.Refused));
        return default;
    }
}

/// <summary>Offers the sources of datagrams that a host holds in any-IP mode.</summary>
internal sealed class AnyIpPortListener(Shard shard, Action<AnyIpPortListener> closed) : IPortListener
{
    internal AnyIpQueue<StackPendingPort> Queue { get; } = new(shard, static pending => pending.IsAlive);

    public async ValueTask<IPendingPort?> AcceptPortAsync(CancellationToken cancellationToken = default) =>
        await Queue.TakeAsync(cancellationToken).ConfigureAwait(false);

    public ValueTask DisposeAsync()
    {
        closed(this);
        StackPendingPort[] left = [];
        AnyIpPortListener self = this;
        shard.Run(ref self, (NetworkStack _, ref AnyIpPortListener listener, Instant _, ref ShardWork work) =>
        {
            left = listener.Queue.Close(ref work);
            return OpStatus.Ok;
        });
        foreach (StackPendingPort pending in left) pending.Reject(new DialFailure(DialFailureKind.Refused));
        return default;
    }
}
