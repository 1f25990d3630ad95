using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Neighbor discovery for IPv6: its messages in and out (RFC 4861). Addresses are resolved on Ethernet only; routers speak on every
/// medium. Redirects are not followed: a stranger on the link must not move routes.
/// </summary>
internal sealed class NeighborDiscovery(StackContext context, NeighborResolver neighbors, IpOutput output)
{
    /// <summary>Proves to the receiver that no router has forwarded the message (RFC 4861 section 3.1).</summary>
    private const byte HopLimit = 255;

    private const int LongestMessage = 32;

    /// <summary>Who hears of addresses that another station claims.</summary>
    internal AddressAssignment Addresses { get; set; } = null!;

    internal DropReason Receive(in NeighborView message, in ReceivedPacket packet, in IpInput.Arrival arrival, Instant now)
    {
        if (message.Type == IcmpV6Type.RouterAdvertisement) return Configuration.Receive(message, packet, now);
        if (message.Type == IcmpV6Type.RouterSolicitation) return ReceiveRouterSolicitation(message, packet, now);
        if (arrival.Interface.Link.Medium != LinkMedium.Ethernet) return DropReason.Ignored;
        return message.Type switch
        {
            IcmpV6Type.NeighborSolicitation => ReceiveSolicitation(message, packet, now),
            IcmpV6Type.NeighborAdvertisement => ReceiveAdvertisement(message, packet.Interface, now),
            _ => DropReason.Ignored,
        };
    }

    /// <summary>Who does what routers say.</summary>
    internal Autoconfiguration Configuration { get; set; } = null!;

    /// <summary>Asks for routers, from the link-local address if there is one already (section 6.3.7).</summary>
    internal void SolicitRouters(NetworkInterface on, Instant now)
    {
        if (!context.Pool.TryRent(PacketSize.Small, out Packet packet)) { context.Drop(DropReason.OutOfBuffers); return; }
        bool hasSource = on.TryGetAddress(v4: false, out IpAddress source);
        foreach (OwnAddress own in on.Addresses)
        {
            if (own.Address.IsV6 && own.Address.IsLinkLocal && own.State == AddressState.Preferred) source = own.Address;
        }
        bool isNamed = hasSource && on.Link.Medium == LinkMedium.Ethernet && on.FindBeingChecked(source) is null;
        packet.Truncate(NeighborMessage.WriteRouterSolicitation(packet.Append(LongestMessage), source, IpAddress.AllRoutersV6,
            isNamed ? on.Mac : default));
        Send(on, packet, source, IpAddress.AllRoutersV6, default, now);
    }

    /// <summary>Tells all nodes what a router has to say (section 6.2.3).</summary>
    internal void AdvertiseRouter(NetworkInterface on, IpAddress source, in RouterAdvertisement advertisement, Instant now)
    {
        if (!context.Pool.TryRent(PacketSize.Small, out Packet packet)) { context.Drop(DropReason.OutOfBuffers); return; }
        NeighborMessage.WriteRouterAdvertisement(packet.Append(advertisement.Size), source, IpAddress.AllNodesV6, advertisement);
        Send(on, packet, source, IpAddress.AllNodesV6, default, now);
    }

    /// <summary>
    /// Asks who has an address: the group of those that may, or the station that had it when last heard of (section 7.2.2).
    /// </summary>
    internal void Ask(NetworkInterface on, IpAddress target, MacAddress station, Instant now)
    {
        if (!TryChooseSource(on, target, out IpAddress source)) return;
        IpAddress destination = station.IsZero ? IpAddress.SolicitedNode(target) : target;
        if (!context.Pool.TryRent(PacketSize.Small, out Packet packet)) { context.Drop(DropReason.OutOfBuffers); return; }
        // RFC 4429 section 3.2: who is not yet sure of an address must not enter it into others' caches.
        MacAddress own = on.FindBeingChecked(source) is null ? on.Mac : default;
        packet.Truncate(NeighborMessage.WriteSolicitation(packet.Append(LongestMessage), source, destination, target, own));
        Send(on, packet, source, destination, station, now);
    }

    /// <summary>Asks for an address as one who has none, to learn whether it is free (RFC 4862 section 5.4.2, RFC 7527).</summary>
    internal void Check(NetworkInterface on, IpAddress target, ulong nonce, Instant now)
    {
        if (!context.Pool.TryRent(PacketSize.Small, out Packet packet)) { context.Drop(DropReason.OutOfBuffers); return; }
        IpAddress group = IpAddress.SolicitedNode(target);
        packet.Truncate(NeighborMessage.WriteDuplicateCheck(packet.Append(LongestMessage), group, target, nonce));
        Send(on, packet, IpAddress.AnyV6, group, default, now);
    }

    /// <summary>Tells all nodes of an own address (section 7.2.6).</summary>
    internal void Announce(NetworkInterface on, IpAddress own, Instant now) =>
        Advertise(on, own, own, IpAddress.AllNodesV6, default, isSolicited: false, isOverride: true, now);

    // Section 6.2.6.
    private DropReason ReceiveRouterSolicitation(in NeighborView message, in ReceivedPacket packet, Instant now)
    {
        NetworkInterface from = packet.Interface;
        if (from.Advertiser is not { IsEnding: false } advertiser) return DropReason.Ignored;
        if (from.Link.Medium == LinkMedium.Ethernet && message.TryGetLinkLayer(NeighborOptionType.SourceLinkLayer, out MacAddress station))
            neighbors.Hint(from, packet.Source, station, create: true);
        advertiser.ReceiveSolicitation(now);
        return DropReason.None;
    }

    private DropReason ReceiveSolicitation(in NeighborView message, in ReceivedPacket packet, Instant now)
    {
        NetworkInterface from = packet.Interface;
        IpAddress target = message.Target, source = packet.Source;
        bool isDuplicateCheck = source.IsUnspecified;
        OwnAddress? tentative = from.FindBeingChecked(target);
        if (tentative is not null && (isDuplicateCheck || !tentative.IsInUse))
            return Addresses.HearQuestion(tentative, isDuplicateCheck, message.Nonce, now);
        bool isOwn = from.HasAddress(target);
        if (!isOwn && !IsProxied(from, source, target)) return DropReason.Ignored;
        if (isDuplicateCheck)
        {
            // The address is ours: everyone is told, for its claimant has none yet (section 7.2.4, RFC 4862 section 5.4.3).
            Advertise(from, target, target, IpAddress.AllNodesV6, default, isSolicited: false, isOverride: true, now);
            return DropReason.None;
        }
        if (message.TryGetLinkLayer(NeighborOptionType.SourceLinkLayer, out MacAddress station))
            neighbors.Hint(from, source, station, create: true);
        // A proxy's word does not override that of the address's owner (section 7.2.8), nor does that of one who is not yet sure to be it
        // (RFC 4429 section 3.3).
        bool isOverride = isOwn && tentative is null;
        Advertise(from, isOwn ? target : AnswerSource(from, target), target, source, station, isSolicited: true, isOverride, now);
        return DropReason.None;
    }

    // Section 7.2.5.
    private DropReason ReceiveAdvertisement(in NeighborView message, NetworkInterface from, Instant now)
    {
        if (from.FindBeingChecked(message.Target) is { } tentative)
        {
            Addresses.Conflict(tentative, now);
            return DropReason.None;
        }
        if (from.HasAddress(message.Target))
        {
            // Another station claims our address; it keeps it or not, we do not learn it.
            context.Counters.AddressConflicts++;
            return DropReason.BadSource;
        }
        if (from.Neighbors is null || !from.Neighbors.TryGet(message.Target, out Neighbor? neighbor)) return DropReason.Ignored;
        if (neighbor.IsRouter && !message.IsRouter) Configuration.ForgetRouter(from, message.Target);
        neighbor.IsRouter = message.IsRouter;
        bool hasStation = message.TryGetLinkLayer(NeighborOptionType.TargetLinkLayer, out MacAddress station);
        if (neighbor.State == NeighborState.Incomplete)
        {
            if (!hasStation) return DropReason.BadNeighborMessage;
            if (message.IsSolicited) neighbors.Confirm(neighbor, station, now);
            else neighbors.Hint(from, message.Target, station, create: false);
            return DropReason.None;
        }
        bool differs = hasStation && station != neighbor.Mac;
        if (differs && !message.IsOverride)
        {
            if (neighbor.State == NeighborState.Reachable) neighbor.State = NeighborState.Stale;
            return DropReason.Ignored;
        }
        if (message.IsSolicited) neighbors.Confirm(neighbor, differs ? station : neighbor.Mac, now);
        else if (differs) neighbors.Hint(from, message.Target, station, create: false);
        return DropReason.None;
    }

    /// <summary>
    /// As <see cref="ArpProtocol"/> does: not for those left to others, not for one's own, not for a duplicate address check.
    /// </summary>
    private static bool IsProxied(NetworkInterface on, IpAddress source, IpAddress target)
    {
        if (!on.AnyIp || source.IsUnspecified || source == target) return false;
        if (target.IsLinkLocal || target.IsUnspecified || target.IsLoopback) return false;
        foreach (IpPrefix except in on.Options.AnyIpExcept)
        {
            if (except.Contains(target)) return false;
        }
        return true;
    }

    private static IpAddress AnswerSource(NetworkInterface on, IpAddress target) =>
        on.TryGetAddress(v4: false, out IpAddress own) ? own : target;

    private static bool TryChooseSource(NetworkInterface on, IpAddress target, out IpAddress source)
    {
        foreach ((IpAddress own, _) in on.Addresses)
        {
            if (own.IsV4 || own.IsLinkLocal != target.IsLinkLocal) continue;
            source = own;
            return true;
        }
        return on.TryGetAddress(v4: false, out source);
    }

    private void Advertise(
        NetworkInterface on, IpAddress source, IpAddress target, IpAddress destination, MacAddress station, bool isSolicited,
        bool isOverride, Instant now)
    {
        if (!context.Pool.TryRent(PacketSize.Small, out Packet packet)) { context.Drop(DropReason.OutOfBuffers); return; }
        packet.Truncate(NeighborMessage.WriteAdvertisement(
            packet.Append(LongestMessage), source, destination, target, on.Mac, isRouter: on.AnyIp || on.Advertiser is { IsEnding: false }, isSolicited, isOverride));
        Send(on, packet, source, destination, station, now);
    }

    private void Send(NetworkInterface on, Packet packet, IpAddress source, IpAddress destination, MacAddress station, Instant now)
    {
        RouteDecision route = new(on, destination, source, 0);
        output.Send(packet, route, new IpSend(source, destination, IpProtocol.IcmpV6, HopLimit, LinkDestination: station), now);
    }
}
