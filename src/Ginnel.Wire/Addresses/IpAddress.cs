using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Ginnel.Wire;

/// <summary>
/// An IPv4 or IPv6 address in 16 bytes, without allocation. An IPv4 address is held in its IPv4-mapped form
/// (RFC 4291 section 2.5.5.2), so that one type serves as key everywhere. Therefore an IPv4-mapped IPv6 address
/// read from an IPv6 header is <em>not</em> representable and is refused by the IPv6 parser: no such packet is legal on a wire.
/// </summary>
public readonly struct IpAddress : IEquatable<IpAddress>, IComparable<IpAddress>
{
    private const ulong MappedPrefix = 0x0000_FFFF_0000_0000;
    private readonly ulong _high;
    private readonly ulong _low;

    private IpAddress(ulong high, ulong low) => (_high, _low) = (high, low);

    /// <summary>0.0.0.0.</summary>
    public static IpAddress AnyV4 => FromV4(0);

    /// <summary>The IPv6 unspecified address, <c>::</c>. It is also <c>default</c>.</summary>
    public static IpAddress AnyV6 => default;

    /// <summary>255.255.255.255, the limited broadcast address (RFC 919).</summary>
    public static IpAddress BroadcastV4 => FromV4(uint.MaxValue);

    /// <summary>127.0.0.1.</summary>
    public static IpAddress LoopbackV4 => FromV4(0x7F00_0001);

    /// <summary><c>::1</c>.</summary>
    public static IpAddress LoopbackV6 => new(0, 1);

    /// <summary>Whether this is an IPv4 address.</summary>
    public bool IsV4 => _high == 0 && (_low & 0xFFFF_FFFF_0000_0000) == MappedPrefix;

    /// <summary>Whether this is an IPv6 address.</summary>
    public bool IsV6 => !IsV4;

    /// <summary>The upper 64 bits in host order.</summary>
    public ulong High => _high;

    /// <summary>The lower 64 bits in host order.</summary>
    public ulong Low => _low;

    /// <summary>The IPv4 address as a number in host order; meaningless unless <see cref="IsV4"/>.</summary>
    public uint V4 => (uint)_low;

    /// <summary>Bytes of the address on the wire: 4 or 16.</summary>
    public int Size => IsV4 ? 4 : 16;

    /// <summary>Bits of the address on the wire: 32 or 128.</summary>
    public int BitCount => IsV4 ? 32 : 128;

    /// <summary>0.0.0.0 or <c>::</c>.</summary>
    public bool IsUnspecified => IsV4 ? V4 == 0 : (_high | _low) == 0;

    /// <summary>127.0.0.0/8 or <c>::1</c>.</summary>
    public bool IsLoopback => IsV4 ? V4 >> 24 == 127 : _high == 0 && _low == 1;

    /// <summary>224.0.0.0/4 or ff00::/8.</summary>
    public bool IsMulticast => IsV4 ? V4 >> 28 == 0xE : _high >> 56 == 0xFF;

    /// <summary>255.255.255.255.</summary>
    public bool IsLimitedBroadcast => IsV4 && V4 == uint.MaxValue;

    /// <summary>169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291 section 2.5.6).</summary>
    public bool IsLinkLocal => IsV4 ? V4 >> 16 == 0xA9FE : _high >> 54 == 0x3FA;

    /// <summary>Whether a host may have it as its own: unicast, not unspecified, not loopback.</summary>
    public bool IsHost => !IsUnspecified && !IsMulticast && !IsLimitedBroadcast && !IsLoopback;

    /// <summary>An IPv4 address from its number in host order.</summary>
    public static IpAddress FromV4(uint address) => new(0, MappedPrefix | address);

    /// <summary>An IPv6 address from its two halves in host order. The IPv4-mapped form yields the IPv4 address.</summary>
    public static IpAddress FromV6(ulong high, ulong low) => new(high, low);

    /// <summary>The multicast group in which the owner of an IPv6 address listens for solicitations (RFC 4291 section 2.7.1).</summary>
    public static IpAddress SolicitedNode(IpAddress target) =>
        FromV6(0xFF02_0000_0000_0000, 0x0000_0001_FF00_0000 | target.Low & 0xFF_FFFF);

    /// <summary>The link-local address that a station forms from its Ethernet address (RFC 4291 appendix A, RFC 2464 section 5).</summary>
    public static IpAddress LinkLocalFrom(MacAddress mac) => FromV6(0xFE80_0000_0000_0000, InterfaceId(mac));

    /// <summary>The modified EUI-64 interface identifier of a station.</summary>
    public static ulong InterfaceId(MacAddress mac) =>
        (mac.Value >> 24 ^ 0x02_0000) << 40 | 0xFF_FE00_0000 | mac.Value & 0xFF_FFFF;

    /// <summary><c>ff02::1</c>, every node on the link.</summary>
    public static IpAddress AllNodesV6 => new(0xFF02_0000_0000_0000, 1);

    /// <summary><c>ff02::2</c>, every router on the link.</summary>
    public static IpAddress AllRoutersV6 => new(0xFF02_0000_0000_0000, 2);

    /// <summary>Reads 4 or 16 bytes in network order.</summary>
    /// <exception cref="ArgumentException">The span is neither 4 nor 16 bytes long (a caller's fault, never the network's).</exception>
    public static IpAddress Read(ReadOnlySpan<byte> bytes) => bytes.Length switch
    {
        4 => FromV4(BinaryPrimitives.ReadUInt32BigEndian(bytes)),
        16 => new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..])),
        _ => throw new ArgumentException("An address has 4 or 16 bytes.", nameof(bytes)),
    };

    /// <summary>Writes <see cref="Size"/> bytes in network order.</summary>
    public void Write(Span<byte> destination)
    {
        if (IsV4) { BinaryPrimitives.WriteUInt32BigEndian(destination, V4); return; }
        BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
    }

    /// <summary>The one's-complement sum of the address's 16-bit words, unfolded: its share of a pseudo-header.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ulong PseudoHeaderSum() => IsV4
        ? (V4 >> 16) + (V4 & 0xFFFF)
        : (_high >> 48) + (_high >> 32 & 0xFFFF) + (_high >> 16 & 0xFFFF) + (_high & 0xFFFF)
          + (_low >> 48) + (_low >> 32 & 0xFFFF) + (_low >> 16 & 0xFFFF) + (_low & 0xFFFF);

    /// <summary>From the BCL's type. A scope id is dropped; an IPv4-mapped address becomes the IPv4 address.</summary>
    public static IpAddress From(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[16];
        if (!address.TryWriteBytes(bytes, out int written) || written is not (4 or 16))
            throw new ArgumentException($"Not an IP address: {address.AddressFamily}.", nameof(address));
        return Read(bytes[..written]);
    }

    /// <summary>To the BCL's type; allocates.</summary>
    public IPAddress ToIPAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        Write(bytes);
        return new IPAddress(bytes[..Size]);
    }

    /// <summary>Parses the canonical text forms only: dotted quad without octal or short forms, RFC 4291 for IPv6, no zone.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        if (text.IsEmpty || text.Contains('%') || text.Contains('[')) return false;
        if (!text.Contains(':')) return TryParseV4(text, out address);
        if (!IPAddress.TryParse(text, out IPAddress? parsed) || parsed.AddressFamily != AddressFamily.InterNetworkV6) return false;
        address = From(parsed);
        return true;
    }

    /// <summary>Parses, or throws <see cref="FormatException"/>: for constants and options.</summary>
    public static IpAddress Parse(ReadOnlySpan<char> text) =>
        TryParse(text, out IpAddress address) ? address : throw new FormatException($"'{text}' is not an IP address.");

    // Strict on purpose: "010.1", "1.2.3" and "0x7f.1" mean different addresses to different programs (attack case A9).
    private static bool TryParseV4(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        uint value = 0;
        int parts = 0;
        while (true)
        {
            int dot = text.IndexOf('.');
            ReadOnlySpan<char> part = dot < 0 ? text : text[..dot];
            if (part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0') || part.ContainsAnyExceptInRange('0', '9')) return false;
            int number = 0;
            foreach (char digit in part) number = number * 10 + (digit - '0');
            if (number > 255 || ++parts > 4) return false;
            value = value << 8 | (uint)number;
            if (dot < 0) break;
            text = text[(dot + 1)..];
        }
        if (parts != 4) return false;
        address = FromV4(value);
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(IpAddress other) => _high == other._high && _low == other._low;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is IpAddress other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_high, _low);

    /// <inheritdoc/>
    public int CompareTo(IpAddress other) => _high != other._high ? _high.CompareTo(other._high) : _low.CompareTo(other._low);

    /// <inheritdoc/>
    public override string ToString() => ToIPAddress().ToString();

    /// <summary>Equality of address and family.</summary>
    public static bool operator ==(IpAddress left, IpAddress right) => left.Equals(right);

    /// <summary>Inequality of address or family.</summary>
    public static bool operator !=(IpAddress left, IpAddress right) => !left.Equals(right);
}
