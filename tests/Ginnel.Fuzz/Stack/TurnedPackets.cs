using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Fuzz;

/// <summary>
/// Turns what a stack sends into what a peer would answer: addresses and ports change places, TCP acknowledges. So the mutator
/// gets beyond the first packet of a connection.
/// </summary>
internal static class TurnedPackets
{
    /// <summary>The answer to a packet (or frame); null for what has none.</summary>
    internal static byte[]? Turn(ReadOnlySpan<byte> sent, bool ethernet)
    {
        int start = ethernet ? EthernetHeader.Size : 0;
        if (sent.Length < start + IpV4Header.MinimumSize) return null;
        if (IpView.TryParse(sent[start..], out IpView ip) != DropReason.None || ip.IsFragment) return null;
        byte[] answer = sent[..(start + ip.Bytes.Length)].ToArray();
        if (ethernet) SwapFrame(answer);
        Span<byte> packet = answer.AsSpan(start);
        if (ip.IsV4) Swap(packet, 12, 16, 4); else Swap(packet, 8, 24, 16);
        Span<byte> transport = packet[ip.HeaderLength..];
        if (ip.Protocol is not (IpProtocol.Tcp or IpProtocol.Udp) || transport.Length < UdpHeader.Size) return answer;
        Swap(transport, 0, 2, 2);
        if (ip.Protocol == IpProtocol.Tcp && transport.Length >= TcpHeader.MinimumSize) Acknowledge(transport);
        return answer;
    }

    private static void Acknowledge(Span<byte> segment)
    {
        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(segment[4..]),
            acknowledgment = BinaryPrimitives.ReadUInt32BigEndian(segment[8..]);
        int header = (segment[12] >> 4) * 4;
        bool isSyn = (segment[13] & (byte)TcpFlags.Syn) != 0, isFin = (segment[13] & (byte)TcpFlags.Fin) != 0;
        uint length = (uint)Math.Max(0, segment.Length - header) + (isSyn ? 1u : 0) + (isFin ? 1u : 0);
        BinaryPrimitives.WriteUInt32BigEndian(segment[4..], acknowledgment);
        BinaryPrimitives.WriteUInt32BigEndian(segment[8..], sequence + length);
        if (isSyn && acknowledgment != 0) segment[13] = (byte)TcpFlags.Ack;
        else segment[13] |= (byte)TcpFlags.Ack;
    }

    private static void SwapFrame(Span<byte> frame) => Swap(frame, 0, 6, 6);

    private static void Swap(Span<byte> bytes, int left, int right, int length)
    {
        Span<byte> kept = stackalloc byte[16];
        bytes.Slice(left, length).CopyTo(kept);
        bytes.Slice(right, length).CopyTo(bytes[left..]);
        kept[..length].CopyTo(bytes[right..]);
    }
}
