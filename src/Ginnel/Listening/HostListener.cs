using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>
/// Listens on a TCP port or a Unix socket of the operating system. Its clients are connected when we see them: to reject one is to reset it.
/// </summary>
public sealed class HostListener : IListener
{
    // Without descriptors an accept fails at once, again and again, until one is given back.
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);
    private readonly string _origin;
    private readonly string? _path;
    private readonly TimeProvider _time;
    private readonly IHostStreamAcceptor _acceptor;
    private int _disposed;

    private HostListener(Socket socket, string origin, string? path, TimeProvider time, IHostStreamSockets streams)
    {
        _origin = origin;
        _path = path;
        _time = time;
        _acceptor = streams.Listen(socket);
        LocalEndPoint = socket.LocalEndPoint!;
    }

    /// <summary>Where it listens, with the port that was chosen.</summary>
    public EndPoint LocalEndPoint { get; }

    /// <summary>Listens.</summary>
    /// <param name="local">An <see cref="IPEndPoint"/> or a <see cref="UnixDomainSocketEndPoint"/>; port 0 chooses one.</param>
    /// <param name="origin">For <see cref="FlowInfo.Origin"/>.</param>
    /// <param name="backlog">Connections that may wait.</param>
    /// <param name="time">The clock; null for that of the process.</param>
    /// <param name="mode">Who may connect to a Unix socket; null leaves it to the umask. In force before anybody can connect.</param>
    /// <param name="streams">What takes its clients; null for the base library's.</param>
    /// <exception cref="SocketException">The endpoint is taken or not ours.</exception>
    public static HostListener Listen(
        EndPoint local, string origin = "", int backlog = 512, TimeProvider? time = null, UnixFileMode? mode = null, IHostStreamSockets? streams = null)
    {
        ArgumentNullException.ThrowIfNull(local);
        bool isUnix = local is UnixDomainSocketEndPoint;
        Socket socket = new(local.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);
        try
        {
            // "Any" means both families wherever the host has both.
            if (local is IPEndPoint { Address: var address } && address.Equals(IPAddress.IPv6Any)) socket.DualMode = true;
            socket.Bind(local);
            if (isUnix && mode is { } given && !OperatingSystem.IsWindows()) File.SetUnixFileMode(local.ToString()!, given);
            socket.Listen(backlog);
            return new HostListener(socket, origin, isUnix ? local.ToString() : null, time ?? TimeProvider.System, streams ?? PortableStreamSockets.Shared);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (Volatile.Read(ref _disposed) == 0)
        {
            try
            {
                return Describe(await _acceptor.AcceptAsync(cancellationToken).ConfigureAwait(false));
            }
            catch (ObjectDisposedException)
            {
                return null;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.OperationAborted or SocketError.Interrupted or SocketError.InvalidArgument)
            {
                if (Volatile.Read(ref _disposed) != 0) return null;
                throw;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                await Task.Delay(Breath, _time, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                // The client was gone before we took it (accept(2), "Error handling"); the next one is not affected.
            }
        }
        return null;
    }

    private HostPending Describe(HostStream stream) => new(stream, new FlowInfo
    {
        Protocol = FlowProtocol.Tcp,
        Origin = _origin,
        Source = stream.RemoteEndPoint as IPEndPoint,
        Destination = stream.LocalEndPoint,
    });

    /// <summary>Stops listening; a Unix socket's file is removed. Waiting accepts yield null.</summary>
    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0) return default;
        _acceptor.Dispose();
        if (_path is not null) File.Delete(_path);
        return default;
    }

    private sealed class HostPending(HostStream stream, FlowInfo flow) : IPendingConnection
    {
        public FlowInfo Flow => flow;
        public CancellationToken Abandoned => CancellationToken.None;
        public ValueTask<DuplexStream> AcceptAsync(CancellationToken cancellationToken = default) => new(stream);

        public void Reject(DialFailure reason)
        {
            stream.Abort();
            stream.Dispose();
        }
    }
}
