using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>ARP for IPv4 on Ethernet (RFC 826), with the manners of RFC 5227.</summary>
internal sealed class ArpProtocol(StackContext context, NeighborResolver neighbors, IpOutput output)
{
    // RFC 5227 section 2.4: a defence may itself be attacked, so two stations must not shout at each other without end.
    private static readonly TimeSpan DefendInterval = TimeSpan.FromSeconds(10);

    /// <summary>Who hears of addresses that another station claims.</summary>
    internal AddressAssignment Addresses { get; set; } = null!;

    internal DropReason Receive(ReadOnlySpan<byte> bytes, in IpInput.Arrival arrival, Instant now)
    {
        DropReason reason = ArpView.TryParse(bytes, out ArpView view);
        if (reason != DropReason.None) return reason;
        NetworkInterface from = arrival.Interface;
        IpAddress sender = view.SenderAddress, target = view.TargetAddress;
        bool isProbe = sender.IsUnspecified;
        // RFC 5227 section 2.1.1: what another claims, or checks at the same time, is not ours to take.
        if (from.FindBeingChecked(isProbe ? target : sender) is { } tentative && (!isProbe || view.Operation == ArpOperation.Request))
        {
            Addresses.Conflict(tentative, now);
            return DropReason.None;
        }
        if (from.HasAddress(sender)) return Defend(from, sender, now);
        if (!isProbe && !IsStationAddress(from, sender)) return DropReason.BadSource;
        bool isForUs = from.HasAddress(target);
        bool isAnswered = view.Operation == ArpOperation.Request && (isForUs || IsProxied(from, sender, target));
        if (!isProbe) Learn(from, view, isForUs, isAnswered, now);
        if (isAnswered) Answer(from, view);
        return isAnswered || !isProbe ? DropReason.None : DropReason.Ignored;
    }

    /// <summary>Asks who has an address: everyone, or the station that had it when last heard of.</summary>
    internal void Ask(NetworkInterface on, IpAddress target, MacAddress station) =>
        Send(on, ArpOperation.Request, SourceFor(on, target), default, target, station.IsZero ? MacAddress.Broadcast : station);

    /// <summary>Asks for an address as one who has none, to learn whether it is free (RFC 5227 section 2.1.1).</summary>
    internal void Probe(NetworkInterface on, IpAddress target) =>
        Send(on, ArpOperation.Request, IpAddress.AnyV4, default, target, MacAddress.Broadcast);

    /// <summary>Tells everyone of an own address, so that stale caches learn of us (RFC 5227 section 2.3).</summary>
    internal void Announce(NetworkInterface on, IpAddress own) =>
        Send(on, ArpOperation.Request, own, default, own, MacAddress.Broadcast);

    /// <summary>
    /// Any-IP: every address is here, but for those left to others. A probe is never answered for a foreign address, or a guest that
    /// checks its own (RFC 5227 section 2.1) would find it taken; nor is the question for one's own address.
    /// </summary>
    private static bool IsProxied(NetworkInterface on, IpAddress sender, IpAddress target)
    {
        if (!on.AnyIp || sender.IsUnspecified || sender == target || !IsStationAddress(on, target)) return false;
        foreach (IpPrefix except in on.Options.AnyIpExcept)
        {
            if (except.Contains(target)) return false;
        }
        return true;
    }

    private static bool IsStationAddress(NetworkInterface on, IpAddress address) =>
        !address.IsMulticast && address.V4 >> 24 != 0 && address.V4 >> 28 != 0xF && !address.IsLoopback && !on.IsDirectedBroadcast(address);

    private void Learn(NetworkInterface from, in ArpView view, bool isForUs, bool isAnswered, Instant now)
    {
        bool isReplyToUs = view.Operation == ArpOperation.Reply && isForUs;
        if (isReplyToUs && from.Neighbors is not null && from.Neighbors.TryGet(view.SenderAddress, out Neighbor? neighbor)
            && neighbor.State is NeighborState.Incomplete or NeighborState.Delay or NeighborState.Probe)
        {
            neighbors.Confirm(neighbor, view.SenderMac, now);
            return;
        }
        // RFC 826: who asks for us is about to be answered and soon spoken to; others are only updated if known.
        neighbors.Hint(from, view.SenderAddress, view.SenderMac, create: isAnswered);
    }

    private void Answer(NetworkInterface from, in ArpView view) =>
        Send(from, ArpOperation.Reply, view.TargetAddress, view.SenderMac, view.SenderAddress, view.SenderMac);

    private DropReason Defend(NetworkInterface from, IpAddress own, Instant now)
    {
        context.Counters.AddressConflicts++;
        if (from.DefendedAt == default || now - from.DefendedAt >= DefendInterval)
        {
            from.DefendedAt = now;
            Announce(from, own);
        }
        return DropReason.BadSource;
    }

    private static IpAddress SourceFor(NetworkInterface on, IpAddress target)
    {
        foreach ((IpAddress own, int length) in on.Addresses)
        {
            if (own.IsV4 && new IpPrefix(own, length).Contains(target)) return own;
        }
        return on.TryGetAddress(v4: true, out IpAddress any) ? any : IpAddress.AnyV4;
    }

    private void Send(NetworkInterface on, ArpOperation operation, IpAddress sender, MacAddress targetMac, IpAddress target, MacAddress to)
    {
        if (!on.IsUp) return;
        if (!context.Pool.TryRent(PacketSize.Small, out Packet packet)) { context.Drop(DropReason.OutOfBuffers); return; }
        new ArpHeader { Operation = operation, SenderMac = on.Mac, SenderAddress = sender, TargetMac = targetMac, TargetAddress = target }
            .Write(packet.Append(ArpHeader.Size));
        DropReason reason = output.EnqueueFrame(on, packet, to, EtherType.Arp);
        if (reason == DropReason.None) return;
        context.Drop(reason);
        packet.Return();
    }
}
