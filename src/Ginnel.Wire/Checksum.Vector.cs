using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Ginnel.Wire;

// The sum does not care about byte order until it is folded (RFC 1071 section 2 B): the vectors add words as the machine reads
// them and one swap at the end puts the result right. Each 64-bit lane adds the halves of its 64 bits separately, so that no
// lane can overflow before 2^32 steps.
public static partial class Checksum
{
    private const int VectorThreshold = 64;

    /// <summary>Whether the pass also stores what it reads; a type, so that the compiler makes two loops of one text.</summary>
    private static class Sink
    {
        public readonly struct None;

        public readonly struct Copy;
    }

    private static ulong SumVector<TSink>(ReadOnlySpan<byte> source, Span<byte> destination, ulong initial)
        where TSink : struct
    {
        ulong native;
        int done;
        if (Vector512.IsHardwareAccelerated && source.Length >= 256) native = Sum512<TSink>(source, destination, out done);
        else if (Vector256.IsHardwareAccelerated) native = Sum256<TSink>(source, destination, out done);
        else native = Sum128<TSink>(source, destination, out done);
        ushort folded = Fold(native);
        initial += BitConverter.IsLittleEndian ? BinaryPrimitives.ReverseEndianness(folded) : folded;
        source = source[done..];
        if (typeof(TSink) == typeof(Sink.Copy)) source.CopyTo(destination[done..]);
        return SumScalar(source, initial);
    }

    private static ulong Sum512<TSink>(ReadOnlySpan<byte> source, Span<byte> destination, out int done)
        where TSink : struct
    {
        ReadOnlySpan<Vector512<ulong>> vectors = MemoryMarshal.Cast<byte, Vector512<ulong>>(source);
        Span<Vector512<ulong>> copies = MemoryMarshal.Cast<byte, Vector512<ulong>>(destination);
        done = vectors.Length * Vector512<byte>.Count;
        Vector512<ulong> mask = Vector512.Create((ulong)uint.MaxValue);
        Vector512<ulong> low = default, high = default, low2 = default, high2 = default;
        while (vectors.Length >= 2)
        {
            Vector512<ulong> a = vectors[0], b = vectors[1];
            if (typeof(TSink) == typeof(Sink.Copy))
            {
                (copies[0], copies[1]) = (a, b);
                copies = copies[2..];
            }
            low += a & mask;
            high += a >>> 32;
            low2 += b & mask;
            high2 += b >>> 32;
            vectors = vectors[2..];
        }
        if (!vectors.IsEmpty)
        {
            if (typeof(TSink) == typeof(Sink.Copy)) copies[0] = vectors[0];
            low += vectors[0] & mask;
            high += vectors[0] >>> 32;
        }
        return Fold(Vector512.Sum(low + low2)) + (ulong)Fold(Vector512.Sum(high + high2));
    }

    private static ulong Sum256<TSink>(ReadOnlySpan<byte> source, Span<byte> destination, out int done)
        where TSink : struct
    {
        ReadOnlySpan<Vector256<ulong>> vectors = MemoryMarshal.Cast<byte, Vector256<ulong>>(source);
        Span<Vector256<ulong>> copies = MemoryMarshal.Cast<byte, Vector256<ulong>>(destination);
        done = vectors.Length * Vector256<byte>.Count;
        Vector256<ulong> mask = Vector256.Create((ulong)uint.MaxValue);
        Vector256<ulong> low = default, high = default, low2 = default, high2 = default;
        while (vectors.Length >= 2)
        {
            Vector256<ulong> a = vectors[0], b = vectors[1];
            if (typeof(TSink) == typeof(Sink.Copy))
            {
                (copies[0], copies[1]) = (a, b);
                copies = copies[2..];
            }
            low += a & mask;
            high += a >>> 32;
            low2 += b & mask;
            high2 += b >>> 32;
            vectors = vectors[2..];
        }
        if (!vectors.IsEmpty)
        {
            if (typeof(TSink) == typeof(Sink.Copy)) copies[0] = vectors[0];
            low += vectors[0] & mask;
            high += vectors[0] >>> 32;
        }
        return Fold(Vector256.Sum(low + low2)) + (ulong)Fold(Vector256.Sum(high + high2));
    }

    private static ulong Sum128<TSink>(ReadOnlySpan<byte> source, Span<byte> destination, out int done)
        where TSink : struct
    {
        ReadOnlySpan<Vector128<ulong>> vectors = MemoryMarshal.Cast<byte, Vector128<ulong>>(source);
        Span<Vector128<ulong>> copies = MemoryMarshal.Cast<byte, Vector128<ulong>>(destination);
        done = vectors.Length * Vector128<byte>.Count;
        Vector128<ulong> mask = Vector128.Create((ulong)uint.MaxValue);
        Vector128<ulong> low = default, high = default;
        foreach (ref readonly Vector128<ulong> a in vectors)
        {
            if (typeof(TSink) == typeof(Sink.Copy))
            {
                copies[0] = a;
                copies = copies[1..];
            }
            low += a & mask;
            high += a >>> 32;
        }
        return Fold(Vector128.Sum(low)) + (ulong)Fold(Vector128.Sum(high));
    }
}
