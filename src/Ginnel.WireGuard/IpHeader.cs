using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.WireGuard;

/// <summary>The three things that a tunnel must know of a packet: whose it is, where it goes, and where it ends before the padding.</summary>
internal static class IpHeader
{
    private const int V4Size = 20, V6Size = 40;

    /// <summary>Where a packet goes.</summary>
    public static bool TryReadDestination(ReadOnlySpan<byte> packet, out IpAddress destination) => TryReadAddress(packet, 16, 24, out destination);

    /// <summary>Who claims to have sent a packet, and how many of the bytes are the packet's.</summary>
    public static bool TryReadSource(ReadOnlySpan<byte> packet, out IpAddress source, out int length)
    {
        length = 0;
        if (!TryReadAddress(packet, 12, 8, out source)) return false;
        bool isV4 = packet[0] >> 4 == 4;
        length = isV4 ? BinaryPrimitives.ReadUInt16BigEndian(packet[2..]) : V6Size + BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        return length <= packet.Length && length >= (isV4 ? V4Size : V6Size);
    }

    private static bool TryReadAddress(ReadOnlySpan<byte> packet, int offsetV4, int offsetV6, out IpAddress address)
    {
        address = default;
        switch (packet.IsEmpty ? 0 : packet[0] >> 4)
        {
            case 4 when packet.Length >= V4Size:
                address = IpAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(packet[offsetV4..]));
                return true;
            case 6 when packet.Length >= V6Size:
                ulong high = BinaryPrimitives.ReadUInt64BigEndian(packet[offsetV6..]), low = BinaryPrimitives.ReadUInt64BigEndian(packet[(offsetV6 + 8)..]);
                address = IpAddress.FromV6(high, low);
                // An IPv4-mapped address would be taken for IPv4, whose owner may be another.
                return !address.IsV4;
            default:
                return false;
        }
    }
}
