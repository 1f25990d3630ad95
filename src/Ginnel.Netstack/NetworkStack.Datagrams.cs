using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>The verbs of UDP and of ICMP echo, which is the same port with the identifier in the port's place.</content>
public sealed partial class NetworkStack
{
    /// <summary>Binds a port.</summary>
    public OpStatus Bind(DatagramPortOptions options, out SocketId id) => _datagrams.Bind(options, out id);

    /// <summary>Sends one datagram, or as many as the segment size says. It is copied before the call returns.</summary>
    public OpStatus Send(SocketId id, in DatagramSend send, ReadOnlySpan<byte> payload, Instant now) =>
        Done(_datagrams.Send(id, send, payload, now), now);

    /// <summary>Takes the next datagram or error item; <see cref="OpStatus.WouldBlock"/> when there is none.</summary>
    public OpStatus TryReceive(SocketId id, Span<byte> buffer, out ReceivedDatagram datagram) =>
        _datagrams.TryReceive(id, buffer, out datagram);

    /// <summary>Whether <see cref="TryReceive"/> would yield a datagram or error item.</summary>
    public bool HasDatagram(SocketId id) => _context.Sockets.Find(id) is DatagramPort { Queue.Count: > 0 };

    /// <summary>
    /// For a port accepted in any-IP mode: a target could not be reached, tell the source by ICMP as if the network had said so.
    /// </summary>
    /// <param name="id">The port.</param>
    /// <param name="target">The endpoint that failed.</param>
    /// <param name="failure">How.</param>
    /// <param name="mtu">With <see cref="NetworkFailure.PacketTooBig"/>: the path's MTU.</param>
    /// <param name="now">The time.</param>
    public OpStatus ReportFailure(SocketId id, IpEndpoint target, NetworkFailure failure, int mtu, Instant now) =>
        Done(_datagrams.ReportFailure(id, target, failure, mtu, now), now);
}
