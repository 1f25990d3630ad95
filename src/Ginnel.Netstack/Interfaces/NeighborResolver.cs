using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>Finds the stations of neighbors on Ethernet.</summary>
internal sealed class NeighborResolver
{
    /// <summary>Sends now or when the neighbor has answered; owns the packet only if it succeeds.</summary>
    internal DropReason SendTo(NetworkInterface to, Packet packet, IpAddress neighbor, Instant now) => DropReason.NeighborUnreachable;
}

internal sealed class NeighborCache;
