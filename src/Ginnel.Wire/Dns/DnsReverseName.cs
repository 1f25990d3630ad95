using System.Globalization;
using System.Text;

namespace Ginnel.Wire;

/// <summary>
/// Names under <c>in-addr.arpa</c> and <c>ip6.arpa</c> that stand for addresses (RFC 1035 section 3.5, RFC 3596 section 2.5).
/// </summary>
public static class DnsReverseName
{
    private static readonly DnsName V4Zone = DnsName.Parse("in-addr.arpa");
    private static readonly DnsName V6Zone = DnsName.Parse("ip6.arpa");

    /// <summary>The name of an address.</summary>
    public static DnsName Of(IpAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.Write(bytes);
        StringBuilder text = new();
        for (int i = address.Size - 1; i >= 0; i--)
        {
            if (address.IsV4) text.Append(bytes[i]).Append('.');
            else text.Append(CultureInfo.InvariantCulture, $"{bytes[i] & 0xF:x}.{bytes[i] >> 4:x}.");
        }
        return DnsName.Parse(text.Append(address.IsV4 ? "in-addr.arpa" : "ip6.arpa").ToString());
    }

    /// <summary>The address that a whole reverse name stands for; false for names of networks and for every other name.</summary>
    public static bool TryGetAddress(DnsName name, out IpAddress address)
    {
        address = default;
        if (name.LabelCount == 6 && name.IsAtOrBelow(V4Zone)) return TryGetV4(name.Wire, out address);
        return name.LabelCount == 34 && name.IsAtOrBelow(V6Zone) && TryGetV6(name.Wire, out address);
    }

    private static bool TryGetV4(ReadOnlySpan<byte> wire, out IpAddress address)
    {
        address = default;
        uint value = 0;
        for (int i = 0; i < 4; i++)
        {
            ReadOnlySpan<byte> label = wire.Slice(1, wire[0]);
            if (label.Length > 1 && label[0] == (byte)'0') return false;
            if (!byte.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out byte part)) return false;
            value |= (uint)part << (8 * i);
            wire = wire[(wire[0] + 1)..];
        }
        address = IpAddress.FromV4(value);
        return true;
    }

    private static bool TryGetV6(ReadOnlySpan<byte> wire, out IpAddress address)
    {
        address = default;
        ulong high = 0, low = 0;
        for (int i = 0; i < 32; i++)
        {
            ulong digit = wire[1] switch
            {
                >= (byte)'0' and <= (byte)'9' => (ulong)(wire[1] - '0'),
                >= (byte)'a' and <= (byte)'f' => (ulong)(wire[1] - 'a' + 10),
                >= (byte)'A' and <= (byte)'F' => (ulong)(wire[1] - 'A' + 10),
                _ => 16,
            };
            if (wire[0] != 1 || digit == 16) return false;
            if (i < 16) low |= digit << (4 * i); else high |= digit << (4 * (i - 16));
            wire = wire[2..];
        }
        address = IpAddress.FromV6(high, low);
        return address.IsV6;
    }
}
