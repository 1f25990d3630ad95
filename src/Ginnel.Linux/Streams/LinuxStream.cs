using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Ginnel.Linux.Events;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Streams;

/// <summary>A TCP connection of the host on an event loop. One read and one write at a time; waiting allocates nothing.</summary>
internal sealed class LinuxStream : HostStream
{
    private const uint Events = Polling.In | Polling.Out | Polling.PeerClosed | Polling.EdgeTriggered;

    private readonly EventLoop _loop;
    private readonly Descriptor _socket;
    private readonly EndPoint? _remote;
    private readonly Readiness _readable;
    private readonly Readiness _writable;
    private readonly Listener _watch;
    private EndPoint? _local;
    private int _closed;

    /// <summary>Takes a connected socket, or one that is being connected.</summary>
    /// <exception cref="LinuxException">The kernel's limit of watches is reached; the socket stays the caller's.</exception>
    internal LinuxStream(EventLoop loop, Descriptor socket, EndPoint? remote)
    {
        (_loop, _socket, _remote) = (loop, socket, remote);
        _readable = new Readiness(loop);
        _writable = new Readiness(loop);
        _watch = new Listener(this);
        loop.Add(socket, Events, _watch);
    }

    public override EndPoint? LocalEndPoint => _local ??= With(StreamCalls.LocalEndPoint, null);
    public override EndPoint? RemoteEndPoint => _remote;
    public override bool CanRead => Volatile.Read(ref _closed) == 0;
    public override bool CanWrite => Volatile.Read(ref _closed) == 0;

    internal ValueTask WaitWritableAsync(CancellationToken cancellationToken) => _writable.WaitAsync(cancellationToken);

    public override int TryReceive(Span<byte> first, Span<byte> second)
    {
        _readable.Forget();
        int count = Transfer(first, second, sends: false, out int error);
        if (count >= 0)
        {
            // There may be more, and there will be: the end of the stream is read again and again.
            _readable.Signal();
            return count;
        }
        return error is Errno.Again ? -1 : throw ReadError(SocketErrors.Of(error));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> SendSomeAsync(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int sent = TrySend(first.Span, second.Span);
            if (sent >= 0) return sent;
            await WaitAsync(_writable, isWrite: true, cancellationToken).ConfigureAwait(false);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (buffer.IsEmpty)
            {
                await WaitAsync(_readable, isWrite: false, cancellationToken).ConfigureAwait(false);
                // The wait has taken the news; it is the next try's.
                _readable.Signal();
                return 0;
            }
            int received = TryReceive(buffer.Span, default);
            if (received >= 0) return received;
            await WaitAsync(_readable, isWrite: false, cancellationToken).ConfigureAwait(false);
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (!buffer.IsEmpty) buffer = buffer[await SendSomeAsync(buffer, default, cancellationToken).ConfigureAwait(false)..];
    }

    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        int error = With(static socket => StreamCalls.Shutdown(socket, both: false), Errno.BadDescriptor);
        // Not connected: the peer has closed both directions already; there is nobody to tell.
        return error is 0 or Errno.NotConnected ? default : ValueTask.FromException(WriteError(SocketErrors.Of(error)));
    }

    public override void Abort() => End(StreamCalls.ResetOnClose);

    protected override void Dispose(bool disposing)
    {
        if (disposing) End(static socket => StreamCalls.Shutdown(socket, both: true));
        base.Dispose(disposing);
    }

    private int TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        _writable.Forget();
        int count = Transfer(first, second, sends: true, out int error);
        if (count >= 0) return count;
        return error is Errno.Again ? -1 : throw WriteError(SocketErrors.Of(error));
    }

    private int Transfer(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, bool sends, out int error)
    {
        bool isHeld = false;
        error = Errno.BadDescriptor;
        try
        {
            return TryHold(ref isHeld) ? StreamCalls.Transfer(_socket.Number, first, second, sends, out error) : -1;
        }
        finally
        {
            if (isHeld) _socket.DangerousRelease();
        }
    }

    // A wait that ends because the stream was closed is a broken read or write, as in the base library.
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private async ValueTask WaitAsync(Readiness readiness, bool isWrite, CancellationToken cancellationToken)
    {
        try
        {
            await readiness.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            throw isWrite ? WriteError(SocketError.OperationAborted) : ReadError(SocketError.OperationAborted);
        }
    }

    private bool TryHold(ref bool isHeld)
    {
        try
        {
            if (Volatile.Read(ref _closed) != 0) return false;
            _socket.DangerousAddRef(ref isHeld);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private T With<T>(Func<int, T> call, T closed)
    {
        bool isHeld = false;
        try
        {
            return TryHold(ref isHeld) ? call(_socket.Number) : closed;
        }
        finally
        {
            if (isHeld) _socket.DangerousRelease();
        }
    }

    // From the flag on a read or write is one of a closed stream: the last call on the descriptor must not look to it like the peer's end.
    private void End(Func<int, int> lastCall)
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        lastCall(_socket.Number);
        _loop.Remove(_socket, _watch);
        _socket.Dispose();
        _readable.Close();
        _writable.Close();
    }

    private sealed class Listener(LinuxStream stream) : Watch
    {
        internal override void OnReady(uint events)
        {
            const uint Ended = Polling.Error | Polling.HangUp;
            if ((events & (Polling.Out | Ended)) != 0) stream._writable.Signal();
            if ((events & (Polling.In | Polling.PeerClosed | Ended)) != 0) stream._readable.Signal();
        }
    }
}
