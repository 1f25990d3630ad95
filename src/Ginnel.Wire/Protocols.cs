namespace Ginnel.Wire;

/// <summary>The protocol numbers that Ginnel knows (IANA registry "Protocol Numbers"); others pass as their number.</summary>
public enum IpProtocol : byte
{
    /// <summary>IPv6 hop-by-hop options.</summary>
    HopByHop = 0,
    /// <summary>ICMP for IPv4.</summary>
    Icmp = 1,
    /// <summary>TCP.</summary>
    Tcp = 6,
    /// <summary>UDP.</summary>
    Udp = 17,
    /// <summary>IPv6 routing header.</summary>
    Routing = 43,
    /// <summary>IPv6 fragment header.</summary>
    Fragment = 44,
    /// <summary>ICMP for IPv6.</summary>
    IcmpV6 = 58,
    /// <summary>IPv6 no next header.</summary>
    NoNextHeader = 59,
    /// <summary>IPv6 destination options.</summary>
    DestinationOptions = 60,
}

/// <summary>What an Ethernet frame carries.</summary>
public enum EtherType : ushort
{
    /// <summary>IPv4.</summary>
    IpV4 = 0x0800,
    /// <summary>ARP.</summary>
    Arp = 0x0806,
    /// <summary>IEEE 802.1Q tag.</summary>
    Vlan = 0x8100,
    /// <summary>IPv6.</summary>
    IpV6 = 0x86DD,
    /// <summary>IEEE 802.1ad tag.</summary>
    ServiceVlan = 0x88A8,
}
