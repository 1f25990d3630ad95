using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>The Internet checksum (RFC 1071): one's-complement sum of 16-bit words in network order.</summary>
public static class Checksum
{
    /// <summary>The checksum field for these bytes: the complement of their folded sum.</summary>
    public static ushort Compute(ReadOnlySpan<byte> bytes) => (ushort)~Fold(Sum(bytes));

    /// <summary>The unfolded sum of the bytes as big-endian 16-bit words, an odd last byte padded with zero; added to <paramref name="initial"/>.</summary>
    public static ulong Sum(ReadOnlySpan<byte> bytes, ulong initial = 0)
    {
        ulong sum = initial;
        while (bytes.Length >= 8)
        {
            ulong word = BinaryPrimitives.ReadUInt64BigEndian(bytes);
            sum += (word >> 32) + (word & uint.MaxValue);
            bytes = bytes[8..];
        }
        while (bytes.Length >= 2)
        {
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
            bytes = bytes[2..];
        }
        return bytes.IsEmpty ? sum : sum + ((ulong)bytes[0] << 8);
    }

    /// <summary>Folds a sum into 16 bits.</summary>
    public static ushort Fold(ulong sum)
    {
        sum = (sum >> 32) + (sum & uint.MaxValue);
        sum = (sum >> 32) + (sum & uint.MaxValue);
        sum = (sum >> 16) + (sum & 0xFFFF);
        sum = (sum >> 16) + (sum & 0xFFFF);
        return (ushort)((sum >> 16) + (sum & 0xFFFF));
    }

    /// <summary>The unfolded sum of a pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).</summary>
    public static ulong PseudoHeader(IpAddress source, IpAddress destination, IpProtocol protocol, int transportLength) =>
        source.PseudoHeaderSum() + destination.PseudoHeaderSum() + (ulong)protocol + (ulong)transportLength;

    /// <summary>Whether a transport packet with its checksum in place sums to all ones.</summary>
    public static bool Verify(IpAddress source, IpAddress destination, IpProtocol protocol, ReadOnlySpan<byte> transport) =>
        Fold(Sum(transport, PseudoHeader(source, destination, protocol, transport.Length))) == 0xFFFF;
}
