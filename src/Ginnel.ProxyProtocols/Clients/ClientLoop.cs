using System.Threading.Channels;

namespace Ginnel.ProxyProtocols;

/// <summary>
/// Takes clients from a listener, serves each by itself within its limits, and queues what they ask for. A client's fault ends that client.
/// </summary>
internal sealed class ClientLoop : IAsyncDisposable
{
    private readonly IListener _inner;
    private readonly Func<ProxyClient, CancellationToken, Task<bool>> _serve;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<IPendingConnection> _asked;
    private readonly int _inputCapacity;
    private Task _accepting = Task.CompletedTask;
    private int _disposed;

    /// <param name="inner">Where clients come from; owned.</param>
    /// <param name="limits">Bounds.</param>
    /// <param name="incidents">Where the loop counts.</param>
    /// <param name="inputCapacity">Bytes of input that a client may have waiting.</param>
    /// <param name="serve">Serves a client until the token fires; false when the client is to be dropped.</param>
    internal ClientLoop(IListener inner, ClientLimits limits, ProxyIncidents incidents, int inputCapacity, Func<ProxyClient, CancellationToken, Task<bool>> serve)
    {
        (_inner, Limits, Incidents, _inputCapacity, _serve) = (inner, limits, incidents, inputCapacity, serve);
        Gate = new HandshakeGate(limits.MaxHandshakes, incidents);
        _asked = Channel.CreateBounded<IPendingConnection>(limits.MaxHandshakes);
    }

    internal ClientLimits Limits { get; }

    internal ProxyIncidents Incidents { get; }

    internal HandshakeGate Gate { get; }

    /// <summary>Fires when the listener closes.</summary>
    internal CancellationToken Stopping => _stop.Token;

    internal void Start() => _accepting = AcceptClientsAsync();

    internal async ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken)
    {
        while (await _asked.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            if (_asked.Reader.TryRead(out IPendingConnection? pending)) return pending;
        return null;
    }

    /// <summary>Queues what a client asks for; where nobody takes it, it is rejected.</summary>
    internal void Offer(IPendingConnection pending)
    {
        if (_asked.Writer.TryWrite(pending)) return;
        Incidents.Count(ProxyIncident.Overflowed);
        pending.Reject(new DialFailure(DialFailureKind.Limit, "requests that wait for the relay"));
    }

    /// <summary>Runs one handshake under the gate and a deadline. False when it failed, which is counted unless the client owed nothing.</summary>
    internal async Task<bool> WithinAsync(TimeSpan patience, Func<CancellationToken, Task<bool>> handshake, bool isOwed = true)
    {
        using HandshakeGate.Handshake place = Gate.Enter();
        using CancellationTokenSource timeout = new(patience, Limits.Time);
        using CancellationTokenSource any = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, place.Evicted, _stop.Token);
        try
        {
            return await handshake(any.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (any.IsCancellationRequested)
        {
            if (isOwed && timeout.IsCancellationRequested) Incidents.Count(ProxyIncident.HandshakeTimedOut);
            return false;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            if (isOwed) Incidents.Count(ProxyIncident.HandshakeBroken);
            return false;
        }
    }

    private async Task AcceptClientsAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Exception? broken = null;
        try
        {
            while (await _inner.AcceptAsync(_stop.Token).ConfigureAwait(false) is { } arrived) _ = ServeAsync(arrived);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
        }
        catch (Exception exception)
        {
            broken = exception;
        }
        _asked.Writer.TryComplete(broken);
    }

    private async Task ServeAsync(IPendingConnection arrived)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        ProxyClient? client = null;
        bool isKept = false;
        try
        {
            bool isConnected = await WithinAsync(Limits.HandshakeTimeout, async token =>
            {
                client = new ProxyClient(arrived.Flow, await arrived.AcceptAsync(token).ConfigureAwait(false), _inputCapacity);
                return true;
            }).ConfigureAwait(false);
            isKept = isConnected && await _serve(client!, _stop.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The client's affair: it went away, or took too long.
        }
        finally
        {
            if (!isKept)
            {
                client?.Input.Release();
                client?.Drop();
            }
        }
    }

    /// <summary>Closes the inner listener, drops clients that have not finished their request, and rejects what nobody took.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _inner.DisposeAsync().ConfigureAwait(false);
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _asked.Writer.TryComplete();
        while (_asked.Reader.TryRead(out IPendingConnection? pending)) pending.Reject(new DialFailure(DialFailureKind.Limit, "the listener is closed"));
    }
}
