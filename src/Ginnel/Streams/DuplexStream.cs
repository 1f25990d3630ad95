using System.Buffers;
using System.Net;

namespace Ginnel;

/// <summary>A stream of bytes in two directions that close separately: a TCP connection of a stack or of the host, or one through a proxy.</summary>
/// <remarks>
/// Errors are those of <see cref="System.Net.Sockets.NetworkStream"/>: <see cref="IOException"/> around a
/// <see cref="System.Net.Sockets.SocketException"/>. A read of zero bytes completes when there is something to read.
/// One read and one write may be under way at the same time. <see cref="Stream.Dispose()"/> sends FIN and returns at once.
/// </remarks>
public abstract class DuplexStream : Stream
{
    /// <summary>Our end, or null where there is none to name.</summary>
    public abstract EndPoint? LocalEndPoint { get; }

    /// <summary>The peer's end, or null where there is none to name.</summary>
    public abstract EndPoint? RemoteEndPoint { get; }

    /// <summary>Ends the direction that we write: the peer reads end of stream after what was written. Reading goes on.</summary>
    public abstract ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default);

    /// <summary>Ends both directions at once; the peer sees a reset.</summary>
    public abstract void Abort();

    /// <summary>Writes buffers one behind the other, together where the stream has a way to.</summary>
    public virtual async ValueTask WriteAsync(ReadOnlySequence<byte> buffers, CancellationToken cancellationToken = default)
    {
        foreach (ReadOnlyMemory<byte> buffer in buffers) await WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <summary>Not supported.</summary>
    public override long Length => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Not supported.</summary>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <summary>Not supported.</summary>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Does nothing: what is written is under way.</summary>
    public override void Flush()
    {
    }

    /// <summary>Does nothing: what is written is under way.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
