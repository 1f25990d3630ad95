using System.Buffers;

namespace Ginnel.ProxyProtocols;

/// <summary>Bytes on their way from one end of a pair to the other: a ring that is rented only while it holds something. Thread-safe.</summary>
internal sealed class PairedDirection
{
    private const int Capacity = 64 << 10;
    private readonly Lock _lock = new();
    private byte[]? _ring;
    private int _head;
    private int _count;
    private bool _isComplete;
    private bool _isAbandoned;
    private string? _broken;
    private TaskCompletionSource? _changed;

    /// <summary>Whether nothing more will be read from it: its writer has ended or it is broken.</summary>
    internal bool HasEnded
    {
        get
        {
            lock (_lock) return _broken is not null || (_isComplete && _count == 0);
        }
    }

    internal async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int taken;
            Task changed;
            lock (_lock)
            {
                if (_broken is not null) throw new IOException(_broken);
                ObjectDisposedException.ThrowIf(_isAbandoned, typeof(PairedStream));
                if (_count == 0 && _isComplete) return 0;
                taken = Take(buffer.Span);
                // A read of nothing is a question, and is answered once there is something.
                if (_count > 0 && buffer.IsEmpty) return 0;
                changed = taken == 0 ? Changed() : Task.CompletedTask;
            }
            if (taken > 0)
            {
                Signal();
                return taken;
            }
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    internal async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!buffer.IsEmpty)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int put;
            Task changed;
            lock (_lock)
            {
                if (_broken is not null) throw new IOException(_broken);
                if (_isAbandoned) throw new IOException("The other end does not read any more.");
                ObjectDisposedException.ThrowIf(_isComplete, typeof(PairedStream));
                put = Put(buffer.Span);
                changed = put == 0 ? Changed() : Task.CompletedTask;
            }
            if (put > 0) Signal();
            buffer = buffer[put..];
            if (put == 0) await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The writer has said all.</summary>
    internal void Complete() => Change(static direction => direction._isComplete = true);

    /// <summary>The reader has left.</summary>
    internal void Abandon() => Change(static direction => direction._isAbandoned = true);

    /// <summary>Both ends see an error from now on.</summary>
    internal void Break(string reason) => Change(direction => direction._broken ??= reason);

    private void Change(Action<PairedDirection> change)
    {
        lock (_lock)
        {
            change(this);
            if (_isAbandoned || _broken is not null) Release();
        }
        Signal();
    }

    private int Take(Span<byte> into)
    {
        if (_ring is null) return 0;
        int length = Math.Min(into.Length, _count), first = Math.Min(length, Capacity - _head);
        _ring.AsSpan(_head, first).CopyTo(into);
        _ring.AsSpan(0, length - first).CopyTo(into[first..]);
        _head = (_head + length) % Capacity;
        _count -= length;
        if (_count == 0) Release();
        return length;
    }

    private int Put(ReadOnlySpan<byte> from)
    {
        int length = Math.Min(from.Length, Capacity - _count);
        if (length == 0) return 0;
        _ring ??= ArrayPool<byte>.Shared.Rent(Capacity);
        int tail = (_head + _count) % Capacity, first = Math.Min(length, Capacity - tail);
        from[..first].CopyTo(_ring.AsSpan(tail));
        from[first..length].CopyTo(_ring);
        _count += length;
        return length;
    }

    private void Release()
    {
        if (_ring is { } ring) ArrayPool<byte>.Shared.Return(ring);
        (_ring, _head, _count) = (null, 0, 0);
    }

    // Under the lock.
    private Task Changed() => (_changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    private void Signal()
    {
        TaskCompletionSource? changed;
        lock (_lock) changed = Interlocked.Exchange(ref _changed, null);
        changed?.TrySetResult();
    }
}
