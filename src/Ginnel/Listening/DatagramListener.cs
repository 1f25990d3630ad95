using System.Collections.Concurrent;
using System.Net;

namespace Ginnel;

/// <summary>
/// Turns a bound port, of the operating system or of a stack, into a way in for datagrams: each source that speaks to the port becomes a
/// pending port of its own.
/// </summary>
public sealed class DatagramListener : IPortListener
{
    private const int MaxDatagram = 65_535;
    private readonly IDatagramPort _port;
    private readonly DatagramListenerOptions _options;
    private readonly ConcurrentDictionary<IPEndPoint, SourcePort> _sources = new();
    private readonly System.Threading.Channels.Channel<SourcePort> _new;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _receiving;
    private long _dropped;
    private int _disposed;

    /// <summary>Takes ownership of the port and begins to receive.</summary>
    public DatagramListener(IDatagramPort port, DatagramListenerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(port);
        _port = port;
        _options = options ?? new DatagramListenerOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxSources, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.BytesPerSource, 1, nameof(options));
        // Bounded by MaxSources, for each source stands in it at most once.
        _new = System.Threading.Channels.Channel.CreateUnbounded<SourcePort>();
        _receiving = ReceiveAsync();
    }

    /// <summary>The port.</summary>
    public IPEndPoint? LocalEndPoint => _port.LocalEndPoint;

    /// <inheritdoc/>
    public int MaxPorts => _options.MaxSources;

    /// <summary>Datagrams that were dropped because of a limit.</summary>
    public long DroppedCount => Volatile.Read(ref _dropped);

    /// <inheritdoc/>
    public async ValueTask<IPendingPort?> AcceptPortAsync(CancellationToken cancellationToken = default)
    {
        while (await _new.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            if (_new.Reader.TryRead(out SourcePort? source)) return source;
        return null;
    }

    private async Task ReceiveAsync()
    {
        byte[] buffer = new byte[MaxDatagram];
        try
        {
            while (true)
            {
                DatagramItem item = await _port.ReceiveAsync(buffer, _stop.Token).ConfigureAwait(false);
                if (item.Failure.Kind == DialFailureKind.None) Sort(item, buffer.AsSpan(0, item.Length));
            }
        }
        catch (Exception exception) when (StreamPump.IsBroken(exception))
        {
            // The port is closed: nobody new will come.
        }
        finally
        {
            _new.Writer.TryComplete();
            foreach (SourcePort source in _sources.Values) source.Close();
        }
    }

    private void Sort(in DatagramItem item, ReadOnlySpan<byte> payload)
    {
        if (!_sources.TryGetValue(item.Remote, out SourcePort? source))
        {
            if (_sources.Count >= _options.MaxSources)
            {
                Interlocked.Increment(ref _dropped);
                return;
            }
            source = _sources[item.Remote] = new SourcePort(this, item.Remote, _options);
            source.Enqueue(payload);
            _new.Writer.TryWrite(source);
            return;
        }
        if (!source.Enqueue(payload)) Interlocked.Increment(ref _dropped);
    }

    internal ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint source, CancellationToken cancellationToken) =>
        _port.SendAsync(payload, source, cancellationToken);

    // The pair, not the key: the source may have spoken again and got a new port meanwhile.
    internal void Forget(SourcePort port) => _sources.TryRemove(KeyValuePair.Create(port.Source, port));

    /// <summary>Closes the port; the ports of its sources end.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return;
        await _stop.CancelAsync().ConfigureAwait(false);
        await _port.DisposeAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
    }
}
