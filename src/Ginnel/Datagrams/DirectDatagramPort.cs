using System.Collections.Concurrent;
using System.Net;

namespace Ginnel;

/// <summary>A host's datagram port under the rules of its dialer: each target is judged as a connection's would be, redirections are undone on the way back.</summary>
internal sealed class DirectDatagramPort(IDatagramPort port, DirectDialer dialer) : IDatagramPort
{
    /// <summary>Targets whose answers are given the name that was asked for; those of further ones only while nobody else is spoken to.</summary>
    internal const int MaxRedirections = 256;

    private sealed record Redirection(IPEndPoint Asked, IPEndPoint Target);

    // The last one is looked at first, for a source speaks to the same target many times in a row; most ports have none, and few a second one.
    private volatile Redirection? _last;
    private ConcurrentDictionary<IPEndPoint, Redirection>? _redirected;

    public IPEndPoint? LocalEndPoint => port.LocalEndPoint;

    /// <summary>Redirections that are remembered beside the last one.</summary>
    internal int RedirectionCount => _redirected?.Count ?? 0;

    public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Admit(await port.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false));

    public async ValueTask ReceiveAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        int first = batch.Count;
        await port.ReceiveAsync(batch, cancellationToken).ConfigureAwait(false);
        for (int i = first; i < batch.Count; i++) batch[i] = Admit(batch[i]);
    }

    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default) => port.WaitAsync(cancellationToken);

    public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        DialFailure refusal = Judge(remote, out IPEndPoint target);
        return refusal.Kind != DialFailureKind.None ? new(refusal) : port.SendAsync(payload, target, cancellationToken);
    }

    public async ValueTask SendAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            if (batch[i].Failure.Kind != DialFailureKind.None) continue;
            DialFailure refusal = Judge(batch[i].Remote, out IPEndPoint target);
            batch[i] = refusal.Kind == DialFailureKind.None ? batch[i] with { Remote = target } : batch[i] with { Failure = refusal };
        }
        await port.SendAsync(batch, cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < batch.Count; i++)
            if (AskedFor(batch[i].Remote) is { } asked) batch[i] = batch[i] with { Remote = asked };
    }

    public void ReportFailure(IPEndPoint remote, DialFailure failure)
    {
        // The host's peers are beyond our reach: there is nobody to tell.
    }

    public ValueTask DisposeAsync() => port.DisposeAsync();

    private DialFailure Judge(IPEndPoint asked, out IPEndPoint target)
    {
        if (_last is { } last && ReferenceEquals(last.Asked, asked))
        {
            target = last.Target;
            return default;
        }
        DialFailure refusal = dialer.Judge(asked, out target);
        if (refusal.Kind == DialFailureKind.None && !target.Equals(asked)) Remember(new Redirection(asked, target));
        return refusal;
    }

    private void Remember(Redirection redirection)
    {
        if (_last is { } first && !first.Target.Equals(redirection.Target))
        {
            _redirected ??= new ConcurrentDictionary<IPEndPoint, Redirection>(1, 4);
            Keep(_redirected, first);
            Keep(_redirected, redirection);
        }
        _last = redirection;
    }

    private static void Keep(ConcurrentDictionary<IPEndPoint, Redirection> all, Redirection redirection)
    {
        if (all.Count < MaxRedirections || all.ContainsKey(redirection.Target)) all[redirection.Target] = redirection;
    }

    private IPEndPoint? AskedFor(IPEndPoint target)
    {
        if (_last is not { } last) return null;
        if (ReferenceEquals(last.Target, target) || last.Target.Equals(target)) return last.Asked;
        return _redirected is { } all && all.TryGetValue(target, out Redirection? known) ? known.Asked : null;
    }

    private DatagramItem Admit(in DatagramItem item)
    {
        if (AskedFor(item.Remote) is { } asked) return item with { Remote = asked };
        if (item.Failure.Kind != DialFailureKind.None) return item;
        // Who may not be sent to may not send either: the host's loopback does not come in by the ports that we open on it. What it sent
        // is returned as the refusal that sending there would be, so that the receiver need not hold its buffer for the next.
        DialFailure refusal = dialer.Judge(item.Remote, out _);
        return refusal.Kind == DialFailureKind.None ? item : new DatagramItem(0, item.Remote, refusal);
    }
}
