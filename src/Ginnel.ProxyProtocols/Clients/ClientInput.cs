using System.Buffers;

namespace Ginnel.ProxyProtocols;

/// <summary>
/// What a client has sent and nobody has taken yet. The buffer is rented while it holds something; a client that is waited for holds none.
/// One reader at a time.
/// </summary>
internal sealed class ClientInput(DuplexStream stream, int capacity)
{
    private byte[]? _buffer;
    private int _start;
    private int _end;

    /// <summary>What is there.</summary>
    internal ReadOnlyMemory<byte> Unread => _buffer.AsMemory(_start, _end - _start);

    /// <summary>Whether not one byte more can be held.</summary>
    internal bool IsFull => _end - _start == capacity;

    /// <summary>Takes the first bytes off.</summary>
    internal void Skip(int count)
    {
        _start += count;
        if (_start == _end) Release();
    }

    /// <summary>Reads once; false at the end of the stream.</summary>
    /// <exception cref="InvalidOperationException">The input is full.</exception>
    internal async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        if (IsFull) throw new InvalidOperationException("The input is full.");
        // Waiting costs no buffer: a read of nothing completes when there is something.
        await stream.ReadAsync(Memory<byte>.Empty, cancellationToken).ConfigureAwait(false);
        _buffer ??= ArrayPool<byte>.Shared.Rent(capacity);
        if (_start > 0 && _end == capacity)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }
        try
        {
            int read = await stream.ReadAsync(_buffer.AsMemory(_end, capacity - _end), cancellationToken).ConfigureAwait(false);
            _end += read;
            return read > 0;
        }
        finally
        {
            if (_start == _end) Release();
        }
    }

    /// <summary>
    /// Reads on while a decision is pending, and completes when the client has gone: reset, or with nothing more to say. Early bytes are
    /// kept. Completes with <see cref="WatchEnd.Stopped"/> once it is told to stop, or when it can hold no more.
    /// </summary>
    internal async Task<WatchEnd> WatchAsync(CancellationToken stop)
    {
        try
        {
            while (!IsFull)
                if (!await FillAsync(stop).ConfigureAwait(false)) return WatchEnd.Ended;
            return WatchEnd.Stopped;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return WatchEnd.Stopped;
        }
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            return WatchEnd.Broken;
        }
    }

    /// <summary>The client's stream, from the first byte that was not taken on. The input is not used afterwards.</summary>
    internal DuplexStream Detach()
    {
        if (_start == _end) return stream;
        byte[] early = Unread.ToArray();
        Release();
        return new PrefixedStream(stream, early);
    }

    /// <summary>Gives the buffer back. What was unread is lost.</summary>
    internal void Release()
    {
        if (_buffer is { } buffer) ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        (_buffer, _start, _end) = (null, 0, 0);
    }
}

/// <summary>Why watching a client has ended.</summary>
internal enum WatchEnd : byte
{
    /// <summary>It is still there, as far as we know.</summary>
    Stopped,
    /// <summary>It will say no more, but may listen.</summary>
    Ended,
    /// <summary>Its connection broke.</summary>
    Broken,
}
