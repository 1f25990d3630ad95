namespace Ginnel;

/// <summary>
/// Where a carrier's datagrams come from and go to. Opaque to who uses the carrier: it can be compared, limited by, and bound into a
/// cookie, whatever kind of carrier it belongs to.
/// </summary>
public abstract class CarrierEndpoint : IEquatable<CarrierEndpoint>
{
    /// <summary>Most bytes that <see cref="WriteBytes"/> writes.</summary>
    public const int MaxBytes = 64;

    /// <summary>Writes bytes that are the same for equal endpoints and differ otherwise.</summary>
    /// <param name="destination">At least <see cref="MaxBytes"/>.</param>
    /// <returns>How many it wrote.</returns>
    public abstract int WriteBytes(Span<byte> destination);

    /// <summary>What limits on strangers go by: the same for all endpoints that one stranger easily has (an IPv4 address, an IPv6 /64).</summary>
    public abstract UInt128 LimitKey { get; }

    /// <inheritdoc/>
    public abstract bool Equals(CarrierEndpoint? other);

    /// <inheritdoc/>
    public sealed override bool Equals(object? obj) => obj is CarrierEndpoint other && Equals(other);

    /// <inheritdoc/>
    public abstract override int GetHashCode();
}
