using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>UDP and ICMP echo of one stack: ports, pending ports, and the verbs of <see cref="NetworkStack"/>.</summary>
internal sealed class DatagramLayer(StackContext context, IpLayer ip)
{
    internal void Receive(in ReceivedPacket packet, Instant now) => context.Drop(DropReason.NoListener);
    internal void ReceiveError(in IcmpError error, Instant now) => _ = ip;

    internal OpStatus Bind(DatagramPortOptions options, out SocketId id) { id = default; return OpStatus.InvalidState; }
    internal OpStatus Accept(SocketId id, out SocketId accepted) { accepted = default; return OpStatus.Stale; }
    internal OpStatus Reject(SocketId id, NetworkFailure reason, Instant now) => OpStatus.Stale;
    internal OpStatus Release(SocketId id) => OpStatus.Stale;
    internal OpStatus Send(SocketId id, in DatagramSend send, ReadOnlySpan<byte> payload, Instant now) => OpStatus.Stale;
    internal OpStatus TryReceive(SocketId id, Span<byte> buffer, out ReceivedDatagram datagram) { datagram = default; return OpStatus.Stale; }
    internal OpStatus ReportFailure(SocketId id, IpEndpoint target, NetworkFailure failure, int mtu, Instant now) => OpStatus.Stale;
}

/// <summary>A bound, pending or accepted port.</summary>
internal sealed class DatagramPort : StackSocket
{
    internal FlowKey Flow;
    internal NetworkFailure Failure;

    internal override void OnDeadline(Instant now) { }
}
