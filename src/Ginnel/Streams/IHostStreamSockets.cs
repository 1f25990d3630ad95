using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>
/// Where TCP connections of the host come from. A port of the interface replaces the base library's sockets by the system's own.
/// </summary>
public interface IHostStreamSockets
{
    /// <summary>Connects; a failure is a result.</summary>
    /// <param name="target">An address of a peer.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">Given up.</exception>
    ValueTask<DialResult> ConnectAsync(IPEndPoint target, CancellationToken cancellationToken = default);

    /// <summary>Accepts what comes to a listening socket.</summary>
    /// <param name="listening">Bound and listening; what is returned owns it and closes it.</param>
    /// <exception cref="IOException">The system has no room for it; the socket stays the caller's.</exception>
    IHostStreamAcceptor Listen(Socket listening);
}

/// <summary>Takes the connections of one listening socket.</summary>
public interface IHostStreamAcceptor : IDisposable
{
    /// <summary>The next connection. One call at a time.</summary>
    /// <exception cref="SocketException">None could be taken this time.</exception>
    /// <exception cref="IOException">One was taken, and the system has no room for it.</exception>
    /// <exception cref="ObjectDisposedException">Disposed of, before or meanwhile.</exception>
    /// <exception cref="OperationCanceledException">Given up.</exception>
    ValueTask<HostStream> AcceptAsync(CancellationToken cancellationToken = default);
}
