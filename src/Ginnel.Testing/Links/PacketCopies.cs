using System.Diagnostics.CodeAnalysis;
using Ginnel.Wire;

namespace Ginnel.Testing;

/// <summary>Copies of packets with all that travels beside the bytes.</summary>
internal static class PacketCopies
{
    /// <summary>Rents a copy from <paramref name="pool"/>; false when the pool is at its limit.</summary>
    internal static bool TryCopy(this Packet packet, PacketPool pool, [NotNullWhen(true)] out Packet? copy)
    {
        if (!pool.TryRent(PacketPool.SizeFor(packet.Length), out Packet rented))
        {
            copy = null;
            return false;
        }
        rented.Write(packet.Span);
        (rented.Segmentation, rented.Checksum) = (packet.Segmentation, packet.Checksum);
        copy = rented;
        return true;
    }
}
