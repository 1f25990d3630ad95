using System.Runtime.CompilerServices;

namespace Ginnel.Wire;

/// <summary>
/// Joins consecutive TCP segments, and UDP datagrams of one size, of a flow into super-segments, so that the stack does its work once
/// for many. Two packets join only if <see cref="SegmentSplitter"/> gives both back bit for bit; so PSH, FIN and short segments end a
/// super-segment, CWR begins one, and packets that differ in acknowledgment, window, options, TTL or ECN stay apart.
/// Nothing is held from one batch to the next. Not thread-safe.
/// </summary>
/// <param name="ipOffset">Where the IP header begins in each packet: 0, or 14 behind an Ethernet header.</param>
/// <param name="datagrams">Whether UDP is joined too.</param>
public sealed class SegmentCoalescer(int ipOffset, bool datagrams = false)
{
    private const int FlowLimit = 8;

    private readonly int _ipOffset = ipOffset;
    private readonly bool _datagrams = datagrams;
    private Flows _flows;
    private int _evictNext;

    /// <summary>Packets that have disappeared into others.</summary>
    public long Joined { get; private set; }

    /// <summary>
    /// Joins what can be joined. Order is kept within each flow, not between flows. Packets that cannot be understood stay as they
    /// are: to name their fault is the stack's part.
    /// </summary>
    public void Coalesce(ref PacketQueue batch)
    {
        if (batch.Count < 2) return;
        PacketQueue output = default;
        while (batch.Take() is { } packet) Take(packet, ref output);
        for (int i = 0; i < FlowLimit; i++) Release(i, ref output);
        batch = output;
    }

    private void Take(Packet packet, ref PacketQueue output)
    {
        bool isKnown = TransportLayout.Read(packet.Span, _ipOffset, out TransportLayout layout) == DropReason.None;
        int flow = isKnown ? Find(packet, layout) : -1;
        if (!isKnown || !IsCandidate(packet, layout))
        {
            if (flow >= 0) Release(flow, ref output);
            output.Add(packet);
            return;
        }
        if (flow >= 0 && _flows[flow].TryJoin(packet, layout))
        {
            packet.Return();
            Joined++;
            if (_flows[flow].IsClosed) Release(flow, ref output);
            return;
        }
        if (flow < 0) flow = FindFree();
        Release(flow, ref output);
        _flows[flow].Start(packet, layout);
        if (_flows[flow].IsClosed) Release(flow, ref output);
    }

    private int Find(Packet packet, in TransportLayout layout)
    {
        for (int i = 0; i < FlowLimit; i++)
            if (_flows[i].IsOccupied && _flows[i].IsSameFlow(packet.Span, layout)) return i;
        return -1;
    }

    private int FindFree()
    {
        for (int i = 0; i < FlowLimit; i++)
            if (!_flows[i].IsOccupied) return i;
        return _evictNext = (_evictNext + 1) % FlowLimit;
    }

    private void Release(int flow, ref PacketQueue output)
    {
        if (_flows[flow].IsOccupied) output.Add(_flows[flow].Release());
    }

    private bool IsCandidate(Packet packet, in TransportLayout layout)
    {
        if (packet.Segmentation.Kind != SegmentationKind.None || layout.PayloadLength == 0 || layout.HasSurplus) return false;
        ReadOnlySpan<byte> frame = packet.Span;
        bool hasPlainHeader = layout.TransportOffset - layout.IpOffset == (layout.IsV4 ? IpV4Header.MinimumSize : IpV6Header.Size);
        if (!hasPlainHeader) return false;
        if (layout.IsV4 && Checksum.Fold(Checksum.Sum(frame[layout.IpOffset..layout.TransportOffset])) != 0xFFFF) return false;
        if (layout.Protocol == IpProtocol.Udp) return _datagrams;
        const TcpFlags Ordinary = TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Fin | TcpFlags.Ece | TcpFlags.Cwr;
        if (layout.Protocol != IpProtocol.Tcp) return false;
        TcpFlags flags = (TcpFlags)frame[layout.TransportOffset + 13];
        return (flags & ~Ordinary) == 0 && (flags & TcpFlags.Ack) != 0;
    }

    [InlineArray(FlowLimit)]
    private struct Flows
    {
        private HeldSegment _first;
    }
}
