using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Ginnel.Linux.Events;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Streams;

/// <summary>A TCP connection of the host on an event loop. One read and one write at a time; waiting allocates nothing.</summary>
internal sealed class LinuxStream : HostStream
{
    private const uint Events = Polling.In | Polling.Urgent | Polling.Out | Polling.PeerClosed | Polling.EdgeTriggered;

    private readonly EventLoop _loop;
    private readonly Descriptor _socket;
    private readonly EndPoint? _remote;
    private readonly Readiness _readable;
    private readonly Readiness _writable;
    private readonly Listener _watch;
    private EndPoint? _local;
    // Told by the kernel: the peer has sent its end; an error or a hang-up.
    private volatile bool _isPeerClosed, _isTroubled;
    // Whether a receive may end short of what is there: before urgent data (tcp(7)), or with a message that bears descriptors (unix(7)).
    private volatile bool _readsInPieces;
    private volatile bool _hasReadEnd, _hasSentEnd, _sendsAtOnce;
    private bool _hasSent;
    private int _closed;

    /// <summary>Takes a connected socket, or one that is being connected.</summary>
    /// <param name="loop">Who watches it.</param>
    /// <param name="socket">The socket; the stream's from now on.</param>
    /// <param name="remote">The peer.</param>
    /// <param name="sendsAtOnce">Whether it is set not to wait for more to send, or never does.</param>
    /// <param name="isTcp">Whether it is of TCP, and not of the Unix family.</param>
    /// <exception cref="LinuxException">The kernel's limit of watches is reached; the socket stays the caller's.</exception>
    internal LinuxStream(EventLoop loop, Descriptor socket, EndPoint? remote, bool sendsAtOnce, bool isTcp)
    {
        (_sendsAtOnce, _readsInPieces) = (sendsAtOnce, !isTcp);
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

    public override ValueTask<bool> WaitReadableAsync(CancellationToken cancellationToken = default) => _readable.LookAsync(cancellationToken);

    /// <summary>The error of a connect that has come to its end; 0 if it stands.</summary>
    internal int TakeConnectError() => _isTroubled ? StreamCalls.TakeError(_socket.Number) : 0;

    public override int TryReceive(Span<byte> first, Span<byte> second)
    {
        _readable.Forget();
        int count = Transfer(first, second, sends: false, out int error);
        if (count >= 0)
        {
            int room = first.Length + second.Length;
            if (count == 0 && room > 0) _hasReadEnd = true;
            // There may be more where all the room was filled, and is where the end was told already; whatever else comes is news (epoll(7)).
            if (count == room || count == 0 || _isPeerClosed || _isTroubled || _readsInPieces) _readable.Signal();
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
            if (buffer.IsEmpty) return await WaitReadableAsync(cancellationToken).ConfigureAwait(false) ? 0 : throw ReadError(SocketError.OperationAborted);
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
        _hasSentEnd = error == 0;
        // Not connected: the peer has closed both directions already; there is nobody to tell.
        return error is 0 or Errno.NotConnected ? default : ValueTask.FromException(WriteError(SocketErrors.Of(error)));
    }

    public override void Abort() => End(StreamCalls.ResetOnClose);

    protected override void Dispose(bool disposing)
    {
        // Where both directions have ended there is nothing left to end.
        if (disposing) End(_hasReadEnd && _hasSentEnd ? null : static socket => StreamCalls.Shutdown(socket, both: true));
        base.Dispose(disposing);
    }

    private int TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        if (!_sendsAtOnce) PrepareSend(first.Length + second.Length);
        _writable.Forget();
        int count = Transfer(first, second, sends: true, out int error);
        if (count >= 0) return count;
        return error is Errno.Again ? -1 : throw WriteError(SocketErrors.Of(error));
    }

    // A small first piece is never held back for more (RFC 9293 section 3.7.4): many connections send nothing else.
    private void PrepareSend(int length)
    {
        const int Small = 512;
        if (!_hasSent && length <= Small)
        {
            _hasSent = true;
            return;
        }
        _sendsAtOnce = true;
        With(StreamCalls.SendAtOnce, 0);
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
    private void End(Func<int, int>? lastCall)
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0) return;
        lastCall?.Invoke(_socket.Number);
        _loop.Forget(_watch);
        _socket.Dispose();
        _readable.Close();
        _writable.Close();
    }

    private sealed class Listener(LinuxStream stream) : Watch
    {
        internal override void OnReady(uint events)
        {
            const uint Ended = Polling.Error | Polling.HangUp;
            if ((events & Ended) != 0) stream._isTroubled = true;
            if ((events & Polling.PeerClosed) != 0) stream._isPeerClosed = true;
            if ((events & Polling.Urgent) != 0) stream._readsInPieces = true;
            if ((events & (Polling.Out | Ended)) != 0) stream._writable.Signal();
            if ((events & (Polling.In | Polling.Urgent | Polling.PeerClosed | Ended)) != 0) stream._readable.Signal();
        }
    }
}
