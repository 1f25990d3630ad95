using System.Net.Sockets;
using Ginnel.Netstack;

namespace Ginnel;

/// <content>Reading.</content>
public sealed partial class TcpStream
{
    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<int>(cancellationToken);
        ReadOperation operation = Socket.Reading;
        if (!operation.TryBegin()) throw new InvalidOperationException("A read is under way already; one at a time.");
        OpStatus status = Socket.TryRead(buffer.Span, arm: null, out int count);
        if (status == OpStatus.WouldBlock) return operation.WaitAsync(buffer, cancellationToken);
        operation.EndAtOnce();
        return status is OpStatus.Ok or OpStatus.EndOfStream ? new ValueTask<int>(count) : ValueTask.FromException<int>(ReadError(Socket, status));
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        while (true)
        {
            ThrowIfDisposed();
            ReadOperation operation = Socket.Reading;
            if (!operation.TryBegin()) throw new InvalidOperationException("A read is under way already; one at a time.");
            OpStatus status = Socket.TryRead(buffer, arm: null, out int count);
            operation.EndAtOnce();
            if (status is OpStatus.Ok or OpStatus.EndOfStream) return count;
            if (status != OpStatus.WouldBlock) throw ReadError(Socket, status);
            WaitFor(token => ReadAsync(Memory<byte>.Empty, token), _readTimeout, StreamErrors.Read);
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override int ReadByte()
    {
        byte value = 0;
        return Read(new Span<byte>(ref value)) == 0 ? -1 : value;
    }

    /// <inheritdoc/>
    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    internal static Exception ReadError(TcpSocket socket, OpStatus status)
    {
        if (socket.Shard.Ended is { } ended && !socket.IsReleased) return StreamErrors.Read(ended);
        SocketError code = socket.ErrorOf(status);
        return StreamErrors.Read(code);
    }
}
