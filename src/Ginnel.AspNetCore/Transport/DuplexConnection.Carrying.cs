using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Ginnel.AspNetCore;

/// <content>The two loops.</content>
internal sealed partial class DuplexConnection
{
    // A block with less room than this is not worth a read of its own.
    private const int LeastRead = 2_048;

    private async Task ReceiveAsync(DuplexStream stream)
    {
        PipeWriter input = _input.Writer;
        Exception? broken = null;
        try
        {
            while (true)
            {
                // Reading nothing waits for something to read: a connection that is idle holds no buffer.
                await stream.ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
                int count = await stream.ReadAsync(input.GetMemory(LeastRead)).ConfigureAwait(false);
                if (count == 0) break;
                input.Advance(count);
                // Above its limit this waits for the server, the stack's buffer fills, and the peer's window closes.
                FlushResult flushed = await input.FlushAsync().ConfigureAwait(false);
                if (flushed.IsCompleted || flushed.IsCanceled) break;
            }
        }
        catch (Exception exception)
        {
            broken = ReasonOf(exception);
        }
        await input.CompleteAsync(_abortReason ?? broken).ConfigureAwait(false);
        EndLoop(isOver: !_settings.AllowHalfClose || broken is not null);
    }

    private async Task SendAsync(DuplexStream stream)
    {
        PipeReader output = _output.Reader;
        bool failed = true;
        try
        {
            while (true)
            {
                ReadResult result = await output.ReadAsync().ConfigureAwait(false);
                if (result.IsCanceled) break;
                if (!result.Buffer.IsEmpty) await stream.WriteAsync(result.Buffer).ConfigureAwait(false);
                output.AdvanceTo(result.Buffer.End);
                if (!result.IsCompleted) continue;
                await stream.CompleteWritesAsync().ConfigureAwait(false);
                failed = false;
                break;
            }
        }
        catch (Exception exception)
        {
            ReasonOf(exception);
        }
        // Cut short by an abort, by the network, or by the server's own failure to finish: what was sent must not look whole. Where the
        // stream was ended otherwise before, that stands.
        if (failed)
        {
            stream.Abort();
            // A receiving loop that waits for the server to read would wait for ever.
            _input.Writer.CancelPendingFlush();
        }
        await output.CompleteAsync().ConfigureAwait(false);
        EndLoop(isOver: failed);
    }

    private void EndLoop(bool isOver)
    {
        if (Interlocked.Decrement(ref _loops) == 0 || isOver) TellClosed();
    }

    /// <summary>What the server is told of the end of a connection, and the log besides.</summary>
    private Exception ReasonOf(Exception exception)
    {
        if (_abortReason is { } reason) return reason;
        if (Volatile.Read(ref _disposed) != 0) return new ConnectionAbortedException("The connection was disposed of.", exception);
        if (exception is not (IOException or OperationCanceledException or ObjectDisposedException))
        {
            TransportLog.Fault(_settings.Logger, ConnectionId, exception);
            return exception;
        }
        TransportLog.Reset(_settings.Logger, ConnectionId, exception.Message);
        return exception is IOException { InnerException: SocketException { SocketErrorCode: SocketError.ConnectionReset } inner }
            ? new ConnectionResetException(inner.Message, exception) : exception;
    }
}
