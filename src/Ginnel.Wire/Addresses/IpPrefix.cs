using System.Net;

namespace Ginnel.Wire;

/// <summary>A network: an address whose bits after <see cref="Length"/> are zero. A value with host bits cannot exist.</summary>
public readonly struct IpPrefix : IEquatable<IpPrefix>
{
    /// <summary>The network of which <paramref name="address"/> is a member; host bits are cleared.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Length outside 0–32 (IPv4) or 0–128 (IPv6).</exception>
    public IpPrefix(IpAddress address, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, address.BitCount);
        Length = length;
        Address = Mask(address, length);
    }

    /// <summary>The network address.</summary>
    public IpAddress Address { get; }

    /// <summary>The number of leading bits that members share.</summary>
    public int Length { get; }

    /// <summary>The last address of the network: for IPv4 its directed broadcast address.</summary>
    public IpAddress Last
    {
        get
        {
            int hostBits = Address.BitCount - Length;
            if (Address.IsV4) return IpAddress.FromV4(Address.V4 | (uint)((1UL << hostBits) - 1));
            ulong high = hostBits <= 64 ? 0 : hostBits == 128 ? ulong.MaxValue : (1UL << (hostBits - 64)) - 1;
            ulong low = hostBits >= 64 ? ulong.MaxValue : (1UL << hostBits) - 1;
            return IpAddress.FromV6(Address.High | high, Address.Low | low);
        }
    }

    /// <summary>Whether the address belongs to the network; an address of the other family never does.</summary>
    public bool Contains(IpAddress address) => address.IsV4 == Address.IsV4 && Mask(address, Length) == Address;

    /// <summary>Whether the two networks share an address.</summary>
    public bool Overlaps(IpPrefix other) => Length <= other.Length ? Contains(other.Address) : other.Contains(Address);

    private static IpAddress Mask(IpAddress address, int length)
    {
        if (address.IsV4) return IpAddress.FromV4(length == 0 ? 0 : address.V4 & uint.MaxValue << (32 - length));
        ulong high = length == 0 ? 0 : length >= 64 ? address.High : address.High & ulong.MaxValue << (64 - length);
        ulong low = length <= 64 ? 0 : address.Low & ulong.MaxValue << (128 - length);
        return IpAddress.FromV6(high, low);
    }

    /// <summary>Parses <c>10.0.0.0/8</c>; a bare address is a network of one. Host bits are refused.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpPrefix prefix)
    {
        prefix = default;
        int slash = text.IndexOf('/');
        if (!IpAddress.TryParse(slash < 0 ? text : text[..slash], out IpAddress address)) return false;
        int length = address.BitCount;
        if (slash >= 0)
        {
            ReadOnlySpan<char> digits = text[(slash + 1)..];
            if (digits.Length is 0 or > 3 || digits.ContainsAnyExceptInRange('0', '9')) return false;
            length = int.Parse(digits);
        }
        if (length > address.BitCount) return false;
        prefix = new IpPrefix(address, length);
        return prefix.Address == address;
    }

    /// <summary>Parses, or throws <see cref="FormatException"/>: for constants and options.</summary>
    public static IpPrefix Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out IpPrefix prefix) ? prefix : throw new FormatException($"'{text}' is not a network such as 10.0.0.0/8.");

    /// <summary>From the BCL's type.</summary>
    public static IpPrefix From(IPNetwork network) => new(IpAddress.From(network.BaseAddress), network.PrefixLength);

    /// <summary>To the BCL's type.</summary>
    public IPNetwork ToIPNetwork() => new(Address.ToIPAddress(), Length);

    /// <inheritdoc/>
    public bool Equals(IpPrefix other) => Length == other.Length && Address == other.Address;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is IpPrefix other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Address, Length);

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{Length}";

    /// <summary>Equality.</summary>
    public static bool operator ==(IpPrefix left, IpPrefix right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(IpPrefix left, IpPrefix right) => !left.Equals(right);
}
