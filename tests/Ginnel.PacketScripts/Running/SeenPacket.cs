using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>A packet that the stack sent, and when.</summary>
internal sealed record SeenPacket(TimeSpan At, byte[] Bytes)
{
    /// <summary>What is in it; none when it is no IP packet.</summary>
    internal IpProtocol? Protocol => IpView.TryParse(Bytes, out IpView ip) == DropReason.None ? ip.Protocol : null;

    /// <summary>Octets of TCP data; zero where there is no TCP.</summary>
    internal int PayloadLength => TryReadTcp(out _, out _, out TcpView view) ? view.Payload.Length : 0;

    internal bool TryReadTcp(out IpView ip, out TcpHeader header, out TcpView view)
    {
        header = default;
        view = default;
        return IpView.TryParse(Bytes, out ip) == DropReason.None && ip.Protocol == IpProtocol.Tcp
            && TcpView.TryParse(ip.Payload, out view) == DropReason.None && TcpHeader.Read(view, out header) == DropReason.None;
    }

    /// <summary>Whether it is of this flow, as far as ports tell; ICMP always is.</summary>
    internal bool BelongsTo(Flow? flow, Ports? ports)
    {
        if (IpView.TryParse(Bytes, out IpView ip) != DropReason.None || ip.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp) || ip.Payload.Length < 4) return true;
        int source = ip.Payload[0] << 8 | ip.Payload[1];
        int destination = ip.Payload[2] << 8 | ip.Payload[3];
        if (ports is not null) return source == ports.Source && destination == ports.Destination;
        return flow is null || (flow.Protocol == ip.Protocol && destination == flow.RemotePort && (flow.LocalPort == 0 || source == flow.LocalPort));
    }

    /// <summary>Neighbor discovery and the like, which scripts do not speak of: types 130 to 143 of ICMPv6.</summary>
    internal bool IsHousekeeping =>
        IpView.TryParse(Bytes, out IpView ip) == DropReason.None && ip.Protocol == IpProtocol.IcmpV6 && ip.Payload.Length > 0 && ip.Payload[0] is >= 130 and <= 143;

    /// <summary>The packet in the script's notation, for messages.</summary>
    internal string Describe(Flow? flow)
    {
        if (TryReadTcp(out _, out _, out TcpView view))
        {
            uint sequence = flow?.FromLocal(view.Sequence.Value) ?? view.Sequence.Value;
            var flags = new FlagText(view.Flags, (view.Bytes[12] & 1) != 0, false);
            return $"{flags} {sequence}:{sequence + (uint)view.Payload.Length}({view.Payload.Length}) ack {view.Acknowledgment} win {view.Window}"
                + $" <{OptionText.Write(OptionText.Read(view.Options))}>";
        }
        if (IpView.TryParse(Bytes, out IpView ip) != DropReason.None) return "no IP packet";
        return ip.Protocol switch
        {
            IpProtocol.Udp when ip.Payload.Length >= UdpHeader.Size => $"udp ({ip.Payload.Length - UdpHeader.Size})",
            IpProtocol.Icmp or IpProtocol.IcmpV6 when ip.Payload.Length >= 2 => $"icmp type_{ip.Payload[0]} code_{ip.Payload[1]}",
            _ => ip.Protocol.ToString(),
        };
    }
}
