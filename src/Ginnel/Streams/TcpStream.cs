using System.Net;
using Ginnel.Netstack;

namespace Ginnel;

/// <summary>A TCP connection of a <see cref="NetworkHost"/>.</summary>
/// <remarks>
/// It behaves as a <see cref="System.Net.Sockets.NetworkStream"/> with its socket does. A read or write that was cancelled or timed out
/// leaves the connection usable; how much of a cancelled write was sent is unknown. One read and one write at a time, each on any thread.
/// Waiting reads and writes cost no memory. <see cref="Stream.Dispose()"/> sends FIN behind what was written and returns at once.
/// </remarks>
public sealed partial class TcpStream : DuplexStream
{
    private readonly Shard _shard;
    private IPEndPoint? _localEndPoint;
    private IPEndPoint? _remoteEndPoint;
    private int _disposed;
    private int _readTimeout = Timeout.Infinite;
    private int _writeTimeout = Timeout.Infinite;

    internal TcpStream(TcpSocket socket)
    {
        Socket = socket;
        _shard = socket.Shard;
    }

    internal TcpSocket Socket { get; }

    /// <inheritdoc/>
    public override IPEndPoint LocalEndPoint => _localEndPoint ??= Socket.Flow.Local.ToIPEndPoint();

    /// <inheritdoc/>
    public override IPEndPoint RemoteEndPoint => _remoteEndPoint ??= Socket.Flow.Remote.ToIPEndPoint();

    /// <summary>The connection as <c>ss -ti</c> would show it; default once it was disposed.</summary>
    public TcpInfo Info => _shard.Peek(Socket, static (stack, socket) => stack.TryGetInfo(socket.Id, out TcpInfo info) ? info : default);

    /// <inheritdoc/>
    public override bool CanRead => Volatile.Read(ref _disposed) == 0;

    /// <inheritdoc/>
    public override bool CanWrite => Volatile.Read(ref _disposed) == 0;

    /// <inheritdoc/>
    public override bool CanTimeout => true;

    /// <summary>Milliseconds that a synchronous read waits; <see cref="Timeout.Infinite"/> for ever.</summary>
    public override int ReadTimeout
    {
        get => _readTimeout;
        set => _readTimeout = CheckTimeout(value);
    }

    /// <summary>Milliseconds that a synchronous write waits; <see cref="Timeout.Infinite"/> for ever.</summary>
    public override int WriteTimeout
    {
        get => _writeTimeout;
        set => _writeTimeout = CheckTimeout(value);
    }

    /// <summary>Switches Nagle's algorithm off (true) or on for this connection.</summary>
    public void SetNoDelay(bool noDelay)
    {
        (TcpSocket Socket, bool Nagle) state = (Socket, !noDelay);
        _shard.Run(ref state, static (NetworkStack stack, ref (TcpSocket Socket, bool Nagle) s, Instant now, ref ShardWork _) =>
            stack.SetNagle(s.Socket.Id, s.Nagle, now));
    }

    /// <summary>Probes the peer after so much silence; <see cref="TimeSpan.Zero"/> never.</summary>
    public void SetKeepAlive(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        (TcpSocket Socket, TimeSpan Time) state = (Socket, time);
        _shard.Run(ref state, static (NetworkStack stack, ref (TcpSocket Socket, TimeSpan Time) s, Instant now, ref ShardWork _) =>
            stack.SetKeepAlive(s.Socket.Id, s.Time, now));
    }

    /// <summary>
    /// Sets the differentiated services field of what is sent from now on: the upper six bits of <paramref name="trafficClass"/>, as IP_TOS has
    /// them; the lower two belong to ECN and are ignored.
    /// </summary>
    public void SetTrafficClass(byte trafficClass)
    {
        (TcpSocket Socket, byte TrafficClass) state = (Socket, trafficClass);
        _shard.Run(ref state, static (NetworkStack stack, ref (TcpSocket Socket, byte TrafficClass) s, Instant _, ref ShardWork _) =>
            stack.SetTrafficClass(s.Socket.Id, s.TrafficClass));
    }

    /// <summary>
    /// Bounds what may wait to be read, as SO_RCVBUF does: <paramref name="octets"/>, from 1, rounded up to a power of two, and no more than
    /// <see cref="TcpOptions.ReceiveBuffer"/>. Below the bound the buffer follows what is read. A window that the peer was offered is not taken back.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="octets"/> is below 1.</exception>
    public void SetReceiveBuffer(int octets)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(octets, 1);
        (TcpSocket Socket, int Octets) state = (Socket, octets);
        _shard.Run(ref state, static (NetworkStack stack, ref (TcpSocket Socket, int Octets) s, Instant _, ref ShardWork _) =>
            stack.SetReceiveBuffer(s.Socket.Id, s.Octets));
    }

    /// <inheritdoc/>
    public override ValueTask CompleteWritesAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        ThrowIfDisposed();
        OpStatus status = Socket.CloseWrite();
        // Closing a direction twice, or one that the network has closed already, changes nothing.
        return status is OpStatus.Ok or OpStatus.InvalidState ? default : ValueTask.FromException(WriteError(Socket, status));
    }

    /// <inheritdoc/>
    public override void Abort() => Socket.End(abort: true);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _disposed, 1) == 0) Socket.End(abort: false);
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    public override ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }

    private void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed) != 0, this);

    private static int CheckTimeout(int milliseconds)
    {
        if (milliseconds <= 0 && milliseconds != Timeout.Infinite)
            throw new ArgumentOutOfRangeException(nameof(milliseconds), milliseconds, "A timeout is above 0 milliseconds, or Timeout.Infinite (-1).");
        return milliseconds;
    }

    /// <summary>Waits for an operation on the caller's thread, up to a timeout of the runtime's clock.</summary>
    private int WaitFor(Func<CancellationToken, ValueTask<int>> operation, int timeout, Func<System.Net.Sockets.SocketError, IOException> error)
    {
        if (timeout == Timeout.Infinite) return operation(CancellationToken.None).AsTask().GetAwaiter().GetResult();
        using CancellationTokenSource source = new(TimeSpan.FromMilliseconds(timeout), _shard.Runtime.Time);
        try
        {
            return operation(source.Token).AsTask().GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            throw error(System.Net.Sockets.SocketError.TimedOut);
        }
    }
}
