using System.Net;
using System.Net.Sockets;

namespace Ginnel.Proxy;

/// <summary>
/// <c>--all-ingress</c>: whatever the tunnel's side asks of our addresses is dialled on this host's loopback, at the same port. Ports of rules go before
/// it. It decides and hands on.
/// </summary>
/// <param name="next">Dials on the host.</param>
/// <param name="own">Our addresses in the tunnel; what is asked of others is refused, for this is no router.</param>
/// <param name="admits">Whether a port is open to the tunnel.</param>
internal sealed class AllIngress(IDialer next, IReadOnlyCollection<IPAddress> own, Func<FlowProtocol, int, bool> admits) : IDialer
{
    /// <inheritdoc/>
    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        if (target is not IPEndPoint asked || !Admits(FlowProtocol.Tcp, asked)) return DialResult.Failed(Denied);
        DialResult first = default;
        // A server may stand on the other family's loopback alone; what the first says counts.
        IPAddress other = asked.AddressFamily == AddressFamily.InterNetwork ? IPAddress.IPv6Loopback : IPAddress.Loopback;
        foreach (IPAddress loopback in (IPAddress[])[LoopbackOf(asked), other])
        {
            IPEndPoint here = new(loopback, asked.Port);
            DialResult result = await next.DialAsync(here, flow, cancellationToken).ConfigureAwait(false);
            if (result.IsConnected) return result with { Chosen = here };
            if (first.Failure.Kind == DialFailureKind.None) first = result;
            if (result.Failure.Kind != DialFailureKind.Refused) break;
        }
        return first;
    }

    /// <inheritdoc/>
    public async ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(flow);
        if (flow.Protocol != FlowProtocol.Udp || flow.Destination is not IPEndPoint first || !Admits(FlowProtocol.Udp, first)) return BindResult.Failed(Denied);
        BindResult bound = await next.BindAsync(flow with { Destination = new IPEndPoint(LoopbackOf(first), first.Port) }, cancellationToken).ConfigureAwait(false);
        return bound.IsBound ? BindResult.Bound(new LoopbackPort(this, bound.Port)) : bound;
    }

    private static DialFailure Denied => new(DialFailureKind.Denied, "not open to the tunnel");

    private static IPAddress LoopbackOf(IPEndPoint asked) => asked.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback;

    private bool Admits(FlowProtocol protocol, IPEndPoint asked) => own.Contains(asked.Address) && admits(protocol, asked.Port);

    /// <summary>One source's datagrams: to our addresses outside of it, to loopback inside, and back.</summary>
    private sealed class LoopbackPort(AllIngress way, IDatagramPort inner) : IDatagramPort
    {
        private const int MaxTargets = 1_024;
        private readonly Dictionary<IPEndPoint, IPEndPoint> _askedBy = [];
        private readonly Lock _lock = new();

        public IPEndPoint? LocalEndPoint => inner.LocalEndPoint;

        public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default) => inner.WaitAsync(cancellationToken);

        public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            while (true)
            {
                DatagramItem item = await inner.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
                lock (_lock)
                {
                    // Who was not asked may not answer.
                    if (_askedBy.TryGetValue(item.Remote, out IPEndPoint? asked)) return item with { Remote = asked };
                }
            }
        }

        public async ValueTask ReceiveAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
        {
            int first = batch.Count;
            await inner.ReceiveAsync(batch, cancellationToken).ConfigureAwait(false);
            lock (_lock)
            {
                for (int i = first; i < batch.Count; i++)
                    batch[i] = _askedBy.TryGetValue(batch[i].Remote, out IPEndPoint? asked) ? batch[i] with { Remote = asked } : new(0, batch[i].Remote, Denied);
            }
        }

        public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
        {
            if (!way.Admits(FlowProtocol.Udp, remote)) return new(Denied);
            IPEndPoint here = new(LoopbackOf(remote), remote.Port);
            lock (_lock)
            {
                if (_askedBy.Count >= MaxTargets && !_askedBy.ContainsKey(here)) return new(new DialFailure(DialFailureKind.Limit, "ports of one source"));
                _askedBy[here] = remote;
            }
            return inner.SendAsync(payload, here, cancellationToken);
        }

        public void ReportFailure(IPEndPoint remote, DialFailure failure)
        {
        }

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
