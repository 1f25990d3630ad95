using System.Buffers.Binary;
using System.Numerics;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// A hash that a stranger cannot compute: SipHash-2-4 (Aumasson and Bernstein, 2012) under a random key of the stack's. Where a number must be
/// derivable again from a flow and tell nothing to who does not know the key: initial sequence numbers, SYN cookies, memory of SYNs. It is made for
/// short inputs and costs some tens of nanoseconds, which matters where a stranger decides how often it is asked.
/// </summary>
internal sealed class KeyedHash(EntropySource entropy)
{
    private ulong _key0;
    private ulong _key1;
    private bool _hasKey;

    /// <summary>Of a flow, a purpose (so that equal inputs of two uses have nothing in common) and two more values.</summary>
    internal ulong Of(in FlowKey flow, byte purpose, ulong first = 0, ulong second = 0)
    {
        if (!_hasKey) ChooseKey();
        ReadOnlySpan<ulong> words =
        [
            flow.Local.Address.High, flow.Local.Address.Low, flow.Remote.Address.High, flow.Remote.Address.Low,
            (ulong)purpose << 32 | (uint)flow.Local.Port << 16 | flow.Remote.Port, first, second,
        ];
        return SipHash(_key0, _key1, words);
    }

    /// <summary>SipHash-2-4 of the words' little-endian octets.</summary>
    internal static ulong SipHash(ulong key0, ulong key1, ReadOnlySpan<ulong> words)
    {
        ulong v0 = key0 ^ 0x736F_6D65_7073_6575, v1 = key1 ^ 0x646F_7261_6E64_6F6D;
        ulong v2 = key0 ^ 0x6C79_6765_6E65_7261, v3 = key1 ^ 0x7465_6462_7974_6573;
        foreach (ulong word in words) Compress(word, ref v0, ref v1, ref v2, ref v3);
        // The last block holds what is left over, here nothing, and the length in octets.
        Compress((ulong)words.Length * sizeof(ulong) << 56, ref v0, ref v1, ref v2, ref v3);
        v2 ^= 0xFF;
        for (int i = 0; i < 4; i++) Round(ref v0, ref v1, ref v2, ref v3);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static void Compress(ulong word, ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v3 ^= word;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= word;
    }

    private static void Round(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v0 += v1;
        v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
        v0 = BitOperations.RotateLeft(v0, 32);
        v2 += v3;
        v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
        v2 = BitOperations.RotateLeft(v2, 32);
    }

    // Drawn at the first use: an idle stack asks its entropy for nothing.
    private void ChooseKey()
    {
        Span<byte> key = stackalloc byte[16];
        entropy.Fill(key);
        _key0 = BinaryPrimitives.ReadUInt64LittleEndian(key);
        _key1 = BinaryPrimitives.ReadUInt64LittleEndian(key[8..]);
        _hasKey = true;
    }
}
