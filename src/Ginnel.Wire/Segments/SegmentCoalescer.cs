using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Ginnel.Wire;

/// <summary>
/// Joins consecutive TCP segments, and UDP datagrams of one size, of a flow into super-segments, so that the stack does its work once
/// for many. Two packets join only if <see cref="SegmentSplitter"/> gives both back bit for bit; so PSH, FIN and short segments end a
/// super-segment, CWR begins one, and packets that differ in acknowledgment, window, options, TTL or ECN stay apart.
/// Nothing is to be held from one batch to the next: what waits for a successor that does not come would only be late. Not thread-safe.
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
    /// Joins what can be joined of a batch. Order is kept within each flow, not between flows. Packets that cannot be understood stay
    /// as they are: to name their fault is the stack's part.
    /// </summary>
    public void Coalesce(ref PacketQueue batch)
    {
        if (batch.Count < 2) return;
        PacketQueue output = default;
        while (batch.Take() is { } packet)
        {
            if (TryPlace(packet.Span, packet.Checksum, packet.Segmentation, ref output, out int flow, out TransportLayout layout)) packet.Return();
            else Keep(packet, flow, layout, ref output);
        }
        Flush(ref output);
        batch = output;
    }

    /// <summary>
    /// Adds a packet that still stands in the buffer that it was read into. What continues a packet that came before costs one copy and
    /// no slab. What is finished goes to <paramref name="output"/>; the rest is held until <see cref="Flush"/>, which ends every batch.
    /// </summary>
    /// <param name="frame">The packet, from its link header on; copied.</param>
    /// <param name="source">Gives the packet to copy into.</param>
    /// <param name="output">Gets packets that nothing more can join.</param>
    /// <returns>False if <paramref name="source"/> had no packet: this one is lost.</returns>
    public bool TryAdd(ReadOnlySpan<byte> frame, IPacketSource source, ref PacketQueue output)
    {
        if (TryPlace(frame, ChecksumState.Unverified, Segmentation.None, ref output, out int flow, out TransportLayout layout)) return true;
        if (!source.TryRent(PacketPool.SizeFor(frame.Length), out Packet packet)) return false;
        packet.Write(frame);
        Keep(packet, flow, layout, ref output);
        return true;
    }

    /// <summary>Gives out everything that is held.</summary>
    public void Flush(ref PacketQueue output)
    {
        for (int i = 0; i < FlowLimit; i++) Release(i, ref output);
    }

    // True: the packet has been joined to its flow's. Otherwise flow is the place that it is to be held in, or -1 if it is not to be held.
    private bool TryPlace(
        ReadOnlySpan<byte> frame, ChecksumState checksum, Segmentation segmentation, ref PacketQueue output, out int flow, out TransportLayout layout)
    {
        flow = -1;
        if (TransportLayout.Read(frame, _ipOffset, out layout) != DropReason.None) return false;
        int found = Find(frame, layout);
        if (!IsCandidate(frame, segmentation, layout))
        {
            if (found >= 0) Release(found, ref output);
            return false;
        }
        if (found >= 0 && _flows[found].TryJoin(frame, checksum, layout))
        {
            Joined++;
            if (_flows[found].IsClosed) Release(found, ref output);
            return true;
        }
        flow = found >= 0 ? found : FindFree();
        Release(flow, ref output);
        return false;
    }

    private void Keep(Packet packet, int flow, in TransportLayout layout, ref PacketQueue output)
    {
        if (flow < 0)
        {
            output.Add(packet);
            return;
        }
        _flows[flow].Start(packet, layout);
        if (_flows[flow].IsClosed) Release(flow, ref output);
    }

    private int Find(ReadOnlySpan<byte> frame, in TransportLayout layout)
    {
        for (int i = 0; i < FlowLimit; i++)
            if (_flows[i].IsOccupied && _flows[i].IsSameFlow(frame, layout)) return i;
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

    private bool IsCandidate(ReadOnlySpan<byte> frame, Segmentation segmentation, in TransportLayout layout)
    {
        if (segmentation.Kind != SegmentationKind.None || layout.PayloadLength == 0 || layout.HasSurplus) return false;
        bool hasPlainHeader = layout.TransportOffset - layout.IpOffset == (layout.IsV4 ? IpV4Header.MinimumSize : IpV6Header.Size);
        if (!hasPlainHeader || !HasEtherType(frame, layout)) return false;
        if (layout.IsV4 && Checksum.Fold(Checksum.Sum(frame[layout.IpOffset..layout.TransportOffset])) != 0xFFFF) return false;
        if (layout.Protocol == IpProtocol.Udp) return _datagrams;
        const TcpFlags Ordinary = TcpFlags.Ack | TcpFlags.Psh | TcpFlags.Fin | TcpFlags.Ece | TcpFlags.Cwr;
        if (layout.Protocol != IpProtocol.Tcp) return false;
        TcpFlags flags = (TcpFlags)frame[layout.TransportOffset + 13];
        return (flags & ~Ordinary) == 0 && (flags & TcpFlags.Ack) != 0;
    }

    // What only looks like IP behind another EtherType is judged by the stack, packet by packet.
    private static bool HasEtherType(ReadOnlySpan<byte> frame, in TransportLayout layout) =>
        layout.IpOffset < EthernetHeader.Size
        || BinaryPrimitives.ReadUInt16BigEndian(frame[(layout.IpOffset - 2)..]) == (ushort)(layout.IsV4 ? EtherType.IpV4 : EtherType.IpV6);

    [InlineArray(FlowLimit)]
    private struct Flows
    {
        private HeldSegment _first;
    }
}
