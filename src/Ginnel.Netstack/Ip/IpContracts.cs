using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>A packet on its way up: IP has been understood, reassembled and judged; the transport header has not been read.</summary>
internal readonly ref struct ReceivedPacket
{
    internal required NetworkInterface Interface { get; init; }
    internal required IpAddress Source { get; init; }
    internal required IpAddress Destination { get; init; }
    internal required IpProtocol Protocol { get; init; }
    internal required byte HopLimit { get; init; }

    /// <summary>The two ECN bits of the traffic class.</summary>
    internal EcnCodepoint Ecn { get; init; }

    /// <summary>Whether the destination is an address of ours (false: taken in any-IP mode).</summary>
    internal bool IsForOwnAddress { get; init; }

    /// <summary>Whether the destination is a broadcast or multicast address: TCP ignores it, and no ICMP error answers it.</summary>
    internal bool IsBroadcast { get; init; }

    /// <summary>The whole IP packet, to be quoted in an ICMP error.</summary>
    internal required ReadOnlySpan<byte> IpBytes { get; init; }

    /// <summary>Transport header and payload, exactly.</summary>
    internal required ReadOnlySpan<byte> Transport { get; init; }

    internal Segmentation Segmentation { get; init; }
    internal ChecksumState Checksum { get; init; }
}

/// <summary>Where a packet to a destination leaves.</summary>
/// <param name="Interface">The interface; the stack's internal one for own addresses.</param>
/// <param name="NextHop">The neighbor: gateway or destination.</param>
/// <param name="Source">The source address to use.</param>
/// <param name="PathMtu">Longest IP packet towards the destination, as known.</param>
internal readonly record struct RouteDecision(NetworkInterface Interface, IpAddress NextHop, IpAddress Source, int PathMtu);

/// <summary>What IP needs to send a transport packet.</summary>
/// <param name="Source">Source address.</param>
/// <param name="Destination">Destination address.</param>
/// <param name="Protocol">What is in the packet.</param>
/// <param name="HopLimit">0 for the stack's.</param>
/// <param name="DontFragment">IPv4: set DF; IPv6 packets beyond the MTU are then dropped instead of fragmented.</param>
/// <param name="Ecn">The two ECN bits.</param>
/// <param name="LinkDestination">On Ethernet: the station; zero to resolve the next hop.</param>
/// <param name="TrafficClass">The differentiated services field, in the upper six bits; the others are <paramref name="Ecn"/>.</param>
/// <param name="FlowLabel">IPv6: the flow's label (RFC 6437).</param>
/// <param name="SummedLength">How many bytes at the end were summed already while they were copied.</param>
/// <param name="Sum">Their sum (RFC 1071).</param>
internal readonly record struct IpSend(
    IpAddress Source, IpAddress Destination, IpProtocol Protocol, byte HopLimit = 0, bool DontFragment = true, EcnCodepoint Ecn = EcnCodepoint.NotEct,
    MacAddress LinkDestination = default, byte TrafficClass = 0, uint FlowLabel = 0, int SummedLength = 0, ulong Sum = 0)
{
    /// <summary>The octet of the header: differentiated services (RFC 2474) and ECN (RFC 3168).</summary>
    internal byte ServiceOctet => (byte)(TrafficClass & 0xFC | (int)Ecn);
}

/// <summary>An ICMP error about a flow of ours, already checked to quote us as the sender.</summary>
/// <param name="Flow">The flow, local end ours.</param>
/// <param name="Failure">What it says.</param>
/// <param name="Mtu">With <see cref="NetworkFailure.PacketTooBig"/> the next hop's MTU, already floored.</param>
/// <param name="TransportStart">The first 4 bytes behind the quoted ports: TCP's sequence number (RFC 5927 section 4).</param>
/// <param name="Interface">Where the error came in.</param>
internal readonly record struct IcmpError(FlowKey Flow, NetworkFailure Failure, int Mtu, uint TransportStart,
    InterfaceId Interface = default);
