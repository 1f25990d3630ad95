using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// Cuts a super-segment into the packets that it stands for, at links that have no segmentation offload. Every packet gets the
/// headers of the super-segment with its own lengths, sequence number, IPv4 identification, flags and checksums.
/// </summary>
public static class SegmentSplitter
{
    /// <summary>
    /// Most packets that one super-segment may become. 64 KiB in segments of 48 bytes, the smallest that Linux sends, make 1,365;
    /// smaller ones are an attempt at amplification.
    /// </summary>
    public const int SegmentLimit = 2048;

    /// <summary>
    /// Whether the segmentation metadata agree with the packet's headers. Every packet that comes from outside with metadata is to
    /// be checked once, by the link that brings it or by the stack.
    /// </summary>
    /// <param name="packet">Any packet; an ordinary one is always right.</param>
    /// <param name="ipOffset">Where the IP header begins: 0, or 14 behind an Ethernet header.</param>
    /// <returns><see cref="DropReason.None"/>, <see cref="DropReason.BadSegmentation"/>, or what is wrong with the headers.</returns>
    public static DropReason Check(Packet packet, int ipOffset) =>
        packet.Segmentation.Kind == SegmentationKind.None ? DropReason.None : ReadLayout(packet, ipOffset, out _);

    /// <summary>
    /// Cuts a packet and adds the pieces to <paramref name="output"/>; an ordinary packet is passed on, its checksum completed.
    /// </summary>
    /// <param name="packet">The packet; handed over, whatever the result.</param>
    /// <param name="ipOffset">Where the IP header begins: 0, or 14 behind an Ethernet header.</param>
    /// <param name="partialChecksums">Whether the link completes transport checksums itself.</param>
    /// <param name="output">Gets the pieces, in order.</param>
    /// <returns>
    /// <see cref="DropReason.None"/>; <see cref="DropReason.OutOfBuffers"/> when the pool had no packets for the last pieces (the
    /// first ones are in the output); otherwise why nothing was added.
    /// </returns>
    public static DropReason Split(Packet packet, int ipOffset, bool partialChecksums, ref PacketQueue output)
    {
        DropReason reason = SegmentCutter.Begin(packet, ipOffset, partialChecksums, out SegmentCutter cutter);
        if (reason != DropReason.None) return reason;
        if (cutter.IsWhole)
        {
            output.Add(cutter.TakeWhole());
            return DropReason.None;
        }
        while (!cutter.IsDone)
        {
            if (cutter.TryRentNext() is not { } piece)
            {
                cutter.Return();
                return DropReason.OutOfBuffers;
            }
            output.Add(piece);
        }
        cutter.Return();
        return DropReason.None;
    }

    internal static DropReason ReadLayout(Packet packet, int ipOffset, out TransportLayout layout)
    {
        DropReason reason = TransportLayout.Read(packet.Span, ipOffset, out layout);
        if (reason is DropReason.BadFragment or DropReason.UnknownProtocol) return DropReason.BadSegmentation;
        if (reason != DropReason.None) return reason;
        Segmentation segmentation = packet.Segmentation;
        if (layout.HasSurplus || segmentation.SegmentSize == 0) return DropReason.BadSegmentation;
        if (segmentation.Count(layout.PayloadLength) > SegmentLimit) return DropReason.BadSegmentation;
        bool matches = segmentation.Kind switch
        {
            SegmentationKind.TcpV4 => layout.Protocol == IpProtocol.Tcp && layout.IsV4,
            SegmentationKind.TcpV6 => layout.Protocol == IpProtocol.Tcp && !layout.IsV4,
            SegmentationKind.Udp => layout.Protocol == IpProtocol.Udp,
            _ => false,
        };
        if (!matches) return DropReason.BadSegmentation;
        // A SYN or RST occupies no stretch that could be cut.
        bool indivisible = layout.Protocol == IpProtocol.Tcp
            && ((TcpFlags)packet.Span[layout.TransportOffset + 13] & (TcpFlags.Syn | TcpFlags.Rst)) != 0;
        return indivisible ? DropReason.BadSegmentation : DropReason.None;
    }
}
