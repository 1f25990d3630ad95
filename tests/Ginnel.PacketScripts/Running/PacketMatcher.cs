using System.Buffers.Binary;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// Holds what the stack sent against what the script expects. Several segments of the stack may together be one of the script: a script
/// writes what a kernel hands to its device, which cuts it.
/// </summary>
internal sealed class PacketMatcher(Profile profile, Flow flow)
{
    /// <summary>What is wrong; null when nothing is. Of joined segments the first stands for all.</summary>
    internal string? Compare(int line, IReadOnlyList<SeenPacket> packets, PacketAction expected)
    {
        SeenPacket first = packets[0];
        if (IpView.TryParse(first.Bytes, out IpView ip) != DropReason.None) return "the packet is no IP packet";
        string? wrong = expected switch
        {
            TcpAction tcp => CompareTcp(packets, tcp),
            UdpAction udp => CompareUdp(ip, udp),
            IcmpAction icmp => CompareIcmp(line, ip, icmp),
            _ => "the packet is of no known kind",
        };
        if (wrong is not null) return wrong;
        foreach (SeenPacket packet in packets)
        {
            if (IpView.TryParse(packet.Bytes, out ip) != DropReason.None) return "the packet is no IP packet";
            if (CompareMarks(ip, expected.Ip) is { } marks) return marks;
        }
        return null;
    }

    private string? CompareTcp(IReadOnlyList<SeenPacket> packets, TcpAction expected)
    {
        if (!packets[0].TryReadTcp(out IpView ip, out TcpHeader header, out TcpView view)) return $"the packet is {packets[0].Describe(flow)}, not TCP";
        if (!Checksum.Verify(ip.Source, ip.Destination, IpProtocol.Tcp, ip.Payload)) return "the checksum is wrong";
        TcpText text = expected.Segment;
        flow.Learn(header, text);
        string? flags = CompareFlags(packets, FlagText.Parse(text.Flags));
        if (flags is not null) return flags;
        uint sequence = flow.FromLocal(header.Sequence.Value);
        if (sequence != text.Sequence) return $"sequence is {sequence}, not {text.Sequence}";
        int length = packets.Sum(packet => packet.PayloadLength);
        if (length != text.Length) return $"length is {length}, not {text.Length}";
        if (Join(packets) is { } cut) return cut;
        uint acknowledgment = text.Acknowledgment ?? 0;
        if (header.Acknowledgment.Value != acknowledgment) return $"acknowledgment is {header.Acknowledgment}, not {acknowledgment}";
        if (text.Window is { } window && header.Window != window) return $"window is {header.Window}, not {window}";
        if (header.UrgentPointer != (text.Urgent ?? 0)) return $"urgent pointer is {header.UrgentPointer}, not {text.Urgent ?? 0}";
        return text.Options is { } options ? CompareOptions(header, OptionText.Read(view.Options), options) : null;
    }

    // PSH, FIN and CWR of joined segments stand on one of them; PSH there says only how a system cuts.
    private string? CompareFlags(IReadOnlyList<SeenPacket> packets, FlagText expected)
    {
        TcpFlags all = TcpFlags.None;
        bool accurate = false;
        foreach (SeenPacket packet in packets)
        {
            packet.TryReadTcp(out _, out _, out TcpView view);
            all |= view.Flags;
            accurate |= (view.Bytes[12] & 1) != 0;
        }
        var seen = new FlagText(all, accurate, false);
        // Other systems push at each write's end and at each burst's, though more is waiting; ours, where nothing more is. RFC 9293 section
        // 3.9.1.2 wants only the latter, so a push that the script has and the stack has not is none of the stack's faults.
        bool pushes = profile.System != SystemKind.Ginnel && packets[0].PayloadLength > 0 && (all & TcpFlags.Psh) == 0;
        TcpFlags ignored = packets.Count > 1 || pushes ? TcpFlags.Psh : TcpFlags.None;
        if ((all | ignored) == (expected.Flags | ignored) && accurate == expected.AccurateEcn) return null;
        return $"flags are {seen}, not {expected}";
    }

    // The segments that are joined have to lie behind each other and say the same.
    private static string? Join(IReadOnlyList<SeenPacket> packets)
    {
        packets[0].TryReadTcp(out _, out TcpHeader first, out TcpView view);
        SequenceNumber next = first.Sequence + view.Payload.Length;
        for (int i = 1; i < packets.Count; i++)
        {
            packets[i].TryReadTcp(out _, out TcpHeader header, out view);
            if (header.Sequence != next) return $"segment {i + 1} of those that are joined does not follow the one before";
            if (header.Acknowledgment != first.Acknowledgment) return $"segment {i + 1} of those that are joined acknowledges {header.Acknowledgment}, not {first.Acknowledgment}";
            next += view.Payload.Length;
        }
        return null;
    }

    private string? CompareOptions(in TcpHeader header, List<TcpOption> seen, IReadOnlyList<TcpOption> expected)
    {
        // The header's padding is no option that a script would write, though it may.
        List<TcpOption> wanted = [.. expected];
        Trim(wanted);
        Trim(seen);
        // An echo that the script leaves open is whatever it is.
        for (int i = 0; i < wanted.Count && i < seen.Count; i++)
        {
            if (wanted[i].Kind == OptionText.Timestamps && wanted[i].Values[1] == OptionText.Any && seen[i].Kind == OptionText.Timestamps) wanted[i] = seen[i];
        }
        string is_ = OptionText.Write(seen);
        string should = OptionText.Write(wanted);
        if (is_ != should) return $"options are <{is_}>, not <{should}>";
        if (profile.TimestampTick is not { } tick || !header.HasTimestamps) return null;
        uint value = expected.First(option => option.Kind == OptionText.Timestamps).Values[0];
        if (value == OptionText.Any) return null;
        long error = Math.Abs((long)(int)(flow.FromLocalTimestamp(header.TimestampValue) - value)) * tick;
        return error <= profile.Tolerance.TotalMicroseconds ? null : $"the timestamp is {flow.FromLocalTimestamp(header.TimestampValue)}, not {value}";
    }

    private static void Trim(List<TcpOption> options)
    {
        while (options.Count > 0 && options[^1].Kind == OptionText.EndOfList) options.RemoveAt(options.Count - 1);
    }

    private static string? CompareUdp(in IpView ip, UdpAction expected)
    {
        if (ip.Protocol != IpProtocol.Udp || UdpView.TryParse(ip.Payload, out UdpView view) != DropReason.None) return $"the packet is {ip.Protocol}, not UDP";
        if (!view.IsChecksumValid(ip.Source, ip.Destination)) return "the checksum is wrong";
        return view.Payload.Length == expected.Length ? null : $"length is {view.Payload.Length}, not {expected.Length}";
    }

    private string? CompareIcmp(int line, in IpView ip, IcmpAction expected)
    {
        if (ip.Protocol is not (IpProtocol.Icmp or IpProtocol.IcmpV6)) return $"the packet is {ip.Protocol}, not ICMP";
        (byte type, byte code) = IcmpNames.Parse(line, expected, profile.IsV6);
        if (ip.Payload[0] != type || ip.Payload[1] != code) return $"ICMP type and code are {ip.Payload[0]} and {ip.Payload[1]}, not {type} and {code}";
        uint rest = BinaryPrimitives.ReadUInt32BigEndian(ip.Payload[4..]);
        if (expected.Mtu is { } mtu && rest != (uint)mtu) return $"the MTU is {rest}, not {mtu}";
        return expected.Identifier is { } identifier && rest >> 16 != identifier ? $"the identifier is {rest >> 16}, not {identifier}" : null;
    }

    private string? CompareMarks(in IpView ip, IpMarks marks)
    {
        int ecn = ip.TrafficClass & 3;
        if (marks.Ecn == IpMarks.EitherEct && ecn is not (1 or 2)) return $"the ECN bits are {ecn}, not 1 or 2";
        if (marks.Ecn is { } wanted and < IpMarks.EitherEct && ecn != wanted) return $"the ECN bits are {ecn}, not {wanted}";
        if (marks.Tos is { } tos && ip.TrafficClass != tos) return $"the traffic class is 0x{ip.TrafficClass:x}, not 0x{tos:x}";
        if (marks.HopLimit is { } hops && ip.HopLimit != hops) return $"the hop limit is {ip.HopLimit}, not {hops}";
        if (marks.FlowLabel is not { } label || ip.IsV4) return null;
        return flow.CompareLabel(label, BinaryPrimitives.ReadUInt32BigEndian(ip.Bytes) & 0xFFFFF);
    }
}
