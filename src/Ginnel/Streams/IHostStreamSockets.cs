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

    /// <summary>Makes a stream of a connected socket, which it owns from now on.</summary>
    /// <exception cref="IOException">The system has no room for it; the socket is closed.</exception>
    HostStream Adopt(Socket socket);
}
