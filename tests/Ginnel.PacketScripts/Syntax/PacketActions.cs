namespace Ginnel.PacketScripts.Syntax;

/// <summary>A packet, injected (<c>&lt;</c>) or expected (<c>&gt;</c>).</summary>
/// <param name="IsInbound">Whether it goes to the stack.</param>
/// <param name="Ip">What the script says of the IP header.</param>
internal abstract record PacketAction(bool IsInbound, IpMarks Ip) : ScriptAction;

/// <summary>A TCP segment.</summary>
internal sealed record TcpAction(bool IsInbound, IpMarks Ip, Ports? Ports, TcpText Segment) : PacketAction(IsInbound, Ip);

/// <summary>A UDP datagram.</summary>
internal sealed record UdpAction(bool IsInbound, IpMarks Ip, Ports? Ports, int Length) : PacketAction(IsInbound, Ip);

/// <summary>An ICMP message: an error that quotes a packet, or an echo.</summary>
/// <param name="IsInbound">Whether it goes to the stack.</param>
/// <param name="Ip">What the script says of the IP header.</param>
/// <param name="Type">The type's name.</param>
/// <param name="Code">The code's name, where there is one.</param>
/// <param name="Mtu">Behind <c>mtu</c>.</param>
/// <param name="Identifier">Behind <c>id</c>.</param>
/// <param name="Quoted">The packet that an error quotes.</param>
internal sealed record IcmpAction(bool IsInbound, IpMarks Ip, string Type, string? Code, int? Mtu, int? Identifier, QuotedText? Quoted)
    : PacketAction(IsInbound, Ip);

/// <summary>What an ICMP error quotes: the sequence numbers of a segment, or the size of a datagram, or of anything (raw).</summary>
internal sealed record QuotedText(QuotedKind Kind, uint Sequence, int Length);

internal enum QuotedKind { Tcp, Udp, Raw }

/// <summary>Ports that the script names itself.</summary>
internal sealed record Ports(ushort Source, ushort Destination);

/// <summary>Marks of the IP header; null is not said.</summary>
/// <param name="Ecn">The two ECN bits; <see cref="EitherEct"/> for <c>ect01</c>.</param>
/// <param name="Tos">The whole octet.</param>
/// <param name="FlowLabel">IPv6's flow label, a name for "the same as before".</param>
/// <param name="HopLimit">TTL or hop limit.</param>
internal sealed record IpMarks(int? Ecn, int? Tos, uint? FlowLabel, int? HopLimit)
{
    internal const int EitherEct = 12;

    internal static IpMarks None { get; } = new(null, null, null, null);
}

/// <summary>A segment as written.</summary>
/// <param name="Flags">Letters of <c>FSRPEWUA</c> and a dot for ACK; digits are the ACE counter of accurate ECN.</param>
/// <param name="Sequence">First number, relative to the direction's first.</param>
/// <param name="Length">Payload octets.</param>
/// <param name="Acknowledgment">Behind <c>ack</c>.</param>
/// <param name="Window">Behind <c>win</c>; unscaled as on the wire.</param>
/// <param name="Urgent">Behind <c>urg</c>.</param>
/// <param name="Options">In order; null for <c>&lt;...&gt;</c>, which matches all; empty when none are written.</param>
internal sealed record TcpText(
    string Flags, uint Sequence, int Length, uint? Acknowledgment, int? Window, int? Urgent, IReadOnlyList<TcpOption>? Options);

/// <summary>One option: its kind and its numbers (a SACK option has two for each block), or its octets.</summary>
internal sealed record TcpOption(byte Kind, IReadOnlyList<uint> Values, byte[]? Octets = null);
