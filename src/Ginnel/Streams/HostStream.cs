using System.Net.Sockets;

namespace Ginnel;

/// <summary>
/// A TCP connection of the operating system, read and written from wherever the bytes lie: a relay lends it the two pieces of a connection's ring.
/// </summary>
public abstract class HostStream : DuplexStream
{
    /// <summary>Reads what is there without waiting, into the first piece and then the second.</summary>
    /// <param name="first">At least one byte.</param>
    /// <param name="second">May be empty, and may stay unused.</param>
    /// <returns>Bytes read, 0 at the end of the stream, -1 when there is nothing yet; then a read of zero bytes waits.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    public abstract int TryReceive(Span<byte> first, Span<byte> second);

    /// <summary>Waits until a receive is worth a try; false once the stream is broken or closed. Not while a read is under way.</summary>
    public abstract ValueTask<bool> WaitReadableAsync(CancellationToken cancellationToken = default);

    /// <summary>Sends as much of two pieces as the operating system takes, one byte at least; waits only where it takes none.</summary>
    /// <param name="first">At least one byte.</param>
    /// <param name="second">May be empty.</param>
    /// <param name="cancellationToken">Ends the wait; nothing was sent then.</param>
    /// <returns>Bytes sent.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    public abstract ValueTask<int> SendSomeAsync(ReadOnlyMemory<byte> first, ReadOnlyMemory<byte> second, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public abstract override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default);

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer, offset, count, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>What a read throws that the system has failed, as <see cref="NetworkStream"/> does.</summary>
    protected static IOException ReadError(SocketError code) => StreamErrors.Read(code);

    /// <summary>What a write throws that the system has failed, as <see cref="NetworkStream"/> does.</summary>
    protected static IOException WriteError(SocketError code) => StreamErrors.Write(code);
}
