using System.Buffers.Binary;
using System.Security.Cryptography;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// A hash that a stranger cannot compute: SHA-256 of a random key of the stack's and the input (RFC 6528 section 3, with a hash of today).
/// Where a number must be derivable again from a flow and tell nothing to who does not know the key: initial sequence numbers, SYN cookies,
/// memory of SYNs, flow labels. Inputs are all of one length and 64 bits of 256 come out, so nothing can be appended to what is known.
/// </summary>
internal sealed class KeyedHash(EntropySource entropy)
{
    private const int KeySize = 32, InputSize = 56;

    private readonly byte[] _block = new byte[KeySize + InputSize];
    private bool _hasKey;

    /// <summary>Of a flow, a purpose (so that equal inputs of two uses have nothing in common) and two more values.</summary>
    internal ulong Of(in FlowKey flow, byte purpose, ulong first = 0, ulong second = 0)
    {
        // Drawn at the first use: an idle stack asks its entropy for nothing.
        if (!_hasKey) entropy.Fill(_block.AsSpan(0, KeySize));
        _hasKey = true;
        Span<byte> input = _block.AsSpan(KeySize);
        Write(input, 0, flow.Local.Address.High);
        Write(input, 1, flow.Local.Address.Low);
        Write(input, 2, flow.Remote.Address.High);
        Write(input, 3, flow.Remote.Address.Low);
        Write(input, 4, (ulong)purpose << 32 | (uint)flow.Local.Port << 16 | flow.Remote.Port);
        Write(input, 5, first);
        Write(input, 6, second);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(_block, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    private static void Write(Span<byte> input, int word, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(input[(8 * word)..], value);
}
