using Ginnel.Wire;

namespace Ginnel.Fuzz;

internal static class IpTargets
{
    internal static DropReason V4(ReadOnlySpan<byte> bytes)
    {
        if (IpV4View.TryParseQuoted(bytes, out IpV4View quoted) == DropReason.None) TouchV4(quoted);
        if (IpV4View.TryParseBadOption(bytes, out IpV4View faulty, out byte pointer))
        {
            TouchV4(faulty);
            Keep.True(pointer >= IpV4Header.MinimumSize && pointer < faulty.HeaderLength, "the pointer is at an option");
        }
        DropReason reason = IpV4View.TryParse(bytes, out IpV4View view);
        Keep.True(IpView.TryParse(bytes, out IpView either) == reason || bytes.IsEmpty || bytes[0] >> 4 != 4, "both ways judge alike");
        if (reason != DropReason.None) return reason;
        TouchV4(view);
        Keep.True(view.TotalLength == view.Bytes.Length && view.Header.Length + view.Payload.Length == view.TotalLength, "the lengths add up");
        Keep.True(view.FragmentOffset + view.Payload.Length <= 65535, "no fragment reaches past the longest packet");
        Keep.True(either.Payload.SequenceEqual(view.Payload) && either.Source == view.Source, "both ways see the same");
        Span<byte> copy = stackalloc byte[IpV4Header.MaximumSize];
        int size = IpV4Header.Read(view).Write(copy, view.Options);
        Keep.True(IpV4View.TryParseQuoted(copy[..size], out IpV4View again) == DropReason.None && again.IsChecksumValid, "a written header parses");
        Keep.True(copy[..6].SequenceEqual(bytes[..6]) && copy[8..10].SequenceEqual(bytes[8..10]) && copy[12..size].SequenceEqual(bytes[12..size]),
            "an IPv4 header round-trips");
        return reason;
    }

    internal static DropReason V6(ReadOnlySpan<byte> bytes)
    {
        if (IpV6View.TryParseQuoted(bytes, out IpV6View quoted) == DropReason.None) TouchV6(quoted);
        DropReason reason = IpV6View.TryParse(bytes, out IpV6View view, out IpV6Problem problem);
        Keep.True(IpV6View.TryParse(bytes, out _) == reason, "both overloads judge alike");
        if (problem.IsPresent)
        {
            Keep.True(reason != DropReason.None, "only refused packets have a problem");
            Keep.True(problem.Pointer < bytes.Length, "the pointer points into the packet");
        }
        if (reason != DropReason.None && !problem.IsPresent) return reason;
        TouchV6(view);
        Keep.True(view.Source.IsV6 && view.Destination.IsV6, "no IPv4-mapped address passes");
        if (reason != DropReason.None) return reason;
        Keep.True(view.TotalLength == view.Bytes.Length && view.HeaderLength + view.Payload.Length == view.TotalLength, "the lengths add up");
        Keep.True(view.FragmentOffset + view.Payload.Length <= 65535 + 8, "no fragment reaches past the longest packet");
        Keep.True(view.FragmentPredecessorOffset < view.HeaderLength && view.NextHeaderOffset < view.HeaderLength, "offsets lie in the headers");
        Span<byte> copy = stackalloc byte[IpV6Header.Size];
        IpV6Header.Read(view).Write(copy);
        Keep.True(copy.SequenceEqual(bytes[..IpV6Header.Size]), "an IPv6 header round-trips");
        return reason;
    }

    internal static DropReason Icmp(ReadOnlySpan<byte> bytes)
    {
        DropReason reason = IcmpView.TryParse(bytes, out IcmpView view);
        if (reason != DropReason.None) return reason;
        Keep.Value((int)view.Type + view.Code + view.Identifier + view.Sequence + view.Mtu + view.Pointer);
        Keep.Value((view.IsError ? 1 : 0) + (view.IsChecksumValid ? 1 : 0));
        if (view.IsError) V4(view.Body);
        return reason;
    }

    internal static DropReason IcmpV6(ReadOnlySpan<byte> bytes)
    {
        IpAddress source = IpAddress.FromV6(0xFE80_0000_0000_0000, 1), destination = IpAddress.AllNodesV6;
        DropReason reason = IcmpV6View.TryParse(bytes, out IcmpV6View view);
        if (reason != DropReason.None) return reason;
        Keep.Value((int)view.Type + view.Code + view.Identifier + view.Sequence + view.Mtu + view.Pointer);
        Keep.Value((view.IsError ? 1 : 0) + (view.IsChecksumValid(source, destination) ? 1 : 0));
        if (view.IsError) V6(view.Body);
        Span<byte> ip = stackalloc byte[IpV6Header.Size];
        new IpV6Header { HopLimit = 255, NextHeader = IpProtocol.IcmpV6, Source = source, Destination = destination }.Write(ip);
        IpV6View.TryParse(ip, out IpV6View header);
        reason = NeighborView.TryParse(header, view, out NeighborView neighbor);
        if (reason == DropReason.None) TouchNeighbor(neighbor);
        return reason == DropReason.Ignored ? DropReason.None : reason;
    }

    private static void TouchNeighbor(in NeighborView view)
    {
        Keep.Address(view.Target);
        Keep.Address(view.RedirectDestination);
        Keep.Value(view.CurrentHopLimit + view.RouterLifetimeSeconds + view.ReachableMilliseconds + view.RetransmitMilliseconds);
        Keep.Value((view.IsRouter ? 1 : 0) + (view.IsSolicited ? 1 : 0) + (view.IsOverride ? 1 : 0) + (view.IsManaged ? 1 : 0));
        Keep.Value((view.HasOtherConfiguration ? 1 : 0) + (view.TryGetLinkLayer(NeighborOptionType.SourceLinkLayer, out _) ? 1 : 0));
        Keep.Value((long)view.Nonce + (int)view.RouterPreference);
        foreach (NeighborOption option in view.Options)
        {
            Keep.Bytes(option.Body);
            if (option.TryGetLinkLayer(out MacAddress mac)) Keep.True(!mac.IsGroup && !mac.IsZero, "a link-layer address is a station's");
            if (option.TryGetMtu(out uint mtu)) Keep.Value(mtu);
            if (option.TryGetPrefix(out PrefixInformation prefix)) Keep.True(prefix.Prefix.Address.IsV6, "a prefix is IPv6");
            if (option.TryGetRoute(out IpPrefix route, out RouterPreference preference, out uint seconds))
            {
                Keep.True(route.Address.IsV6 && preference is RouterPreference.Low or RouterPreference.Medium or RouterPreference.High, "a route is IPv6");
                Keep.Value(seconds);
            }
            if (option.TryGetDnsServers(out uint lifetime, out ReadOnlySpan<byte> servers))
            {
                Keep.Value(lifetime);
                Keep.True(servers.Length > 0 && servers.Length % 16 == 0, "servers are whole addresses");
            }
        }
    }

    private static void TouchV4(in IpV4View view)
    {
        Keep.Bytes(view.Options);
        Keep.Bytes(view.Payload);
        Keep.Address(view.Source);
        Keep.Address(view.Destination);
        Keep.Value(view.TrafficClass + view.Identification + view.HopLimit + (int)view.Protocol + view.Checksum + view.FragmentOffset);
        Keep.Value((view.DontFragment ? 1 : 0) + (view.MoreFragments ? 1 : 0) + (view.IsFragment ? 1 : 0) + (view.IsSourceRouted ? 1 : 0));
        Keep.Value(view.IsChecksumValid ? 1 : 0);
    }

    private static void TouchV6(in IpV6View view)
    {
        Keep.Bytes(view.Header);
        Keep.Bytes(view.Payload);
        Keep.Address(view.Source);
        Keep.Address(view.Destination);
        Keep.Value(view.TrafficClass + view.FlowLabel + view.HopLimit + (int)view.Protocol + view.FragmentOffset + view.Identification);
        Keep.Value((view.IsFragment ? 1 : 0) + (view.MoreFragments ? 1 : 0) + view.RoutingType + view.NextHeaderOffset);
    }
}
