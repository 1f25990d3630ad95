using Ginnel.Netstack;

namespace Ginnel.Netstack.Tests;

/// <summary>Entropy that repeats itself with its seed (xorshift64*).</summary>
public sealed class SeededEntropy(ulong seed = 1) : EntropySource
{
    private ulong _state = seed * 0x9E37_79B9_7F4A_7C15 | 1;

    public override void Fill(Span<byte> destination)
    {
        for (int i = 0; i < destination.Length; i++)
        {
            _state ^= _state >> 12;
            _state ^= _state << 25;
            _state ^= _state >> 27;
            destination[i] = (byte)(_state * 0x2545_F491_4F6C_DD1D >> 56);
        }
    }
}
