using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace Ginnel.AspNetCore;

/// <summary>
/// A connection as a server sees it: two pipes, and a loop for each that carries their bytes to and from a <see cref="DuplexStream"/>.
/// While nothing comes the receiving loop waits without a buffer.
/// </summary>
internal sealed partial class DuplexConnection : ConnectionContext
{
    private readonly IPendingConnection _pending;
    private readonly TransportSettings _settings;
    private readonly Pipe _input;
    private readonly Pipe _output;
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _closedTold = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private DuplexStream? _stream;
    private ConnectionAbortedException? _abortReason;
    private Task _opening = Task.CompletedTask;
    private Task _receiving = Task.CompletedTask;
    private Task _sending = Task.CompletedTask;
    private int _loops = 2;
    private int _closing;
    private int _disposed;

    internal DuplexConnection(IPendingConnection pending, TransportSettings settings)
    {
        _pending = pending;
        _settings = settings;
        _input = new Pipe(settings.Input);
        _output = new Pipe(settings.Output);
        Transport = new PipePair(_input.Reader, _output.Writer);
        ConnectionClosed = _closed.Token;
        LocalEndPoint = pending.Flow.Destination;
        RemoteEndPoint = pending.Flow.Source;
        Features = OfferFeatures();
    }

    /// <summary>Completes the handshake if there is one to complete, and begins to carry.</summary>
    internal void Start()
    {
        ValueTask<DuplexStream> accepting = _pending.AcceptAsync(_closed.Token);
        if (accepting.IsCompletedSuccessfully) Carry(accepting.Result);
        else _opening = OpenAsync(accepting);
    }

    /// <summary>Ends the connection at once: with a reset, or with a FIN where there is no reason, as Kestrel does once a client has gone.</summary>
    public override void Abort(ConnectionAbortedException? abortReason)
    {
        lock (_lock)
        {
            if (_abortReason is not null) return;
            _abortReason = abortReason ?? new ConnectionAbortedException("The client has closed the connection.");
        }
        TransportLog.Aborted(_settings.Logger, ConnectionId, _abortReason.Message);
        // Without a stream yet the handshake is given up: it watches the same token.
        if (_stream is not { } stream) TellClosed();
        else if (abortReason is null) stream.Dispose();
        else stream.Abort();
        // What waits for the server's next bytes waits in vain.
        _output.Reader.CancelPendingRead();
    }

    /// <summary>Sends what was written, ends the connection, and waits until both loops have ended.</summary>
    public override async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_disposed != 0) return;
            _disposed = 1;
        }
        // Not Transport: a layer above, such as TLS, may have put its own pipes there.
        await _input.Reader.CompleteAsync().ConfigureAwait(false);
        await _output.Writer.CompleteAsync().ConfigureAwait(false);
        await _opening.ConfigureAwait(false);
        await _sending.ConfigureAwait(false);
        // The FIN is on its way; who still reads is woken by this.
        if (_stream is { } stream) await stream.DisposeAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        TellClosed();
        await _closedTold.Task.ConfigureAwait(false);
    }

    private async Task OpenAsync(ValueTask<DuplexStream> accepting)
    {
        try
        {
            Carry(await accepting.ConfigureAwait(false));
        }
        catch (Exception gone)
        {
            await _output.Reader.CompleteAsync().ConfigureAwait(false);
            await _input.Writer.CompleteAsync(ReasonOf(gone)).ConfigureAwait(false);
            TellClosed();
        }
    }

    private void Carry(DuplexStream stream)
    {
        lock (_lock)
        {
            _stream = stream;
            if (_abortReason is not null) stream.Abort();
        }
        _receiving = ReceiveAsync(stream);
        _sending = SendAsync(stream);
    }

    /// <summary>Fires <see cref="BaseConnectionContext.ConnectionClosed"/>, once, where whatever hangs on it harms neither loop.</summary>
    private void TellClosed()
    {
        if (Interlocked.Exchange(ref _closing, 1) != 0) return;
        ThreadPool.UnsafeQueueUserWorkItem(static connection =>
        {
            try
            {
                connection._closed.Cancel();
            }
            catch (AggregateException fault)
            {
                TransportLog.Fault(connection._settings.Logger, connection.ConnectionId, fault);
            }
            connection._closedTold.SetResult();
        }, this, preferLocal: false);
    }
}
