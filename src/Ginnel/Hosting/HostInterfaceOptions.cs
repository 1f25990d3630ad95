using System.Net;
using System.Net.NetworkInformation;
using Ginnel.Netstack;

namespace Ginnel;

/// <summary>An interface of a host.</summary>
public sealed class HostInterfaceOptions
{
    /// <summary>Name for messages and status.</summary>
    public string Name { get; init; } = "net0";

    /// <summary>Own addresses with their networks, which become reachable through the interface.</summary>
    public IReadOnlyList<InterfaceAddress> Addresses { get; init; } = [];

    /// <summary>What the link is expected to be until one is attached and says so itself.</summary>
    public LinkProperties Link { get; init; } = new(LinkMedium.Ip, 1500);

    /// <summary>The interface's Ethernet address, unicast; null for a random locally administered one. Without meaning on medium IP.</summary>
    public PhysicalAddress? Mac { get; init; }

    /// <summary>
    /// Whether packets to every address are taken: connections to anywhere are then offered by <see cref="NetworkHost.AcceptConnections"/>,
    /// sources of datagrams by <see cref="NetworkHost.AcceptPorts"/>, with their original destination.
    /// </summary>
    public bool AnyIp { get; init; }

    /// <summary>
    /// In any-IP mode: whether datagrams to own addresses are offered too where no port takes them, as connections are; otherwise they are refused.
    /// </summary>
    public bool AnyPort { get; init; }

    /// <summary>On Ethernet in any-IP mode: networks whose addresses are never claimed by ARP or neighbor discovery, the guest's own.</summary>
    public IReadOnlyList<IPNetwork> AnyIpExcept { get; init; } = [];

    /// <summary>Whether the link's other end lets this host reach its IPv4 loopback, 127.0.0.0/8, as Linux does with route_localnet.</summary>
    public bool PeerLoopback { get; init; }

    /// <summary>Whether the link carries to its other end's <c>::1</c>, for which Linux has no switch.</summary>
    public bool PeerLoopbackV6 { get; init; }

    /// <summary>Whether IPv6 is spoken.</summary>
    public bool IpV6 { get; init; } = true;

    /// <summary>
    /// Whether an IPv6 address on Ethernet is checked before it is used (RFC 4862 section 5.4), which takes one or two seconds after the
    /// link has come up: see <see cref="HostInterface.AddressStates"/>. Without meaning on medium IP.
    /// </summary>
    public DuplicateAddressDetection DuplicateAddressDetection { get; init; } = DuplicateAddressDetection.Standard;

    /// <summary>Whether an IPv4 address on Ethernet is probed for before it is used (RFC 5227), which takes four to seven seconds.</summary>
    public bool AddressConflictDetection { get; init; }

    /// <summary>
    /// Whether IPv6 routers of the link configure the interface: addresses (with stable opaque identifiers, RFC 7217), routes, MTU, hop limit,
    /// DNS servers. Off by default, for whoever is on the link can then say where packets go.
    /// </summary>
    public bool AcceptRouterAdvertisements { get; init; }

    /// <summary>What the interface tells its link as an IPv6 router, from the start; null for nothing. See <see cref="HostInterface.SetRouter"/>.</summary>
    public HostRouterOptions? Router { get; init; }
}
