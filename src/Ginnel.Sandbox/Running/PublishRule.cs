using System.Globalization;
using System.Net;

namespace Ginnel.Sandbox;

/// <summary>Ports of the host that lead to ports inside.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Address">Where the host listens.</param>
/// <param name="HostPort">First port outside, 1–65,535.</param>
/// <param name="InsidePort">First port inside.</param>
/// <param name="Count">How many, one after the other on both sides.</param>
public readonly record struct PublishRule(FlowProtocol Protocol, IPAddress Address, int HostPort, int InsidePort, int Count)
{
    /// <summary>What is accepted.</summary>
    public const string Grammar = "[ADDR:]PORT[:PORT][/udp], where PORT may be a range such as 8000-8010 and an IPv6 ADDR stands in brackets";

    /// <summary>Most ports of one rule.</summary>
    public const int MaxCount = 1024;

    /// <summary>Parses <c>[ADDR:]PORT[:PORT][/tcp|/udp]</c>.</summary>
    /// <param name="text">The rule.</param>
    /// <param name="rule">The rule.</param>
    /// <param name="error">What is wrong; null when nothing is.</param>
    public static bool TryParse(string text, out PublishRule rule, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        rule = default;
        string rest = text;
        FlowProtocol protocol = FlowProtocol.Tcp;
        int slash = rest.LastIndexOf('/');
        if (slash >= 0)
        {
            string word = rest[(slash + 1)..].ToLowerInvariant();
            if (word is not ("tcp" or "udp")) return Fail($"'{word}' is neither tcp nor udp", out error);
            protocol = word == "udp" ? FlowProtocol.Udp : FlowProtocol.Tcp;
            rest = rest[..slash];
        }
        if (!TryTakeAddress(ref rest, out IPAddress? address, out error)) return false;
        string[] ports = rest.Split(':');
        if (ports.Length is 0 or > 2) return Fail($"'{text}' has too many parts", out error);
        if (!TryParseRange(ports[0], out int hostPort, out int count)) return Fail($"'{ports[0]}' is neither a port nor a range of ports", out error);
        int insidePort = hostPort;
        if (ports.Length == 2)
        {
            if (!TryParseRange(ports[1], out insidePort, out int insideCount)) return Fail($"'{ports[1]}' is neither a port nor a range of ports", out error);
            if (insideCount != count) return Fail($"{ports[0]} and {ports[1]} are not equally many ports", out error);
        }
        if (count > MaxCount) return Fail($"{count} ports are more than the {MaxCount} that one rule may have", out error);
        rule = new PublishRule(protocol, address ?? IPAddress.Loopback, hostPort, insidePort, count);
        error = null;
        return true;
    }

    private static bool TryTakeAddress(ref string rest, out IPAddress? address, out string? error)
    {
        address = null;
        error = null;
        string text;
        if (rest.StartsWith('['))
        {
            int close = rest.IndexOf("]:", StringComparison.Ordinal);
            if (close < 0) return Fail("an address in brackets must be followed by a colon and a port", out error);
            text = rest[1..close];
            rest = rest[(close + 2)..];
        }
        else
        {
            int colon = rest.IndexOf(':', StringComparison.Ordinal);
            // Without a dot the first part is a port.
            if (colon < 0 || !rest.AsSpan(0, colon).Contains('.')) return true;
            text = rest[..colon];
            rest = rest[(colon + 1)..];
        }
        // The BCL takes 127.1 and octal numbers, which mean different addresses to different programs.
        if (Wire.IpAddress.TryParse(text, out Wire.IpAddress strict))
        {
            address = strict.ToIPAddress();
            return true;
        }
        return Fail($"'{text}' is not an address", out error);
    }

    private static bool TryParseRange(string text, out int first, out int count)
    {
        count = 0;
        int dash = text.IndexOf('-', StringComparison.Ordinal);
        if (!TryParsePort(dash < 0 ? text : text[..dash], out first)) return false;
        int last = first;
        if (dash >= 0 && !TryParsePort(text[(dash + 1)..], out last)) return false;
        count = last - first + 1;
        return count > 0;
    }

    private static bool TryParsePort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65_535;

    private static bool Fail(string reason, out string? error)
    {
        error = $"{reason}; a rule is {Grammar}";
        return false;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        string last = Count > 1 ? $"-{HostPort + Count - 1}" : "", lastInside = Count > 1 ? $"-{InsidePort + Count - 1}" : "";
        string address = Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{Address}]" : Address.ToString();
        return string.Create(CultureInfo.InvariantCulture, $"{address}:{HostPort}{last}:{InsidePort}{lastInside}{(Protocol == FlowProtocol.Udp ? "/udp" : "")}");
    }
}
