using System.Net;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>What a client may write where a host is asked for.</summary>
internal static class ProxyTargets
{
    /// <summary>RFC 1035 section 2.3.4, as text and without the dot at the end.</summary>
    internal const int MaxName = 253;

    private const int MaxLabel = 63;

    /// <summary>
    /// Reads a host as a name or an address. Whatever a resolver would take for an address is one here already (<c>127.1</c>,
    /// <c>0x7f000001</c>), so that rules about addresses see it; what is neither a name nor an address is refused. Never throws.
    /// </summary>
    /// <param name="host">As the client wrote it; an IPv6 address may stand in brackets.</param>
    /// <param name="port">Port, 1–65535.</param>
    /// <param name="target">An <see cref="IPEndPoint"/> or a <see cref="DnsEndPoint"/>.</param>
    internal static bool TryRead(ReadOnlySpan<byte> host, int port, out EndPoint target)
    {
        target = null!;
        if (port is < 1 or > ushort.MaxValue) return false;
        bool isBracketed = host.Length > 2 && host[0] == '[' && host[^1] == ']';
        if (isBracketed) host = host[1..^1];
        if (host.IsEmpty || host.Length > MaxName + 1) return false;
        if (isBracketed || host.Contains((byte)':')) return TryReadIpv6(host, port, out target);
        if (!IsName(host)) return false;
        string text = Encoding.ASCII.GetString(host);
        string bare = text.EndsWith('.') ? text[..^1] : text;
        if (IPAddress.TryParse(bare, out IPAddress? address))
        {
            target = new IPEndPoint(Plain(address), port);
            return true;
        }
        // A name whose last label is a number is an address that went wrong (WHATWG URL, "ends in a number").
        if (EndsInNumber(bare)) return false;
        target = new DnsEndPoint(text, port);
        return true;
    }

    /// <summary>IPv4 in IPv6's clothes is IPv4: rules and routes must not be passed by with another spelling.</summary>
    internal static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    /// <summary>The same with a port.</summary>
    internal static IPEndPoint? Plain(EndPoint? endPoint) => endPoint is not IPEndPoint ip ? null
        : ip.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(ip.Address.MapToIPv4(), ip.Port) : ip;

    private static bool TryReadIpv6(ReadOnlySpan<byte> host, int port, out EndPoint target)
    {
        target = null!;
        // Hexadecimal digits, colons and dots only: a zone means nothing beyond its own host, and a bracket belongs outside.
        foreach (byte b in host)
            if (!char.IsAsciiHexDigit((char)b) && b is not ((byte)':' or (byte)'.')) return false;
        if (!IPAddress.TryParse(Encoding.ASCII.GetString(host), out IPAddress? address)) return false;
        target = new IPEndPoint(Plain(address), port);
        return true;
    }

    // Letters, digits, hyphen and the underscore that service names bear; labels of 1 to 63. Anything else (blanks, control characters,
    // full-width digits that some resolvers would map) is no host.
    private static bool IsName(ReadOnlySpan<byte> host)
    {
        if (host[^1] == '.') host = host[..^1];
        if (host.IsEmpty || host.Length > MaxName) return false;
        int label = 0;
        foreach (byte b in host)
        {
            if (b == '.')
            {
                if (label == 0) return false;
                label = 0;
                continue;
            }
            if (!char.IsAsciiLetterOrDigit((char)b) && b is not ((byte)'-' or (byte)'_')) return false;
            if (++label > MaxLabel) return false;
        }
        return label > 0;
    }

    private static bool EndsInNumber(string name)
    {
        ReadOnlySpan<char> last = name.AsSpan(name.LastIndexOf('.') + 1);
        if (!last.ContainsAnyExceptInRange('0', '9')) return true;
        return last.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && !last[2..].ContainsAnyExcept("0123456789abcdefABCDEF");
    }
}
