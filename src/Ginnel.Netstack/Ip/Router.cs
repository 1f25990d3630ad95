using System.Diagnostics.CodeAnalysis;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>Finds ways out: interface, next hop, source address and path MTU.</summary>
internal sealed class Router(StackContext context, InterfaceTable interfaces)
{
    private readonly PathMtuCache _pathMtus = new(context.Options.MaxPathMtus);

    internal RouteTable Routes { get; } = new(context.Options.MaxRoutes)
    {
        IsSilent = route => route.Gateway is { } gateway && interfaces.Find(route.Interface) is { } on
            && NeighborResolver.IsUnreachable(on, gateway),
    };

    internal int PathMtuCount => _pathMtus.Count;

    /// <summary>Finds the way to a destination.</summary>
    /// <param name="destination">Unicast, or, with an interface given, broadcast or multicast.</param>
    /// <param name="source">An own address, or unspecified to have one chosen (RFC 6724).</param>
    /// <param name="via">The interface to use; none leaves it to the route table.</param>
    /// <param name="now">The time: path MTUs age.</param>
    /// <param name="decision">The way.</param>
    internal OpStatus TryRoute(IpAddress destination, IpAddress source, InterfaceId via, Instant now, out RouteDecision decision)
    {
        decision = default;
        if (destination.IsUnspecified) return OpStatus.InvalidAddress;
        if (!source.IsUnspecified && (source.IsV4 != destination.IsV4 || !interfaces.IsOwn(source))) return OpStatus.InvalidAddress;
        if (interfaces.IsOwn(destination))
        {
            decision = new RouteDecision(interfaces.Internal, destination, source.IsUnspecified ? destination : source,
                interfaces.Internal.Link.Mtu);
            return OpStatus.Ok;
        }
        if (!TryFindWay(destination, via, out NetworkInterface? to, out IpAddress nextHop)) return OpStatus.NoRoute;
        if (!to.Speaks(destination.IsV4)) return OpStatus.NoRoute;
        // 127/8 and ::1 never leave a host (RFC 1122 section 3.2.1.3 g), and a stack has no services there; only a link's peer can ask for
        // it.
        if (destination.IsLoopback && !(destination.IsV4 ? to.Options.PeerLoopback : to.Options.PeerLoopbackV6)) return OpStatus.NoRoute;
        if (source.IsUnspecified && !TryChooseSource(to, destination, out source)) return OpStatus.NoRoute;
        decision = new RouteDecision(to, nextHop, source, PathMtu(destination, to, now));
        return OpStatus.Ok;
    }

    /// <summary>
    /// The way back through the interface that a packet came in by: a route through it if there is one, else the destination itself is
    /// taken to be the neighbor, since something there has just sent from that address.
    /// </summary>
    internal RouteDecision RouteVia(NetworkInterface via, IpAddress localAddress, IpAddress destination, Instant now)
    {
        if (via.IsInternal) return new RouteDecision(via, destination, localAddress, via.Link.Mtu);
        IpAddress nextHop = destination;
        if (!IsGroup(via, destination) && Routes.TryFind(destination, via.Id, out Route route)) nextHop = route.Gateway ?? destination;
        return new RouteDecision(via, nextHop, localAddress, PathMtu(destination, via, now));
    }

    internal int LearnPathMtu(IpAddress destination, int mtu, Instant now) => _pathMtus.Learn(destination, mtu, now);

    /// <summary>Whether a packet to this address through this interface goes to more than one host.</summary>
    internal static bool IsGroup(NetworkInterface to, IpAddress destination) =>
        destination.IsMulticast || destination.IsLimitedBroadcast || to.IsDirectedBroadcast(destination);

    private int PathMtu(IpAddress destination, NetworkInterface to, Instant now) => _pathMtus.Get(destination, to.Mtu(destination.IsV4), now);

    private bool TryFindWay(IpAddress destination, InterfaceId via,
        [NotNullWhen(true)] out NetworkInterface? to, out IpAddress nextHop)
    {
        to = null;
        nextHop = destination;
        bool toAll = destination.IsLimitedBroadcast || destination.IsMulticast;
        if (toAll || (destination.IsV6 && destination.IsLinkLocal))
        {
            // What every link has needs an interface; with a single one there is no doubt (RFC 4007 section 6).
            to = via != InterfaceId.None ? interfaces.Find(via)
                : interfaces.All.Length == 1 ? interfaces.All[0]
                : ByRoute(destination, via);
            return to is not null;
        }
        if (!Routes.TryFind(destination, via, out Route route)) return false;
        to = interfaces.Find(route.Interface);
        if (route.Gateway is { } gateway) nextHop = gateway;
        return to is not null;
    }

    private NetworkInterface? ByRoute(IpAddress destination, InterfaceId via) =>
        Routes.TryFind(destination, via, out Route route) ? interfaces.Find(route.Interface) : null;

    /// <summary>
    /// Source address selection, RFC 6724 section 5 as far as it concerns a host with few addresses: appropriate scope (rule 2), no
    /// deprecated address (rule 3), then the longest matching prefix (rule 8). The candidates are the outgoing interface's (rule 5); another interface's address would
    /// tell the peer of a network that it has no business with.
    /// </summary>
    private static bool TryChooseSource(NetworkInterface to, IpAddress destination, out IpAddress source)
    {
        source = default;
        int best = int.MinValue;
        foreach (OwnAddress own in to.Addresses)
        {
            (IpAddress candidate, int prefixLength) = own;
            if (candidate.IsV4 != destination.IsV4) continue;
            int score = Math.Min(CommonPrefix(candidate, destination), prefixLength);
            if (candidate.IsLinkLocal != IsLinkScoped(destination)) score -= 1_000;
            // RFC 4429 section 3.3 treats what is not yet sure as it does what is soon to go.
            if (own.State != AddressState.Preferred) score -= 500;
            if (score <= best) continue;
            best = score;
            source = candidate;
        }
        return best != int.MinValue;
    }

    private static bool IsLinkScoped(IpAddress destination) =>
        destination.IsLinkLocal || (destination.IsV6 && destination.IsMulticast && (destination.High >> 48 & 0xF) == 2);

    private static int CommonPrefix(IpAddress left, IpAddress right)
    {
        if (left.IsV4) return System.Numerics.BitOperations.LeadingZeroCount(left.V4 ^ right.V4);
        ulong high = left.High ^ right.High;
        return high != 0
            ? System.Numerics.BitOperations.LeadingZeroCount(high)
            : 64 + System.Numerics.BitOperations.LeadingZeroCount(left.Low ^ right.Low);
    }
}
