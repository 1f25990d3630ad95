using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>An interface of the stack: its link's properties, its addresses, and what waits to leave through it.</summary>
internal sealed class NetworkInterface(InterfaceId id, InterfaceOptions options)
{
    /// <summary>Own addresses that one interface may have.</summary>
    internal const int MaxAddresses = 256;

    internal InterfaceId Id { get; } = id;
    internal InterfaceOptions Options { get; } = options;
    internal LinkProperties Link { get; set; } = options.Link;
    internal bool IsUp { get; set; }
    internal MacAddress Mac => Options.Mac;
    internal bool AnyIp => Options.AnyIp;

    /// <summary>Whether this is the stack's own interface, through which packets to own addresses pass.</summary>
    internal bool IsInternal { get; init; }

    /// <summary>Own addresses that are in use, with the prefix of the network they stand in.</summary>
    internal List<OwnAddress> Addresses { get; } = [];

    /// <summary>Addresses that are being checked or were found to be another's; together with those in use they are bounded.</summary>
    internal List<OwnAddress> Unassigned { get; } = [];

    internal OwnAddress? FindUnassigned(IpAddress address)
    {
        foreach (OwnAddress waiting in Unassigned)
        {
            if (waiting.Address == address) return waiting;
        }
        return null;
    }

    /// <summary>The address if it is being checked, be it in use already or not.</summary>
    internal OwnAddress? FindBeingChecked(IpAddress address)
    {
        if (FindUnassigned(address) is { State: AddressState.Tentative } tentative) return tentative;
        foreach (OwnAddress own in Addresses)
        {
            if (own.State == AddressState.Optimistic && own.Address == address) return own;
        }
        return null;
    }

    /// <summary>Finished packets in the link's form, ready to go. Bounded by <see cref="StackOptions.MaxTransmitQueue"/>.</summary>
    internal PacketQueue Output;

    /// <summary>What TCP built when it was asked for a packet: goes out at once, hence never more than a few packets.</summary>
    internal PacketQueue TcpOutput;

    /// <summary>Whether TCP is being asked for a packet right now.</summary>
    internal bool IsCollecting;

    /// <summary>Whether the next packet to leave is TCP's, so that neither TCP nor the rest starves the other.</summary>
    internal bool IsTcpTurn;

    /// <summary>Connections that want to send through this interface; TCP's own list, first in first out, each at most once.</summary>
    internal TcpConnection? FirstReady;
    internal TcpConnection? LastReady;

    /// <summary>Ports that were told <see cref="OpStatus.WouldBlock"/> because <see cref="Output"/> was full.</summary>
    internal DatagramPort? FirstWaiting;

    /// <summary>Neighbors on Ethernet, the longest unused first; made when first needed.</summary>
    internal BoundedTable<IpAddress, Neighbor>? Neighbors;

    /// <summary>How long a confirmed neighbor counts as reachable, on average (RFC 4861 section 10); a router may say otherwise.</summary>
    internal TimeSpan ReachableTime = DefaultReachableTime;

    /// <summary>Time between solicitations; likewise.</summary>
    internal TimeSpan RetransmitTime = DefaultRetransmitTime;

    internal static readonly TimeSpan DefaultReachableTime = TimeSpan.FromSeconds(30);
    internal static readonly TimeSpan DefaultRetransmitTime = TimeSpan.FromSeconds(1);

    /// <summary>Longest IPv6 packet as a router has said, and the hop limit to use; 0 for the link's and the stack's own.</summary>
    internal int AdvertisedMtu;
    internal byte AdvertisedHopLimit;

    /// <summary>What routers of the link have advertised; null where nobody listens.</summary>
    internal LinkConfiguration? Configuration;

    /// <summary>What the interface advertises as a router; null if it is none.</summary>
    internal RouterAdvertiser? Advertiser;

    /// <summary>Longest IP packet of the family that the link takes.</summary>
    internal int Mtu(bool v4) => v4 || AdvertisedMtu == 0 ? Link.Mtu : Math.Min(AdvertisedMtu, Link.Mtu);

    /// <summary>The last sender of an IP packet: a batch mostly comes from one, which is then looked up once.</summary>
    internal (IpAddress Address, MacAddress Station) LastHeard;

    /// <summary>When an own address was last defended against another claimant.</summary>
    internal Instant DefendedAt;

    /// <summary>Longest TCP payload with headers that the link takes in one packet: 65,535 where it segments, else its MTU.</summary>
    internal bool SegmentsTcp(bool v4) =>
        (Link.Offloads & (v4 ? LinkOffloads.TcpV4Segmentation : LinkOffloads.TcpV6Segmentation)) != 0;

    /// <summary>Whether packets of this family pass: IPv6 needs a link of 1,280 bytes (RFC 8200 section 5).</summary>
    internal bool Speaks(bool v4) => v4 || (Options.IpV6 && Link.Mtu >= IpV6Header.MinimumMtu);

    internal bool HasAddress(IpAddress address)
    {
        foreach ((IpAddress own, _) in Addresses)
        {
            if (own == address) return true;
        }
        return false;
    }

    /// <summary>Whether the address lies in the network of an own address, so that a neighbor may have it.</summary>
    internal bool IsOnLink(IpAddress address)
    {
        foreach ((IpAddress own, int length) in Addresses)
        {
            if (own.IsV4 == address.IsV4 && new IpPrefix(own, length).Contains(address)) return true;
        }
        return !address.IsV4 && address.IsLinkLocal;
    }

    /// <summary>
    /// Whether the address is the directed broadcast of an own network, or its all-zeros form, which old hosts used as broadcast
    /// (RFC 1122 section 3.2.1.3); networks of 31 and 32 bits have neither (RFC 3021).
    /// </summary>
    internal bool IsDirectedBroadcast(IpAddress address)
    {
        if (!address.IsV4) return false;
        foreach ((IpAddress own, int length) in Addresses)
        {
            if (!own.IsV4 || length >= 31) continue;
            uint hostMask = uint.MaxValue >> length;
            if (((address.V4 ^ own.V4) & ~hostMask) != 0) continue;
            uint host = address.V4 & hostMask;
            if (host == hostMask || host == 0) return true;
        }
        return false;
    }

    /// <summary>
    /// The own address that an error or answer of the stack itself bears; false when the interface has none of the family.
    /// </summary>
    internal bool TryGetAddress(bool v4, out IpAddress address)
    {
        foreach ((IpAddress own, _) in Addresses)
        {
            if (own.IsV4 != v4 || (!v4 && own.IsLinkLocal)) continue;
            address = own;
            return true;
        }
        foreach ((IpAddress own, _) in Addresses)
        {
            if (own.IsV4 != v4) continue;
            address = own;
            return true;
        }
        address = default;
        return false;
    }
}
