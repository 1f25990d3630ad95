using System.Buffers.Binary;

namespace Ginnel.Testing;

/// <summary>
/// An endless stream of bytes that a seed determines and of which any part can be made anew: whoever receives it can tell whether a byte
/// stands where it belongs without keeping what was sent.
/// </summary>
/// <param name="Seed">Streams of different seeds differ nearly everywhere.</param>
public readonly record struct StreamPattern(ulong Seed)
{
    /// <summary>Writes the bytes that stand from <paramref name="position"/> on.</summary>
    public void Fill(long position, Span<byte> destination)
    {
        Span<byte> word = stackalloc byte[8];
        while (!destination.IsEmpty)
        {
            int offset = (int)(position & 7);
            BinaryPrimitives.WriteUInt64LittleEndian(word, Word(position >> 3));
            int count = Math.Min(8 - offset, destination.Length);
            word.Slice(offset, count).CopyTo(destination);
            destination = destination[count..];
            position += count;
        }
    }

    /// <summary>Where the bytes first differ from those that stand from <paramref name="position"/> on; -1 when nowhere.</summary>
    public int FindMismatch(long position, ReadOnlySpan<byte> bytes)
    {
        Span<byte> expected = stackalloc byte[512];
        for (int done = 0; done < bytes.Length; done += expected.Length)
        {
            ReadOnlySpan<byte> part = bytes.Slice(done, Math.Min(expected.Length, bytes.Length - done));
            Fill(position + done, expected[..part.Length]);
            int same = part.CommonPrefixLength(expected);
            if (same < part.Length) return done + same;
        }
        return -1;
    }

    private ulong Word(long index)
    {
        ulong value = Seed + (ulong)index * 0x9E37_79B9_7F4A_7C15;
        value = (value ^ value >> 30) * 0xBF58_476D_1CE4_E5B9;
        value = (value ^ value >> 27) * 0x94D0_49BB_1331_11EB;
        return value ^ value >> 31;
    }
}
