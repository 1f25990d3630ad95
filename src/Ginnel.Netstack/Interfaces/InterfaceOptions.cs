using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>An interface as it is added to a stack.</summary>
public sealed class InterfaceOptions
{
    /// <summary>Name for messages and status.</summary>
    public string Name { get; init; } = "net";

    /// <summary>What the link is; <see cref="NetworkStack.SetLink"/> may change it later.</summary>
    public required LinkProperties Link { get; init; }

    /// <summary>The interface's own Ethernet address; must be unicast on medium Ethernet, is ignored on medium IP.</summary>
    public MacAddress Mac { get; init; }

    /// <summary>
    /// Any-IP mode: packets to every unicast address are taken, ARP and neighbor solicitations for every address that is not in
    /// <see cref="AnyIpExcept"/> are answered, SYNs to ports without a listener become pending connections, datagrams of a new source
    /// pending ports. Own addresses and listeners come first. Never answered for a foreign address: probes for duplicates (RFC 5227,
    /// RFC 4862), the question of a host for its own address, and IPv6 link-local addresses. A packet to a foreign address with hop
    /// limit 1 goes no further, as at a router.
    /// </summary>
    public bool AnyIp { get; init; }

    /// <summary>
    /// In any-IP mode: whether datagrams to own addresses become pending ports too where no port takes them, as SYNs do; otherwise they are
    /// refused. For who lets all ports of another host be reached at an address of ours.
    /// </summary>
    public bool AnyPort { get; init; }

    /// <summary>Addresses that any-IP mode on Ethernet leaves alone in ARP and ND: other hosts on the link.</summary>
    public IReadOnlyList<IpPrefix> AnyIpExcept { get; init; } = [];

    /// <summary>
    /// Whether the link's other end lets us reach its IPv4 loopback (Linux: route_localnet): 127.0.0.0/8 may then be a destination and a
    /// source here, against RFC 1122 section 3.2.1.3 g, which speaks of strangers.
    /// </summary>
    public bool PeerLoopback { get; init; }

    /// <summary>Likewise for <c>::1</c>, against RFC 4291 section 2.5.3. Linux has no switch for it: the link must see to it.</summary>
    public bool PeerLoopbackV6 { get; init; }

    /// <summary>Whether IPv6 is spoken.</summary>
    public bool IpV6 { get; init; } = true;

    /// <summary>
    /// Whether an IPv6 address on Ethernet is checked before it is used (RFC 4862 section 5.4): it then takes one or two seconds until it
    /// can be connected from or to. Without meaning on medium IP, where no other station could have it.
    /// </summary>
    public DuplicateAddressDetection DuplicateAddressDetection { get; init; } = DuplicateAddressDetection.Standard;

    /// <summary>
    /// Whether an IPv4 address on Ethernet is probed for before it is used and announced twice (RFC 5227), which takes four to seven
    /// seconds. Off by default, as in other hosts; an address in use is defended either way.
    /// </summary>
    public bool AddressConflictDetection { get; init; }

    /// <summary>
    /// Whether routers of the link configure the interface (RFC 4861 section 6.3, RFC 4862): default and other routes, prefixes, addresses
    /// formed from them with stable opaque identifiers (RFC 7217), MTU, hop limit, DNS servers. Off by default, for whoever is on the link
    /// can then say where packets go (RFC 6104); configured routes of equal length come first. Redirects are never followed.
    /// </summary>
    public bool AcceptRouterAdvertisements { get; init; }

    /// <summary>What the interface advertises as a router (RFC 4861 section 6.2), from the start; null for nothing. Not together with
    /// <see cref="AcceptRouterAdvertisements"/>.</summary>
    public RouterAdvertisementOptions? RouterAdvertisements { get; init; }
}

/// <summary>What is done about IPv6 addresses that another station may have (RFC 4862 section 5.4).</summary>
public enum DuplicateAddressDetection : byte
{
    /// <summary>An address is used when nobody has objected for a second.</summary>
    Standard,
    /// <summary>An address is used at once, with care not to disturb an owner, and given up when one objects (RFC 4429).</summary>
    Optimistic,
    /// <summary>No check: for cables with one known station at the other end.</summary>
    Off,
}

/// <summary>An entry of the route table; the longest prefix wins, then the lower metric.</summary>
/// <param name="Destination">The network.</param>
/// <param name="Interface">The way out.</param>
/// <param name="Gateway">The next hop, or null where the destination is on the link (medium IP: always may be null).</param>
/// <param name="Metric">Lower is preferred.</param>
public readonly record struct Route(IpPrefix Destination, InterfaceId Interface, IpAddress? Gateway = null, int Metric = 0);
