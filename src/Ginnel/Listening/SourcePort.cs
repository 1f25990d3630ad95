using System.Net;

namespace Ginnel;

/// <summary>One source of a <see cref="DatagramListener"/>: pending first, then a port that speaks with it alone.</summary>
internal sealed class SourcePort : IPendingPort, IDatagramPort
{
    private readonly DatagramListener _listener;
    private readonly int _limit;
    private readonly Lock _lock = new();
    private readonly Queue<byte[]> _waiting = new();
    private TaskCompletionSource? _arrival;
    private int _bytes;
    private bool _closed;

    internal SourcePort(DatagramListener listener, IPEndPoint source, DatagramListenerOptions options)
    {
        _listener = listener;
        _limit = options.BytesPerSource;
        Source = source;
        Flow = new FlowInfo { Protocol = FlowProtocol.Udp, Origin = options.Origin, Source = source, Destination = listener.LocalEndPoint };
    }

    public IPEndPoint Source { get; }

    public FlowInfo Flow { get; }

    public IPEndPoint? LocalEndPoint => _listener.LocalEndPoint;

    /// <summary>False when there is no room.</summary>
    internal bool Enqueue(ReadOnlySpan<byte> payload)
    {
        TaskCompletionSource? arrival;
        lock (_lock)
        {
            // Empty datagrams must count too, or a source could fill the queue with them.
            int size = payload.Length + 32;
            if (_closed || _bytes + size > _limit) return false;
            _bytes += size;
            _waiting.Enqueue(payload.ToArray());
            arrival = Interlocked.Exchange(ref _arrival, null);
        }
        arrival?.TrySetResult();
        return true;
    }

    public ValueTask<IDatagramPort> AcceptAsync(CancellationToken cancellationToken = default) => new(this);

    public void Reject(DialFailure reason) => Close();

    public async ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task arrival;
            lock (_lock)
            {
                if (_waiting.TryDequeue(out byte[]? payload))
                {
                    _bytes -= payload.Length + 32;
                    int length = Math.Min(payload.Length, buffer.Length);
                    payload.AsSpan(0, length).CopyTo(buffer.Span);
                    return new DatagramItem(length, LocalEndPoint ?? Source);
                }
                ObjectDisposedException.ThrowIf(_closed, this);
                arrival = (_arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            }
            await arrival.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    public async ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        Task arrival;
        lock (_lock)
        {
            if (_waiting.Count > 0) return true;
            if (_closed) return false;
            arrival = (_arrival ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
        await arrival.WaitAsync(cancellationToken).ConfigureAwait(false);
        return !Volatile.Read(ref _closed);
    }

    public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default) =>
        _listener.SendAsync(payload, Source, cancellationToken);

    public void ReportFailure(IPEndPoint remote, DialFailure failure)
    {
        // The source spoke to an ordinary port, which cannot tell it what lies behind.
    }

    internal void Close()
    {
        TaskCompletionSource? arrival;
        lock (_lock)
        {
            _closed = true;
            _waiting.Clear();
            _bytes = 0;
            arrival = Interlocked.Exchange(ref _arrival, null);
        }
        arrival?.TrySetResult();
        _listener.Forget(this);
    }

    public ValueTask DisposeAsync()
    {
        Close();
        return default;
    }
}
