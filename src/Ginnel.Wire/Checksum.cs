using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// The Internet checksum (RFC 1071): one's-complement sum of 16-bit words in network order. Sums are values modulo 65,535 in a
/// 64-bit accumulator; two sums of the same bytes may differ before <see cref="Fold"/>, never after.
/// </summary>
public static partial class Checksum
{
    /// <summary>The checksum field for these bytes: the complement of their folded sum.</summary>
    public static ushort Compute(ReadOnlySpan<byte> bytes) => (ushort)~Fold(Sum(bytes));

    /// <summary>
    /// The unfolded sum of the bytes as big-endian 16-bit words, an odd last byte padded with zero; added to
    /// <paramref name="initial"/>.
    /// </summary>
    public static ulong Sum(ReadOnlySpan<byte> bytes, ulong initial = 0) =>
        bytes.Length < VectorThreshold ? SumScalar(bytes, initial) : SumVector<Sink.None>(bytes, default, initial);

    /// <summary>
    /// Copies the bytes and sums them in the same pass: what a ring's data cost once instead of twice.
    /// </summary>
    /// <param name="source">The bytes; must not overlap the destination unless both begin at the same place.</param>
    /// <param name="destination">At least as long as the source.</param>
    /// <param name="initial">Added to the sum.</param>
    /// <returns>The unfolded sum, as <see cref="Sum"/> gives it.</returns>
    public static ulong SumAndCopy(ReadOnlySpan<byte> source, Span<byte> destination, ulong initial = 0)
    {
        if (source.Length >= VectorThreshold) return SumVector<Sink.Copy>(source, destination[..source.Length], initial);
        source.CopyTo(destination);
        return SumScalar(source, initial);
    }

    /// <summary>
    /// The sum of two stretches that follow each other, each summed from its own start: after an odd first one the words of the
    /// second stand byte-swapped (RFC 1071 section 2 B).
    /// </summary>
    public static ulong Combine(ulong first, int firstLength, ulong second) =>
        Fold(first) + (ulong)((firstLength & 1) == 0 ? Fold(second) : BinaryPrimitives.ReverseEndianness(Fold(second)));

    /// <summary>Folds a sum into 16 bits.</summary>
    public static ushort Fold(ulong sum)
    {
        sum = (sum >> 32) + (sum & uint.MaxValue);
        sum = (sum >> 32) + (sum & uint.MaxValue);
        sum = (sum >> 16) + (sum & 0xFFFF);
        sum = (sum >> 16) + (sum & 0xFFFF);
        return (ushort)((sum >> 16) + (sum & 0xFFFF));
    }

    /// <summary>The checksum field after one 16-bit word changed (RFC 1624 equation 3). All values in host order.</summary>
    public static ushort Update(ushort checksum, ushort oldWord, ushort newWord) =>
        (ushort)~Fold((ulong)(ushort)~checksum + (ushort)~oldWord + newWord);

    /// <summary>The checksum field after 32 aligned bits changed.</summary>
    public static ushort Update(ushort checksum, uint oldWords, uint newWords) =>
        (ushort)~Fold((ulong)(ushort)~checksum + (~oldWords >> 16) + (~oldWords & 0xFFFF) + (newWords >> 16) + (newWords & 0xFFFF));

    /// <summary>The checksum field after an address, in header or pseudo-header, changed.</summary>
    public static ushort Update(ushort checksum, IpAddress oldAddress, IpAddress newAddress) =>
        (ushort)~Fold((ulong)(ushort)~checksum + (ushort)~Fold(oldAddress.PseudoHeaderSum()) + newAddress.PseudoHeaderSum());

    /// <summary>The unfolded sum of a pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1).</summary>
    public static ulong PseudoHeader(IpAddress source, IpAddress destination, IpProtocol protocol, int transportLength) =>
        source.PseudoHeaderSum() + destination.PseudoHeaderSum() + (ulong)protocol + (ulong)transportLength;

    /// <summary>Whether a transport packet with its checksum in place sums to all ones.</summary>
    public static bool Verify(IpAddress source, IpAddress destination, IpProtocol protocol, ReadOnlySpan<byte> transport) =>
        Fold(Sum(transport, PseudoHeader(source, destination, protocol, transport.Length))) == 0xFFFF;

    /// <summary>The plain way, for short stretches and as the twin that the vectors are tested against.</summary>
    internal static ulong SumScalar(ReadOnlySpan<byte> bytes, ulong initial)
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
}
