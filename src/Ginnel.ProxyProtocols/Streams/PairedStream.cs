using System.Net;

namespace Ginnel.ProxyProtocols;

/// <summary>
/// One of two ends within the process: what one writes the other reads, with back pressure in each direction. The way of a forwarded
/// request between the proxy, which frames messages, and the relay, which carries bytes.
/// </summary>
internal sealed class PairedStream : DuplexStream
{
    private readonly PairedDirection _incoming;
    private readonly PairedDirection _outgoing;

    private PairedStream(PairedDirection incoming, PairedDirection outgoing, EndPoint? local, EndPoint? remote)
    {
        (_incoming, _outgoing) = (incoming, outgoing);
        (LocalEndPoint, RemoteEndPoint) = (local, remote);
    }

    /// <summary>Both ends.</summary>
    internal static (PairedStream A, PairedStream B) Create(EndPoint? a = null, EndPoint? b = null)
    {
        PairedDirection toA = new(), toB = new();
        return (new PairedStream(toA, toB, a, b), new PairedStream(toB, toA, b, a));
    }

    public override EndPoint? LocalEndPoint { get; }

    public override EndPoint? RemoteEndPoint { get; }

    /// <summary>Whether the other end has said all that was to be read here.</summary>
    internal bool HasEnded => _incoming.HasEnded;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _incoming.ReadAsync(buffer, cancellationToken);

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _outgoing.WriteAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override void Write(byte[] buffer, int offset, int count) => WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
    {
        _outgoing.Complete();
        return default;
    }

    public override void Abort()
    {
        _outgoing.Break("The connection was reset.");
        _incoming.Break("The connection was reset.");
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _outgoing.Complete();
            _incoming.Abandon();
        }
        base.Dispose(disposing);
    }
}
