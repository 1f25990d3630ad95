namespace Ginnel.Wire;

/// <summary>Message types of ICMP for IPv4 (RFC 792) that Ginnel knows.</summary>
public enum IcmpType : byte
{
    /// <summary>Answer to an echo request.</summary>
    EchoReply = 0,
    /// <summary>The destination cannot be reached; the code says why.</summary>
    DestinationUnreachable = 3,
    /// <summary>Deprecated and ignored (RFC 6633).</summary>
    SourceQuench = 4,
    /// <summary>A better first hop.</summary>
    Redirect = 5,
    /// <summary>Ping.</summary>
    EchoRequest = 8,
    /// <summary>The time to live, or the time for reassembly, ran out.</summary>
    TimeExceeded = 11,
    /// <summary>A header is wrong.</summary>
    ParameterProblem = 12,
    /// <summary>Request for a time stamp.</summary>
    TimestampRequest = 13,
}

/// <summary>Codes of <see cref="IcmpType.DestinationUnreachable"/> (RFC 792, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1).</summary>
public enum IcmpUnreachableCode : byte
{
    /// <summary>No route to the network.</summary>
    Network = 0,
    /// <summary>The host does not answer.</summary>
    Host = 1,
    /// <summary>The host does not speak the protocol.</summary>
    Protocol = 2,
    /// <summary>No one listens on the port.</summary>
    Port = 3,
    /// <summary>The packet is too big and may not be fragmented; carries the next hop's MTU (RFC 1191).</summary>
    FragmentationNeeded = 4,
    /// <summary>A source route failed.</summary>
    SourceRouteFailed = 5,
    /// <summary>The network is unknown.</summary>
    NetworkUnknown = 6,
    /// <summary>The host is unknown.</summary>
    HostUnknown = 7,
    /// <summary>The network is prohibited.</summary>
    NetworkProhibited = 9,
    /// <summary>The host is prohibited.</summary>
    HostProhibited = 10,
    /// <summary>Communication is prohibited by a filter.</summary>
    AdministrativelyProhibited = 13,
}

/// <summary>Message types of ICMPv6 (RFC 4443, RFC 4861) that Ginnel knows. Below 128 they are errors.</summary>
public enum IcmpV6Type : byte
{
    /// <summary>The destination cannot be reached; the code says why.</summary>
    DestinationUnreachable = 1,
    /// <summary>The packet is too big; carries the next hop's MTU.</summary>
    PacketTooBig = 2,
    /// <summary>The hop limit, or the time for reassembly, ran out.</summary>
    TimeExceeded = 3,
    /// <summary>A header is wrong.</summary>
    ParameterProblem = 4,
    /// <summary>Ping.</summary>
    EchoRequest = 128,
    /// <summary>Answer to an echo request.</summary>
    EchoReply = 129,
    /// <summary>Multicast listener query (RFC 2710, RFC 3810).</summary>
    MulticastListenerQuery = 130,
    /// <summary>Multicast listener report (RFC 2710).</summary>
    MulticastListenerReport = 131,
    /// <summary>Multicast listener done (RFC 2710).</summary>
    MulticastListenerDone = 132,
    /// <summary>A host asks for routers.</summary>
    RouterSolicitation = 133,
    /// <summary>A router tells of itself and of prefixes.</summary>
    RouterAdvertisement = 134,
    /// <summary>Who has the target address?</summary>
    NeighborSolicitation = 135,
    /// <summary>I have the target address.</summary>
    NeighborAdvertisement = 136,
    /// <summary>A better first hop.</summary>
    Redirect = 137,
    /// <summary>Multicast listener report, version 2 (RFC 3810).</summary>
    MulticastListenerReportV2 = 143,
}

/// <summary>Codes of <see cref="IcmpV6Type.DestinationUnreachable"/> (RFC 4443 section 3.1).</summary>
public enum IcmpV6UnreachableCode : byte
{
    /// <summary>No route to the destination.</summary>
    NoRoute = 0,
    /// <summary>Communication is prohibited by a filter.</summary>
    AdministrativelyProhibited = 1,
    /// <summary>The destination is beyond the scope of the source address.</summary>
    BeyondScope = 2,
    /// <summary>The address does not answer.</summary>
    Address = 3,
    /// <summary>No one listens on the port.</summary>
    Port = 4,
    /// <summary>The source address fails an ingress or egress policy.</summary>
    SourcePolicy = 5,
    /// <summary>The route rejects the destination.</summary>
    RouteRejected = 6,
}

/// <summary>Codes of a Time Exceeded message, the same in both families.</summary>
public enum TimeExceededCode : byte
{
    /// <summary>The hop limit reached zero in transit.</summary>
    HopLimit = 0,
    /// <summary>Fragments were missing when the reassembly time ran out.</summary>
    Reassembly = 1,
}
