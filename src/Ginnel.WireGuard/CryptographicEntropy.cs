using System.Security.Cryptography;
using Ginnel.Netstack;

namespace Ginnel.WireGuard;

/// <summary>The operating system's generator.</summary>
internal sealed class CryptographicEntropy : EntropySource
{
    public override void Fill(Span<byte> destination) => RandomNumberGenerator.Fill(destination);
}
