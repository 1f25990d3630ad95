using System.Globalization;
using System.Net;

namespace Ginnel;

/// <summary>An address of an interface and the network that it stands in, such as <c>10.0.2.2/24</c>.</summary>
/// <param name="Address">The interface's own address.</param>
/// <param name="PrefixLength">Leading bits that the network's members share: 0–32 (IPv4) or 0–128 (IPv6).</param>
public readonly record struct InterfaceAddress(IPAddress Address, int PrefixLength)
{
    /// <summary>Parses <c>address/length</c>; a bare address stands in a network of one.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out InterfaceAddress address)
    {
        address = default;
        int slash = text.IndexOf('/');
        if (!IPAddress.TryParse(slash < 0 ? text : text[..slash], out IPAddress? parsed)) return false;
        int bits = parsed.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? 32 : 128;
        int length = bits;
        if (slash >= 0 && !int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out length)) return false;
        if (length > bits) return false;
        address = new InterfaceAddress(parsed, length);
        return true;
    }

    /// <summary>Parses, or throws <see cref="FormatException"/>.</summary>
    public static InterfaceAddress Parse(ReadOnlySpan<char> text) => TryParse(text, out InterfaceAddress address)
        ? address : throw new FormatException($"'{text}' is not an address with its network, such as 10.0.2.2/24 or fd00:2::2/64.");

    /// <inheritdoc/>
    public override string ToString() => $"{Address}/{PrefixLength}";
}
