using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>A datagram port as it is bound.</summary>
public sealed class DatagramPortOptions
{
    /// <summary>UDP, or ICMP/ICMPv6 echo with the identifier as port.</summary>
    public IpProtocol Protocol { get; init; } = IpProtocol.Udp;

    /// <summary>
    /// Where it is bound; address unspecified means all of that family (<see cref="DualStack"/>: of both), port 0 an ephemeral one.
    /// </summary>
    public IpEndpoint Local { get; init; }

    /// <summary>Whether an unspecified IPv6 address means both families.</summary>
    public bool DualStack { get; init; } = true;

    /// <summary>Only this interface; none for any. DHCP needs it.</summary>
    public InterfaceId Interface { get; init; }

    /// <summary>Whether broadcast may be sent and is received.</summary>
    public bool Broadcast { get; init; }

    /// <summary>Differentiated services of what is sent: the upper six bits of the traffic class; the lower two are ignored.</summary>
    public byte TrafficClass { get; init; }

    /// <summary>
    /// Bytes of datagrams that may wait to be received, 0–2³⁰; null for <see cref="StackOptions.DatagramReceiveBuffer"/>. What comes beyond is
    /// dropped (<see cref="DropReason.ReceiveBufferFull"/>).
    /// </summary>
    public int? ReceiveBuffer { get; init; }

    /// <summary>Whether datagrams carry DF and "too big" comes back as an error item instead of fragmentation.</summary>
    public bool DontFragment { get; init; }
}

/// <summary>What is sent beside the payload.</summary>
/// <param name="Destination">The target.</param>
/// <param name="Source">The source; default for the port's own. A port accepted in any-IP mode names the endpoint that it answers
/// for.</param>
/// <param name="HopLimit">0 for the stack's.</param>
/// <param name="LinkDestination">On Ethernet, the station to send to without asking for it; zero to resolve. DHCP needs it.</param>
/// <param name="SegmentSize">When above 0 the payload is as many datagrams of this size (the last may be shorter).</param>
/// <param name="EchoRequest">For ICMP ports: whether to send a request (true) or a reply.</param>
/// <param name="EchoSequence">For ICMP ports: the sequence number.</param>
public readonly record struct DatagramSend(
    IpEndpoint Destination, IpEndpoint Source = default, byte HopLimit = 0, MacAddress LinkDestination = default,
    int SegmentSize = 0, bool EchoRequest = true, ushort EchoSequence = 0);

/// <summary>What was received beside the payload: a datagram, or an error about an earlier one.</summary>
/// <param name="Length">Payload bytes copied.</param>
/// <param name="Source">The sender; for an error item our own source.</param>
/// <param name="Destination">Where it was sent; in any-IP mode the original destination. For an error item the target that failed.</param>
/// <param name="Interface">Where it came in; none if from the stack itself.</param>
/// <param name="HopLimit">Hop limit on arrival.</param>
/// <param name="Failure">None for a datagram.</param>
/// <param name="Mtu">With <see cref="NetworkFailure.PacketTooBig"/>: the path's MTU.</param>
/// <param name="EchoRequest">For ICMP ports: request or reply.</param>
/// <param name="EchoSequence">For ICMP ports: the sequence number.</param>
/// <param name="Truncated">Whether the buffer was too short; the rest of the datagram is lost.</param>
public readonly record struct ReceivedDatagram(
    int Length, IpEndpoint Source, IpEndpoint Destination, InterfaceId Interface, byte HopLimit,
    NetworkFailure Failure = NetworkFailure.None, int Mtu = 0, bool EchoRequest = false, ushort EchoSequence = 0, bool Truncated = false);
