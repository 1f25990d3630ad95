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
            (byte[]? again, IPEndPoint? target) = (null, null);
            lock (_lock)
            {
                if (_asked is null) continue;
                if (item.Failure.Kind == DialFailureKind.None) Answered(item.Remote.Address);
                else if (item.Failure.Kind == DialFailureKind.Refused && !_hasAnswered && item.Remote.Address.Equals(_inside[_current]))
                {
                    _current = (_current + 1) % _inside.Length;
                    // Once around is enough: nobody listens there at all.
                    if (_current != 0 && _last is not null) (again, target) = (_last, new IPEndPoint(_inside[_current], _asked.Port));
                }
                if (target is null) return item with { Remote = _asked };
            }
            await port.SendAsync(again, target, cancellationToken).ConfigureAwait(false);
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
