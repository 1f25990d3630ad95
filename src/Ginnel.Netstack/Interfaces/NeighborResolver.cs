using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Finds the stations of neighbors on Ethernet: one cache per interface, by ARP for IPv4 (RFC 826) and neighbor discovery for IPv6,
/// with the states and timers of RFC 4861 section 7.3 for both.
/// </summary>
internal sealed class NeighborResolver(StackContext context, IpOutput output)
{
    // RFC 4861 section 10, for the group and for the one station alike.
    private const int MaxSolicitations = 3;
    private static readonly TimeSpan DelayFirstProbe = TimeSpan.FromSeconds(5);

    // RFC 7048 section 3.
    private const int BackoffMultiple = 3;
    private static readonly TimeSpan MaxRetransmitTime = TimeSpan.FromSeconds(60);

    private ArpProtocol _arp = null!;
    private NeighborDiscovery _discovery = null!;
    private IcmpInput _icmp = null!;

    internal void Attach(ArpProtocol arp, NeighborDiscovery discovery, IcmpInput icmp) =>
        (_arp, _discovery, _icmp) = (arp, discovery, icmp);

    /// <summary>Whether a neighbor has been silent to every probe: then another router serves better (RFC 7048 section 3).</summary>
    internal static bool IsUnreachable(NetworkInterface on, IpAddress address) =>
        on.Neighbors is not null && on.Neighbors.TryGet(address, out Neighbor? neighbor) && neighbor.State == NeighborState.Unreachable;

    /// <summary>Sends now, or when the neighbor has answered; owns the packet only if it succeeds.</summary>
    internal DropReason SendTo(NetworkInterface to, Packet packet, IpAddress address, Instant now)
    {
        if (to.Neighbors is null || !to.Neighbors.TryTouch(address, out Neighbor? neighbor))
        {
            neighbor = Add(to, address);
            neighbor.State = NeighborState.Incomplete;
            Solicit(neighbor, now);
        }
        neighbor.IsInUse = true;
        switch (neighbor.State)
        {
            case NeighborState.Incomplete:
                Queue(neighbor, packet);
                return DropReason.None;
            case NeighborState.Reachable when neighbor.ReachableUntil <= now:
            case NeighborState.Stale:
                neighbor.State = NeighborState.Delay;
                neighbor.Attempts = 0;
                context.Timers.Arm(neighbor, now + DelayFirstProbe);
                break;
            case NeighborState.Unreachable when neighbor.HeapIndex < 0:
                // Nobody needed it when it was last due; now somebody does.
                Solicit(neighbor, now);
                break;
        }
        return output.EnqueueFrame(to, packet, neighbor.Mac);
    }

    /// <summary>The neighbor answered our question.</summary>
    internal void Confirm(Neighbor neighbor, MacAddress station, Instant now)
    {
        neighbor.Mac = station;
        neighbor.State = NeighborState.Reachable;
        neighbor.Attempts = 0;
        // Spread by half, so that neighbors learned together are not probed together (RFC 4861 section 6.3.2).
        uint reachable = (uint)neighbor.On.ReachableTime.TotalMilliseconds;
        neighbor.ReachableUntil = now + TimeSpan.FromMilliseconds(reachable / 2 + context.Entropy.Next(reachable));
        context.Timers.Remove(neighbor);
        Flush(neighbor);
    }

    /// <summary>
    /// A transport has seen its peer make progress through this neighbor, which proves that packets arrive there (RFC 4861 section 7.3.1):
    /// as good as an answer, and no probe is needed. Nothing is proved of a neighbor whose station is not known.
    /// </summary>
    internal void ConfirmForward(NetworkInterface on, IpAddress address, Instant now)
    {
        if (on.Neighbors is null || !on.Neighbors.TryGet(address, out Neighbor? neighbor)) return;
        if (neighbor.State != NeighborState.Incomplete) Confirm(neighbor, neighbor.Mac, now);
    }

    /// <summary>A neighbor has advertised itself as a router.</summary>
    internal void MarkRouter(NetworkInterface on, IpAddress address)
    {
        if (on.Neighbors is not null && on.Neighbors.TryGet(address, out Neighbor? neighbor)) neighbor.IsRouter = true;
    }

    /// <summary>The neighbor told of itself unasked: what it says is used, and verified once it matters.</summary>
    internal void Hint(NetworkInterface on, IpAddress address, MacAddress station, bool create)
    {
        if (on.Neighbors is null || !on.Neighbors.TryGet(address, out Neighbor? neighbor))
        {
            if (!create || !HasRoomForStrangers(on)) return;
            neighbor = Add(on, address);
            neighbor.State = NeighborState.Incomplete;
        }
        // One that was silent and speaks again is worth being asked again (RFC 7048 section 3).
        if (neighbor.State is not (NeighborState.Incomplete or NeighborState.Unreachable) && neighbor.Mac == station) return;
        neighbor.Mac = station;
        neighbor.State = NeighborState.Stale;
        neighbor.Attempts = 0;
        context.Timers.Remove(neighbor);
        Flush(neighbor);
    }

    /// <summary>
    /// An IP packet came from this station: if nothing is known of the address yet, that is where answers go. It never changes what is
    /// known, for an IP packet proves less than an answer to a question.
    /// </summary>
    internal void Hear(NetworkInterface on, IpAddress address, MacAddress station)
    {
        if (on.LastHeard == (address, station)) return;
        on.LastHeard = (address, station);
        if (on.Neighbors is not null && on.Neighbors.TryGet(address, out Neighbor? known)
            && known.State != NeighborState.Incomplete) return;
        if (on.AnyIp || on.IsOnLink(address)) Hint(on, address, station, create: true);
    }

    internal void OnDeadline(Neighbor neighbor, Instant now)
    {
        if (neighbor.State == NeighborState.Delay) neighbor.State = NeighborState.Probe;
        switch (neighbor.State)
        {
            case NeighborState.Incomplete when neighbor.Attempts >= MaxSolicitations:
                Fail(neighbor, now);
                break;
            case NeighborState.Probe when neighbor.Attempts >= MaxSolicitations:
                neighbor.State = NeighborState.Unreachable;
                neighbor.IsInUse = true;
                context.Counters.NeighborsLost++;
                Solicit(neighbor, now);
                break;
            case NeighborState.Incomplete or NeighborState.Probe:
            case NeighborState.Unreachable when neighbor.IsInUse:
                Solicit(neighbor, now);
                break;
        }
    }

    /// <summary>The link went down or became another one: nothing that was known of its stations holds.</summary>
    internal void Forget(NetworkInterface on, DropReason reason)
    {
        while (on.Neighbors is not null && on.Neighbors.TryPeekOldest(out Neighbor? neighbor)) Remove(neighbor, reason);
        on.LastHeard = default;
    }

    /// <summary>
    /// Stations that tell of themselves unasked push out none that is in use: else whoever invents enough of them empties the cache
    /// (RFC 6583 section 7.1, attack case C22).
    /// </summary>
    private bool HasRoomForStrangers(NetworkInterface on)
    {
        if (on.Neighbors is not { IsFull: true } || !on.Neighbors.TryPeekOldest(out Neighbor? oldest) || !oldest.IsInUse) return true;
        context.Counters.NeighborsRefused++;
        return false;
    }

    private Neighbor Add(NetworkInterface on, IpAddress address)
    {
        on.Neighbors ??= new BoundedTable<IpAddress, Neighbor>(context.Options.MaxNeighbors);
        while (on.Neighbors.IsFull && on.Neighbors.TryPeekOldest(out Neighbor? oldest))
        {
            context.Counters.NeighborsEvicted++;
            Remove(oldest, DropReason.NeighborQueueFull);
        }
        Neighbor neighbor = new(this, on, address);
        on.Neighbors.Add(address, neighbor);
        return neighbor;
    }

    private void Remove(Neighbor neighbor, DropReason reason)
    {
        context.Timers.Remove(neighbor);
        neighbor.On.Neighbors!.Remove(neighbor.Address);
        neighbor.On.LastHeard = default;
        while (neighbor.Waiting.Take() is { } packet)
        {
            context.Drop(reason);
            packet.Return();
        }
    }

    private void Solicit(Neighbor neighbor, Instant now)
    {
        neighbor.Attempts++;
        neighbor.IsInUse &= neighbor.State != NeighborState.Unreachable;
        context.Timers.Arm(neighbor, now + RetransmitTime(neighbor));
        MacAddress station = neighbor.State == NeighborState.Probe ? neighbor.Mac : default;
        if (neighbor.Address.IsV4) _arp.Ask(neighbor.On, neighbor.Address, station);
        else _discovery.Ask(neighbor.On, neighbor.Address, station, now);
    }

    /// <summary>
    /// One solicitation per retransmit time (RFC 4861 section 7.2.2; a second also keeps RFC 1122 section 2.3.2.1); of an unreachable
    /// neighbor three times as long after each, up to a minute (RFC 7048 section 3).
    /// </summary>
    private static TimeSpan RetransmitTime(Neighbor neighbor)
    {
        TimeSpan time = neighbor.On.RetransmitTime;
        for (int i = MaxSolicitations; i < neighbor.Attempts && time < MaxRetransmitTime; i++) time *= BackoffMultiple;
        return time < MaxRetransmitTime || neighbor.State != NeighborState.Unreachable ? time : MaxRetransmitTime;
    }

    private void Queue(Neighbor neighbor, Packet packet)
    {
        // The newest packet is the one whose sender still waits (RFC 1122 section 2.3.2.2).
        if (neighbor.Waiting.Count >= context.Options.MaxPacketsPerNeighbor && neighbor.Waiting.Take() is { } oldest)
        {
            context.Drop(DropReason.NeighborQueueFull);
            oldest.Return();
        }
        neighbor.Waiting.Add(packet);
    }

    private void Flush(Neighbor neighbor)
    {
        bool wasCollecting = neighbor.On.IsCollecting;
        while (neighbor.Waiting.Take() is { } packet)
        {
            // With the other segments, which it must not be overtaken by.
            neighbor.On.IsCollecting = IsTcp(packet.Span);
            DropReason reason = output.EnqueueFrame(neighbor.On, packet, neighbor.Mac);
            neighbor.On.IsCollecting = wasCollecting;
            if (reason == DropReason.None) continue;
            context.Drop(reason);
            packet.Return();
        }
    }

    // Where the protocol stands in a header of either version, which IP has written.
    private static bool IsTcp(ReadOnlySpan<byte> packet) => (IpProtocol)packet[packet[0] >> 4 == 4 ? 9 : 6] == IpProtocol.Tcp;

    // RFC 4861 section 7.2.2: address unreachable. What waited tells its senders so, as a router's error would.
    private void Fail(Neighbor neighbor, Instant now)
    {
        PacketQueue waiting = default;
        waiting.Append(ref neighbor.Waiting);
        Remove(neighbor, DropReason.NeighborUnreachable);
        while (waiting.Take() is { } packet)
        {
            context.Drop(DropReason.NeighborUnreachable);
            _icmp.ReportUnreachable(neighbor.On, packet.Span, now);
            packet.Return();
        }
    }
}
