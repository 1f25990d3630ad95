using System.Collections.Concurrent;
using System.Net;

namespace Ginnel;

/// <summary>A host's datagram port under the rules of its dialer: each target is judged as a connection's would be, redirections are undone on the way back.</summary>
internal sealed class DirectDatagramPort(IDatagramPort port, DirectDialer dialer) : IDatagramPort
{
    private const int MaxRedirections = 256;
    private readonly ConcurrentDictionary<IPEndPoint, IPEndPoint> _redirected = new();

    public IPEndPoint? LocalEndPoint => port.LocalEndPoint;

    public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        DatagramItem item = await port.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (!_redirected.IsEmpty && _redirected.TryGetValue(item.Remote, out IPEndPoint? asked)) return item with { Remote = asked };
        if (item.Failure.Kind != DialFailureKind.None) return item;
        // Who may not be sent to may not send either: the host's loopback does not come in by the ports that we open on it. What it sent
        // is returned as the refusal that sending there would be, so that the receiver need not hold its buffer for the next.
        DialFailure refusal = dialer.Judge(item.Remote, out _);
        return refusal.Kind == DialFailureKind.None ? item : new DatagramItem(0, item.Remote, refusal);
    }

    public ValueTask WaitAsync(CancellationToken cancellationToken = default) => port.WaitAsync(cancellationToken);

    public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        DialFailure refusal = dialer.Judge(remote, out IPEndPoint target);
        if (refusal.Kind != DialFailureKind.None) return new(refusal);
        if (!ReferenceEquals(target, remote) && !target.Equals(remote) && _redirected.Count < MaxRedirections) _redirected[target] = remote;
        return port.SendAsync(payload, target, cancellationToken);
    }

    public void ReportFailure(IPEndPoint remote, DialFailure failure)
    {
        // The host's peers are beyond our reach: there is nobody to tell.
    }

    public ValueTask DisposeAsync() => port.DisposeAsync();
}
