using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>
/// Host sockets as .NET offers them everywhere. What they lack: an error does not say which target it is about, so refused, unreachable and
/// too-big are not reported and a program waits for its own timeout; there is no batching; echo needs a platform's own sockets.
/// </summary>
public sealed class PortableDatagramSockets : IHostDatagramSockets
{
    /// <summary>The one instance that is needed.</summary>
    public static PortableDatagramSockets Shared { get; } = new();

    /// <inheritdoc/>
    public BindResult BindUdp(IPEndPoint local)
    {
        ArgumentNullException.ThrowIfNull(local);
        // A host without IPv6: "any address" then means those that it has.
        if (local.Address.Equals(IPAddress.IPv6Any) && !Socket.OSSupportsIPv6) local = new IPEndPoint(IPAddress.Any, local.Port);
        Socket? socket = null;
        try
        {
            socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            if (local.AddressFamily == AddressFamily.InterNetworkV6) socket.DualMode = true;
            socket.Bind(local);
            BindResult bound = BindResult.Bound(new PortableDatagramPort(socket));
            socket = null;
            return bound;
        }
        catch (SocketException exception)
        {
            return BindResult.Failed(DialFailures.From(exception.SocketErrorCode));
        }
        finally
        {
            socket?.Dispose();
        }
    }

    /// <inheritdoc/>
    public BindResult BindEcho(AddressFamily family) =>
        BindResult.Failed(DialFailureKind.Unsupported, "portable sockets have no ICMP echo");
}
