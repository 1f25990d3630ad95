using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// Waits for a packet that the script expects. Where the script's segment is longer than the stack's, those that follow are joined to it.
/// </summary>
internal sealed class Expectation(StackUnderTest subject, Profile profile, FlowsUnderTest flows, Func<TimeSpan, bool> step, bool strict)
{
    /// <summary>Waits until the packet has come; the first time <paramref name="from"/> and the last <paramref name="to"/> at which it may.</summary>
    internal void Meet(ScriptEvent expected, TimeSpan from, TimeSpan to, TimeSpan tolerance)
    {
        var action = (PacketAction)expected.Action;
        Flow flow = flows.For(action);
        bool any = expected.Time.Kind == TimeKind.Any;
        TimeSpan limit = any ? subject.Elapsed + TimeSpan.FromHours(3) : to + tolerance;
        List<SeenPacket> packets = [];
        int wanted = action is TcpAction tcp ? tcp.Segment.Length : 0;
        do
        {
            if (Next(action, flow, limit) is not { } packet) break;
            packets.Add(packet);
        }
        while (packets[^1].PayloadLength > 0 && packets.Sum(each => each.PayloadLength) < wanted && FollowsOn(packets[^1], limit));
        if (packets.Count == 0) throw new ScriptException(expected.Line, $"nothing was sent until {Seconds(limit)}");
        if (new PacketMatcher(profile, flow).Compare(expected.Line, packets, action) is { } difference)
            throw new ScriptException(expected.Line, $"{difference}; at {Seconds(packets[0].At)} the stack sent {Describe(packets, flow)}");
        if (any || (packets[0].At >= from - tolerance && packets[^1].At <= to + tolerance)) return;
        string when = from == to ? $"at {Seconds(from)}" : $"from {Seconds(from)} to {Seconds(to)}";
        throw new ScriptException(expected.Line, $"was sent at {Seconds(packets[0].At)}, not {when}: {Describe(packets, flow)}");
    }

    private SeenPacket? Next(PacketAction action, Flow flow, TimeSpan limit)
    {
        Ports? ports = (action as TcpAction)?.Ports ?? (action as UdpAction)?.Ports;
        while (true)
        {
            while (subject.SeenCount == 0)
            {
                if (!step(limit) && subject.SeenCount == 0) return null;
            }
            subject.TryTakeSeen(out SeenPacket packet);
            // ICMP is no part of a connection: only who wants to see all of it has to expect it.
            bool aside = !strict && action is TcpAction && (packet.Protocol is IpProtocol.Icmp or IpProtocol.IcmpV6);
            if (!aside && !packet.IsHousekeeping && packet.BelongsTo(flow, ports)) return packet;
        }
    }

    // The rest of a segment that was cut is sent together with its beginning; what comes later is another one.
    private bool FollowsOn(SeenPacket last, TimeSpan limit)
    {
        while (subject.SeenCount == 0 && subject.Elapsed < limit && subject.Elapsed == last.At && step(last.At)) { }
        return subject.TryPeekSeen(out SeenPacket next) && next.PayloadLength > 0 && next.At - last.At <= profile.Tolerance;
    }

    private static string Describe(List<SeenPacket> packets, Flow flow) =>
        packets.Count == 1 ? packets[0].Describe(flow) : $"{packets.Count} segments from {packets[0].Describe(flow)} to {packets[^1].Describe(flow)}";

    internal static string Seconds(TimeSpan time) => time.TotalSeconds.ToString("0.000000", System.Globalization.CultureInfo.InvariantCulture) + " s";
}
