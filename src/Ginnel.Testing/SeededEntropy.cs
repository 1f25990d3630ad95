using System.Buffers.Binary;
using Ginnel.Netstack;

namespace Ginnel.Testing;

/// <summary>Entropy for a stack that repeats itself with its seed, so that a whole simulation does.</summary>
/// <param name="seed">Any number.</param>
public sealed class SeededEntropy(ulong seed) : EntropySource
{
    private readonly SeededRandom _random = new(seed);

    /// <inheritdoc/>
    public override void Fill(Span<byte> destination)
    {
        while (destination.Length >= 8)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(destination, _random.NextUInt64());
            destination = destination[8..];
        }
        if (destination.IsEmpty) return;
        ulong rest = _random.NextUInt64();
        for (int i = 0; i < destination.Length; i++, rest >>= 8) destination[i] = (byte)rest;
    }
}
