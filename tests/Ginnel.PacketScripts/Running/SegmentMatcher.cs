using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>Holds a packet of the stack against what the script expects, and writes packets as scripts do.</summary>
internal sealed class SegmentMatcher(NumberMap numbers)
{
    /// <summary>What is wrong with the packet; null when nothing is.</summary>
    internal string? Compare(SeenPacket packet, ScriptAction expected)
    {
        if (IpView.TryParse(packet.Bytes, out IpView ip) != DropReason.None) return "the packet is no IP packet";
        if (expected is IcmpAction icmp) return CompareIcmp(ip, icmp);
        if (ip.Protocol != IpProtocol.Tcp) return $"the packet is {ip.Protocol}, not TCP";
        if (TcpView.TryParse(ip.Payload, out TcpView view) != DropReason.None || TcpHeader.Read(view, out TcpHeader header) != DropReason.None)
            return "the packet is no TCP segment";
        if (!Checksum.Verify(ip.Source, ip.Destination, IpProtocol.Tcp, ip.Payload)) return "the checksum is wrong";
        TcpText text = ((TcpAction)expected).Segment;
        numbers.Learn(header, text);
        return CompareTcp(header, view, text);
    }

    private string? CompareTcp(in TcpHeader header, in TcpView view, TcpText text)
    {
        TcpFlags flags = SegmentBuilder.Flags(text.Flags);
        if (header.Flags != flags) return $"flags are {header.Flags}, not {flags}";
        if (numbers.FromLocal(header.Sequence.Value) != text.Sequence) return $"sequence is {numbers.FromLocal(header.Sequence.Value)}, not {text.Sequence}";
        if (view.Payload.Length != text.Length) return $"length is {view.Payload.Length}, not {text.Length}";
        if (text.Acknowledgment is { } acknowledgment && header.Acknowledgment.Value != acknowledgment)
            return $"acknowledgment is {header.Acknowledgment}, not {acknowledgment}";
        if (text.Window is { } window && header.Window != window) return $"window is {header.Window}, not {window}";
        if (text.Options is not { } options) return null;
        string seen = Options(view.Options);
        string wanted = string.Join(',', options.Select(Written));
        return seen == wanted ? null : $"options are <{seen}>, not <{wanted}>";
    }

    private static string? CompareIcmp(in IpView ip, IcmpAction icmp) => ip.Protocol switch
    {
        IpProtocol.Icmp or IpProtocol.IcmpV6 => icmp.Type is "unreachable" && ip.Payload[0] is 3 or 1 ? null : $"ICMP type is {ip.Payload[0]}",
        _ => $"the packet is {ip.Protocol}, not ICMP",
    };

    /// <summary>The packet in the script's notation, for messages.</summary>
    internal string Describe(SeenPacket packet)
    {
        if (IpView.TryParse(packet.Bytes, out IpView ip) != DropReason.None) return "no IP packet";
        if (ip.Protocol != IpProtocol.Tcp || TcpView.TryParse(ip.Payload, out TcpView view) != DropReason.None) return ip.Protocol.ToString();
        uint sequence = numbers.FromLocal(view.Sequence.Value);
        string flags = $"{Letter(view, TcpFlags.Syn, "S")}{Letter(view, TcpFlags.Fin, "F")}{Letter(view, TcpFlags.Rst, "R")}{Letter(view, TcpFlags.Psh, "P")}{Letter(view, TcpFlags.Ack, ".")}";
        return $"{flags} {sequence}:{sequence + (uint)view.Payload.Length}({view.Payload.Length}) ack {view.Acknowledgment} win {view.Window} <{Options(view.Options)}>";
    }

    private static string Letter(in TcpView view, TcpFlags flag, string letter) => (view.Flags & flag) != 0 ? letter : "";

    // Timestamps are compared by their echo: what our clock says is not the script's to know.
    private static string Written(TcpOption option) => option.Name switch
    {
        "TS" => $"TS ecr {option.Values[1]}",
        "sack" => "sack " + string.Join(' ', option.Values.Chunk(2).Select(block => $"{block[0]}:{block[1]}")),
        _ => option.Values.Count == 0 ? option.Name : $"{option.Name} {option.Values[0]}",
    };

    private static string Options(ReadOnlySpan<byte> bytes)
    {
        List<string> names = [];
        while (!bytes.IsEmpty)
        {
            int length = bytes[0] <= 1 ? 1 : bytes[1];
            names.Add(Name(bytes[..length]));
            bytes = bytes[length..];
        }
        return string.Join(',', names);
    }

    private static string Name(ReadOnlySpan<byte> option) => option[0] switch
    {
        0 => "eol",
        1 => "nop",
        2 => $"mss {option[2] << 8 | option[3]}",
        3 => $"wscale {option[2]}",
        4 => "sackOK",
        5 => "sack " + Blocks(option[2..]),
        8 => $"TS ecr {Number(option[6..])}",
        _ => $"kind {option[0]}",
    };

    private static string Blocks(ReadOnlySpan<byte> edges)
    {
        List<string> blocks = [];
        for (int i = 0; i < edges.Length; i += 8) blocks.Add($"{Number(edges[i..])}:{Number(edges[(i + 4)..])}");
        return string.Join(' ', blocks);
    }

    private static uint Number(ReadOnlySpan<byte> bytes) => System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
}

/// <summary>A packet that the stack sent, and when.</summary>
internal sealed record SeenPacket(TimeSpan At, byte[] Bytes);
