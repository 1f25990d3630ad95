using Ginnel.Wire;

namespace Ginnel.Netstack;

internal sealed class NeighborDiscovery
{
    internal DropReason Receive(in NeighborView message, in ReceivedPacket packet, in IpInput.Arrival arrival, Instant now) => DropReason.Ignored;
}

internal sealed class ArpProtocol
{
    internal DropReason Receive(ReadOnlySpan<byte> bytes, in IpInput.Arrival arrival, Instant now) => DropReason.Ignored;
}
