using Ginnel.Netstack;

namespace Ginnel;

/// <content>Writing.</content>
public sealed partial class TcpStream
{
    /// <summary>Completes when everything is in the send buffer; not when it has arrived.</summary>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowIfDisposed();
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        if (buffer.IsEmpty) return default;
        WriteOperation operation = Socket.Writing;
        if (!operation.TryBegin()) throw new InvalidOperationException("A write is under way already; one at a time.");
        OpStatus status = Socket.TryWrite(buffer.Span, arm: null, out int count);
        if (status == OpStatus.WouldBlock || status == OpStatus.Ok && count < buffer.Length)
            return operation.WriteAsync(buffer[count..], cancellationToken);
        operation.EndAtOnce();
        return status == OpStatus.Ok ? default : ValueTask.FromException(WriteError(Socket, status));
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <summary>Waits until there is room to write.</summary>
    internal ValueTask<int> WaitWritableAsync(CancellationToken cancellationToken)
    {
        ThrowIfDisposed();
        WriteOperation operation = Socket.Writing;
        if (!operation.TryBegin()) throw new InvalidOperationException("A write is under way already; one at a time.");
        return operation.WaitAsync(default, cancellationToken);
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            ThrowIfDisposed();
            WriteOperation operation = Socket.Writing;
            if (!operation.TryBegin()) throw new InvalidOperationException("A write is under way already; one at a time.");
            OpStatus status = Socket.TryWrite(buffer, arm: null, out int count);
            operation.EndAtOnce();
            buffer = buffer[count..];
            if (status == OpStatus.WouldBlock) WaitFor(WaitWritableAsync, _writeTimeout, StreamErrors.Write);
            else if (status != OpStatus.Ok) throw WriteError(Socket, status);
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override void WriteByte(byte value) => Write(new ReadOnlySpan<byte>(in value));

    /// <inheritdoc/>
    public override IAsyncResult BeginWrite(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(WriteAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override void EndWrite(IAsyncResult asyncResult) => TaskToAsyncResult.End(asyncResult);

    internal static Exception WriteError(TcpSocket socket, OpStatus status) =>
        socket.Shard.Ended is { } ended && !socket.IsReleased ? StreamErrors.Write(ended) : StreamErrors.Write(socket.ErrorOf(status));
}
