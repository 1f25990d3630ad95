using System.Buffers.Binary;

namespace Ginnel.Netstack;

/// <summary>
/// Where the stack's unpredictability comes from: initial sequence numbers, ports, identifiers, hash seeds. The shell passes the
/// system's generator; a simulation passes a seeded one, which makes every run repeatable.
/// </summary>
public abstract class EntropySource
{
    /// <summary>Fills the span with bytes that a stranger cannot predict.</summary>
    public abstract void Fill(Span<byte> destination);

    /// <summary>32 such bits.</summary>
    public uint NextUInt32()
    {
        Span<byte> bytes = stackalloc byte[4];
        Fill(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    /// <summary>A number from 0 up to but not including <paramref name="bound"/>, without bias.</summary>
    public uint Next(uint bound)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bound);
        // Lemire's rejection: the low half of the product must not fall into the incomplete last stripe.
        uint threshold = (uint)-(int)bound % bound;
        while (true)
        {
            ulong product = (ulong)NextUInt32() * bound;
            if ((uint)product >= threshold) return (uint)(product >> 32);
        }
    }
}
