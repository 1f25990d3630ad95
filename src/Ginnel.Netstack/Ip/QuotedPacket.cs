using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>Whom a packet of ours concerned, read from as much of it as an ICMP error quotes.</summary>
/// <param name="Flow">Its flow; the local end is its source.</param>
/// <param name="TotalLength">Bytes that it had.</param>
/// <param name="TransportStart">The first four bytes behind the ports: TCP's sequence number.</param>
internal readonly record struct QuotedPacket(FlowKey Flow, int TotalLength, uint TransportStart)
{
    /// <summary>Reads the quote; false if it has no ports, which only a first fragment does, or is of no transport of ours.</summary>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, bool v4, out QuotedPacket quoted)
    {
        quoted = default;
        if (v4)
        {
            return IpV4View.TryParseQuoted(bytes, out IpV4View view) == DropReason.None && view.FragmentOffset == 0
                && TryRead(view.Protocol, view.Source, view.Destination, view.Payload, view.TotalLength, out quoted);
        }
        return IpV6View.TryParseQuoted(bytes, out IpV6View view6) == DropReason.None && view6.FragmentOffset == 0
            && TryRead(view6.Protocol, view6.Source, view6.Destination, view6.Payload, view6.TotalLength, out quoted);
    }

    private static bool TryRead(
        IpProtocol protocol, IpAddress source, IpAddress destination, ReadOnlySpan<byte> transport, int totalLength,
        out QuotedPacket quoted)
    {
        quoted = default;
        // Eight bytes are what every error must quote (RFC 792); they hold the ports and TCP's sequence number.
        if (transport.Length < 8 || !TryReadPorts(protocol, source.IsV4, transport, out ushort local, out ushort remote)) return false;
        FlowKey flow = new(protocol, new IpEndpoint(source, local), new IpEndpoint(destination, remote));
        quoted = new QuotedPacket(flow, totalLength, BinaryPrimitives.ReadUInt32BigEndian(transport[4..]));
        return true;
    }

    private static bool TryReadPorts(IpProtocol protocol, bool v4, ReadOnlySpan<byte> transport, out ushort local, out ushort remote)
    {
        local = remote = 0;
        if (protocol is IpProtocol.Tcp or IpProtocol.Udp)
        {
            local = BinaryPrimitives.ReadUInt16BigEndian(transport);
            remote = BinaryPrimitives.ReadUInt16BigEndian(transport[2..]);
            return true;
        }
        if (protocol != (v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6)) return false;
        bool isEcho = v4
            ? (IcmpType)transport[0] is IcmpType.EchoRequest or IcmpType.EchoReply
            : (IcmpV6Type)transport[0] is IcmpV6Type.EchoRequest or IcmpV6Type.EchoReply;
        local = remote = BinaryPrimitives.ReadUInt16BigEndian(transport[4..]);
        return isEcho;
    }
}
