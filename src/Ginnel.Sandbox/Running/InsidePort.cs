using System.Net;

namespace Ginnel.Sandbox;

/// <summary>
/// Sends datagrams to a program inside wherever it listens: when an address refuses, what was sent last goes to the next one. All go to one
/// port, the rule's.
/// </summary>
internal sealed class InsidePort(IDatagramPort port, InsideDialer dialer) : IDatagramPort
{
    private readonly Lock _lock = new();
    private IPAddress[] _inside = [];
    private int _current;
    private bool _hasAnswered;
    private byte[]? _last;
    private IPEndPoint? _asked;

    /// <inheritdoc/>
    public IPEndPoint? LocalEndPoint => port.LocalEndPoint;

    /// <inheritdoc/>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default) => port.WaitAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            DatagramItem item = await port.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
            IPEndPoint? asked = Judge(item, out byte[]? again, out IPEndPoint? target);
            if (asked is not null) return item with { Remote = asked };
            if (target is not null) await port.SendAsync(again, target, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask ReceiveAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        int first = batch.Count;
        await port.ReceiveAsync(batch, cancellationToken).ConfigureAwait(false);
        for (int i = first; i < batch.Count; i++)
        {
            IPEndPoint? asked = Judge(batch[i], out byte[]? again, out IPEndPoint? target);
            batch[i] = asked is not null ? batch[i] with { Remote = asked } : new DatagramItem(0, batch[i].Remote, Nobodys);
            if (target is not null) await port.SendAsync(again, target, cancellationToken).ConfigureAwait(false);
        }
    }

    private static readonly DialFailure Nobodys = new(DialFailureKind.Denied, "nobody was spoken to");

    // Whom it is from as the source knows it; null when it is not for the source, and then what is to be sent to somebody else instead, if anything.
    private IPEndPoint? Judge(in DatagramItem item, out byte[]? again, out IPEndPoint? target)
    {
        (again, target) = (null, null);
        lock (_lock)
        {
            if (_asked is null) return null;
            if (item.Failure.Kind == DialFailureKind.None) Answered(item.Remote.Address);
            else if (item.Failure.Kind == DialFailureKind.Refused && !_hasAnswered && item.Remote.Address.Equals(_inside[_current]))
            {
                _current = (_current + 1) % _inside.Length;
                // Once around is enough: nobody listens there at all.
                if (_current != 0 && _last is not null) (again, target) = (_last, new IPEndPoint(_inside[_current], _asked.Port));
            }
            return target is null ? _asked : null;
        }
    }

    /// <inheritdoc/>
    public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        IPEndPoint target;
        lock (_lock)
        {
            if (_asked is null) _inside = dialer.Order(FlowProtocol.Udp, remote.Port);
            _asked = remote;
            if (!_hasAnswered) _last = payload.ToArray();
            target = new IPEndPoint(_inside[_current], remote.Port);
        }
        return port.SendAsync(payload, target, cancellationToken);
    }

    private void Answered(IPAddress address)
    {
        if (!_hasAnswered && address.Equals(_inside[_current])) dialer.Remember(_asked!.Port, address);
        (_hasAnswered, _last) = (true, null);
    }

    /// <inheritdoc/>
    public void ReportFailure(IPEndPoint remote, DialFailure failure) => port.ReportFailure(remote, failure);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => port.DisposeAsync();
}
