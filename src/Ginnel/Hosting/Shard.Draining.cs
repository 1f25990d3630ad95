using Ginnel.Netstack;

namespace Ginnel;

/// <content>Waiting until connections have delivered what was written.</content>
internal sealed partial class Shard
{
    private static readonly TimeSpan DrainInterval = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Completes when no connection is held by this process and none still has something to deliver. Delivery after a stream was
    /// disposed of is the stack's own affair and raises no event, hence the looking in intervals of the runtime's clock.
    /// </summary>
    internal async Task DrainAsync(CancellationToken cancellationToken)
    {
        while (Ended is null && !Peek(this, static (stack, shard) => shard.IsDrained(stack)))
            await Task.Delay(DrainInterval, Runtime.Time, cancellationToken).ConfigureAwait(false);
    }

    private bool IsDrained(NetworkStack stack)
    {
        foreach (ShardSocket? socket in _sockets)
            if (socket is TcpSocket) return false;
        foreach (ShardPort port in _ports)
            if (port.Sending || port.IsUp && stack.HasOutput(port.Interface)) return false;
        return stack.ConnectionMemoryInUse == 0;
    }
}
