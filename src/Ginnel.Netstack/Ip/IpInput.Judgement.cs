using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>Which addresses a packet may bear (RFC 1122 section 3.2.1.3, RFC 1812 section 5.3.7, RFC 4291), and whether it is for
/// us.</content>
internal sealed partial class IpInput
{
    private DropReason JudgeV4(in Arrival arrival, IpAddress source, IpAddress destination, IpProtocol protocol, out bool isOwn,
        out bool isBroadcast)
    {
        NetworkInterface from = arrival.Interface;
        isOwn = interfaces.IsOwn(destination);
        isBroadcast = destination.IsLimitedBroadcast || (!isOwn && (destination.IsMulticast || from.IsDirectedBroadcast(destination)));
        if (from.IsInternal) return isOwn ? DropReason.None : DropReason.NotOurAddress;
        // 0.0.0.0 is a host that has no address yet, and that can only call out to everyone (RFC 1122 section 3.2.1.3 a).
        if (source.IsUnspecified ? !isBroadcast || protocol != IpProtocol.Udp : IsMartianSource(from, source)) return DropReason.BadSource;
        // LAND: with source and destination equal we would answer ourselves.
        if (source == destination) return DropReason.BadSource;
        // A unicast packet in a broadcast frame is an attack or a mistake (RFC 1122 section 3.3.6).
        if (arrival.IsLinkGroup && !isBroadcast) return DropReason.BadDestination;
        if (isOwn) return DropReason.None;
        if (destination.IsLoopback || destination.V4 >> 24 == 0) return DropReason.BadDestination;
        // Of the groups a host is always in that of all systems only (RFC 1112 section 4); the shell joins no others.
        if (destination.IsMulticast) return destination.V4 == 0xE000_0001 ? DropReason.None : DropReason.NotOurAddress;
        if (isBroadcast) return DropReason.None;
        return from.AnyIp ? DropReason.None : DropReason.NotOurAddress;
    }

    private bool IsMartianSource(NetworkInterface from, IpAddress source) =>
        source.V4 >> 24 == 0 || source.V4 >> 28 >= 0xE || (source.IsLoopback && !from.Options.PeerLoopback)
            || from.IsDirectedBroadcast(source) || interfaces.IsOwn(source);

    /// <summary>
    /// A host tells the sender which octet of an option is wrong, if nothing else is (RFC 1122 section 3.2.2.5, RFC 1812 section 4.3.3.5).
    /// </summary>
    private void ReportBadOption(ReadOnlySpan<byte> bytes, in Arrival arrival, Instant now)
    {
        if (!IpV4View.TryParseBadOption(bytes, out IpV4View view, out byte pointer) || !view.IsChecksumValid || view.FragmentOffset != 0) return;
        IpAddress source = view.Source, destination = view.Destination;
        if (JudgeV4(arrival, source, destination, view.Protocol, out bool isOwn, out bool isBroadcast) != DropReason.None) return;
        errors.SendParameterProblem(new ReceivedPacket
        {
            Interface = arrival.Interface, Source = source, Destination = destination, Protocol = view.Protocol, HopLimit = view.HopLimit,
            IsForOwnAddress = isOwn, IsBroadcast = isBroadcast || arrival.IsLinkGroup, IpBytes = view.Bytes, Transport = view.Payload,
        }, pointer, now);
    }

    private DropReason JudgeV6(in Arrival arrival, IpAddress source, IpAddress destination, IpProtocol protocol, out bool isOwn,
        out bool isBroadcast)
    {
        NetworkInterface from = arrival.Interface;
        isOwn = interfaces.IsOwn(destination);
        isBroadcast = destination.IsMulticast;
        if (from.IsInternal) return isOwn ? DropReason.None : DropReason.NotOurAddress;
        if (source.IsMulticast || (source.IsLoopback && !from.Options.PeerLoopbackV6) || source == destination) return DropReason.BadSource;
        // "::" speaks only of addresses it has not yet got (RFC 4291 section 2.5.2, RFC 4862 section 5.4).
        if (source.IsUnspecified && (protocol != IpProtocol.IcmpV6 || !isBroadcast)) return DropReason.BadSource;
        // Of an address that we use although we are not yet sure of it, the owner must be heard (RFC 4429 section 3.3).
        if (interfaces.IsOwn(source) && (protocol != IpProtocol.IcmpV6 || from.FindBeingChecked(source) is null)) return DropReason.BadSource;
        if (isOwn) return DropReason.None;
        if (destination.IsUnspecified || destination.IsLoopback) return DropReason.BadDestination;
        if (isBroadcast) return IsInGroup(from, destination) ? DropReason.None : DropReason.NotOurAddress;
        if (arrival.IsLinkGroup) return DropReason.BadDestination;
        // Link-local packets never pass a router (RFC 4291 section 2.5.6): any-IP stands for the world beyond the link.
        if (!from.AnyIp || destination.IsLinkLocal) return DropReason.NotOurAddress;
        return source.IsLinkLocal && protocol != IpProtocol.IcmpV6 ? DropReason.BadSource : DropReason.None;
    }

    /// <summary>
    /// All nodes, on the interface and on the link, and the solicited-node groups of own addresses (RFC 4291 section 2.8); with any-IP
    /// the groups of all addresses, and that of all routers, for there we stand for everyone.
    /// </summary>
    private static bool IsInGroup(NetworkInterface from, IpAddress group)
    {
        if (group == IpAddress.AllNodesV6 || (group.High == 0xFF01_0000_0000_0000 && group.Low == 1)) return true;
        if (group == IpAddress.AllRoutersV6) return from.AnyIp || from.Advertiser is not null;
        if (from.AnyIp && IpAddress.SolicitedNode(group) == group) return true;
        foreach ((IpAddress own, _) in from.Addresses)
        {
            if (!own.IsV4 && IpAddress.SolicitedNode(own) == group) return true;
        }
        // RFC 4862 section 5.4.2: before the check begins.
        foreach ((IpAddress tentative, _) in from.Unassigned)
        {
            if (!tentative.IsV4 && IpAddress.SolicitedNode(tentative) == group) return true;
        }
        return false;
    }
}
