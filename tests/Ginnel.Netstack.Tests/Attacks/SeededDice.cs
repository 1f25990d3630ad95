using Ginnel.Netstack;

namespace Ginnel.Attacks;

/// <summary>Entropy that its seed repeats (splitmix64).</summary>
internal sealed class SeededDice(ulong seed) : EntropySource
{
    private ulong _state = seed;

    public override void Fill(Span<byte> destination)
    {
        foreach (ref byte octet in destination)
        {
            ulong z = _state += 0x9E37_79B9_7F4A_7C15;
            z = (z ^ z >> 30) * 0xBF58_476D_1CE4_E5B9;
            z = (z ^ z >> 27) * 0x94D0_49BB_1331_11EB;
            octet = (byte)(z ^ z >> 31);
        }
    }
}
