namespace Ginnel.Wire;

/// <summary>Where packets to fill come from: a pool, or the sink of a link.</summary>
public interface IPacketSource
{
    /// <summary>Rents a fresh packet, which the caller owns; false when the pool is at its limit.</summary>
    bool TryRent(PacketSize size, out Packet packet);
}
