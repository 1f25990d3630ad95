using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>The host's datagram sockets, behind a seam: what an operating system can do beyond the portable differs.</summary>
public interface IHostDatagramSockets
{
    /// <summary>
    /// A UDP port for any target. Errors (refused, unreachable, too big with MTU) come back as items naming their target where the
    /// system can tell them.
    /// </summary>
    /// <param name="local">Where to bind; port 0 chooses one. <c>::</c> serves both families where the host has IPv6.</param>
    BindResult BindUdp(IPEndPoint local);

    /// <summary>
    /// A port for ICMP or ICMPv6 echo requests to any target; payloads begin with the sequence number (2 bytes, network order).
    /// Fails with <see cref="DialFailureKind.Unsupported"/> where the host admits no such socket.
    /// </summary>
    BindResult BindEcho(AddressFamily family);
}
