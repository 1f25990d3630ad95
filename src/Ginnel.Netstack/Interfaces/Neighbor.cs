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
    /// <summary>
    /// Silent to every probe (RFC 7048 section 3): what was known is still used, for the fault may be the way of the probes, while the
    /// group is asked ever more rarely; another router is preferred meanwhile.
    /// </summary>
    Unreachable,
}

/// <summary>What is known of the station that has an address.</summary>
internal sealed class Neighbor(NeighborResolver resolver, NetworkInterface on, IpAddress address) : Timed
{
    internal NetworkInterface On { get; } = on;
    internal IpAddress Address { get; } = address;
    internal MacAddress Mac;
    internal NeighborState State;
    internal int Attempts;

    /// <summary>Whether something was sent since the last question: a neighbor that nobody needs is not asked for.</summary>
    internal bool IsInUse;

    /// <summary>Whether it says of itself that it is a router (RFC 4861 section 7.2.5).</summary>
    internal bool IsRouter;
    internal Instant ReachableUntil;

    /// <summary>Whole IP packets that wait for an answer; bounded by <see cref="StackOptions.MaxPacketsPerNeighbor"/>.</summary>
    internal PacketQueue Waiting;

    internal override void OnDeadline(Instant now) => resolver.OnDeadline(this, now);
}
