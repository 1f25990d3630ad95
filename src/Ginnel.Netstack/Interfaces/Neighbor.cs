using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>States of a neighbor (RFC 4861 section 7.3.2); ARP's entries have the same.</summary>
internal enum NeighborState : byte
{
    /// <summary>Asked for, not yet answered; packets wait.</summary>
    Incomplete,
    /// <summary>Answered lately.</summary>
    Reachable,
    /// <summary>Known, but not lately confirmed; used until that matters.</summary>
    Stale,
    /// <summary>In use although stale; soon to be probed.</summary>
    Delay,
    /// <summary>Being probed by unicast.</summary>
    Probe,
}

/// <summary>What is known of the station that has an address.</summary>
internal sealed class Neighbor(NeighborResolver resolver, NetworkInterface on, IpAddress address) : Timed
{
    internal NetworkInterface On { get; } = on;
    internal IpAddress Address { get; } = address;
    internal MacAddress Mac;
    internal NeighborState State;
    internal int Attempts;
    internal Instant ReachableUntil;

    /// <summary>Whole IP packets that wait for an answer; bounded by <see cref="StackOptions.MaxPacketsPerNeighbor"/>.</summary>
    internal PacketQueue Waiting;

    internal override void OnDeadline(Instant now) => resolver.OnDeadline(this, now);
}
