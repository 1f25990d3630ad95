using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Testing;

/// <summary>What must hold of every stack after every step, and of every packet that one sends.</summary>
internal sealed class InvariantChecks(SimulatedNetwork network)
{
    private readonly TcpInspector _inspector = new();

    /// <summary>A packet leaves a host: it must fit its link, be well formed and break no rule of TCP.</summary>
    internal void OnSent(Packet packet, LinkEnd end)
    {
        SimulatedLinkOptions link = end.Outgoing.Options;
        int ipOffset = LinkDirection.IpOffset(link);
        network.Tap?.Invoke(end.Host.Name, packet.Span);
        string? wrong = JudgeFit(packet, link, ipOffset);
        if (CarriesIp(packet.Span, ipOffset)) wrong ??= JudgeChecksum(packet, link, ipOffset) ?? JudgeContent(packet, end.Host, ipOffset);
        if (wrong is not null) throw network.Failure($"{end.Host.Name} sent {wrong}");
    }

    /// <summary>Everything has come to rest at this instant.</summary>
    internal void AfterStep(Instant now)
    {
        foreach (SimulatedHost host in network.Hosts)
        {
            CheckStack(host);
            foreach (SocketId id in host.Owned)
            {
                if (host.Stack.TryGetInfo(id, out TcpInfo info)) CheckConnection(host, info, now);
            }
        }
    }

    private void CheckStack(SimulatedHost host)
    {
        NetworkStack stack = host.Stack;
        if (stack.MemoryInUse < 0) throw network.Failure($"{host.Name} holds {stack.MemoryInUse} bytes");
        if (stack.MemoryInUse > stack.MemoryLimit) throw network.Failure($"{host.Name} holds {stack.MemoryInUse} bytes, above its limit of {stack.MemoryLimit}");
        if (stack.SocketCount > host.Options.MaxSockets) throw network.Failure($"{host.Name} has {stack.SocketCount} sockets, above its limit of {host.Options.MaxSockets}");
    }

    private void CheckConnection(SimulatedHost host, in TcpInfo info, Instant now)
    {
        TcpOptions tcp = host.Options.Tcp;
        string? wrong = info switch
        {
            _ when info.BytesInFlight < 0 || info.SendQueued < 0 || info.ReceiveQueued < 0 => "a negative number of bytes",
            _ when info.SendQueued > tcp.SendBuffer => $"{info.SendQueued} bytes to send, above its buffer of {tcp.SendBuffer}",
            _ when info.ReceiveQueued > tcp.ReceiveBuffer => $"{info.ReceiveQueued} bytes to read, above its buffer of {tcp.ReceiveBuffer}",
            _ when info.RetransmitTimeout > tcp.MaxRetransmitTimeout => $"a retransmission timeout of {info.RetransmitTimeout}",
            _ when IsSynchronised(info.State) && info.CongestionWindow < 1 => $"a congestion window of {info.CongestionWindow}",
            _ when IsSynchronised(info.State) && info.SendMss < 1 => $"a segment size of {info.SendMss}",
            // Data that nobody is to send again and no timer watches would stay for ever.
            _ when IsWaiting(info) && host.Stack.NextDeadline == Instant.Never && !HasOutput(host) => "data outstanding and no deadline",
            _ => null,
        };
        if (wrong is not null) throw network.Failure($"{host.Name} {info.Local} → {info.Remote} in {info.State} has {wrong} (at {now.Ticks})");
    }

    private static bool IsSynchronised(TcpState state) => state is >= TcpState.Established and not TcpState.TimeWait;

    private static bool IsWaiting(in TcpInfo info) => info.State is not (TcpState.Closed or TcpState.Pending) && (info.BytesInFlight > 0 || info.SendQueued > 0);

    private static bool HasOutput(SimulatedHost host)
    {
        foreach (LinkEnd end in host.Ends)
        {
            if (!end.Link.IsUp || host.Stack.HasOutput(end.Interface)) return true;
        }
        return false;
    }

    // Everything on a link of medium IP; on Ethernet what the type says, which ARP is not.
    private static bool CarriesIp(ReadOnlySpan<byte> bytes, int ipOffset) =>
        ipOffset == 0 || bytes is [_, _, _, _, _, _, _, _, _, _, _, _, 0x08, 0x00, ..] or [_, _, _, _, _, _, _, _, _, _, _, _, 0x86, 0xDD, ..];

    private static string? JudgeFit(Packet packet, SimulatedLinkOptions link, int ipOffset)
    {
        if (packet.Segmentation.Kind == SegmentationKind.None)
            return packet.Length - ipOffset > link.Mtu ? $"an IP packet of {packet.Length - ipOffset} bytes over an MTU of {link.Mtu}" : null;
        LinkOffloads needed = packet.Segmentation.Kind switch
        {
            SegmentationKind.TcpV4 => LinkOffloads.TcpV4Segmentation,
            SegmentationKind.TcpV6 => LinkOffloads.TcpV6Segmentation,
            _ => LinkOffloads.UdpSegmentation,
        };
        if ((link.Offloads & needed) == 0) return $"a super-segment of {packet.Segmentation.Kind} over a link that does not take it";
        DropReason reason = SegmentSplitter.Check(packet, ipOffset);
        return reason == DropReason.None ? null : $"a super-segment whose metadata are wrong: {reason}";
    }

    private static string? JudgeChecksum(Packet packet, SimulatedLinkOptions link, int ipOffset)
    {
        ChecksumState stated = packet.Checksum;
        if (stated == ChecksumState.Partial)
            return (link.Offloads & LinkOffloads.PartialChecksum) == 0 ? "a partial checksum over a link that does not take it" : null;
        packet.Checksum = ChecksumState.Unverified;
        DropReason reason = PacketChecksum.Verify(packet, ipOffset);
        packet.Checksum = stated;
        return reason == DropReason.None ? null : $"a packet that fails its own check: {reason}";
    }

    private string? JudgeContent(Packet packet, SimulatedHost host, int ipOffset)
    {
        DropReason reason = IpView.TryParse(packet.Span[ipOffset..], out IpView ip);
        if (reason != DropReason.None) return $"an IP packet that is malformed: {reason}";
        if (ip.Protocol != IpProtocol.Tcp || ip.IsFragment) return null;
        // What waited for a neighbor's address in vain was sent as far as TCP knows (RFC 1122 section 2.3.2.2), and never seen here.
        bool mayLeaveGaps = host.Stack.Counters.Drops(DropReason.NeighborQueueFull) > 0;
        return _inspector.Inspect(ip.Source, ip.Destination, ip.Payload, (EcnCodepoint)(ip.TrafficClass & 3), mayLeaveGaps);
    }
}
