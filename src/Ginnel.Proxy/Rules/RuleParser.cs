using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using Ginnel.Wire;

namespace Ginnel.Proxy;

/// <summary>Reads rules. Whatever is wrong is said: which part, why, and what would be accepted.</summary>
public static class RuleParser
{
    private const string Shape = "a rule is protocol:port:destination:destination_port, such as tcp:443:10.1.2.3:8443 or udp:53:[2001:db8::1]:53";

    /// <summary>Parses <c>protocol:port:destination:destination_port[,option=value…]</c>.</summary>
    /// <param name="direction">Which way it leads.</param>
    /// <param name="text">The rule.</param>
    /// <param name="rule">The rule; null if it is none.</param>
    /// <param name="error">A sentence about what is wrong; null if nothing is.</param>
    public static bool TryParse(ProxyDirection direction, string text, [NotNullWhen(true)] out ProxyRule? rule, [NotNullWhen(false)] out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        rule = null;
        string[] pieces = text.Split(',');
        string[] parts = pieces[0].Split(':', 3);
        if (parts.Length < 3) return Fail($"'{text}' has fewer than four parts; {Shape}", out error);
        FlowProtocol protocol;
        if (parts[0].Equals("tcp", StringComparison.OrdinalIgnoreCase)) protocol = FlowProtocol.Tcp;
        else if (parts[0].Equals("udp", StringComparison.OrdinalIgnoreCase)) protocol = FlowProtocol.Udp;
        else return Fail($"'{text}': '{parts[0]}' is neither tcp nor udp; {Shape}", out error);
        if (!TryPort(parts[1], out int port)) return Fail($"'{text}': '{parts[1]}' is not a port from 1 to 65535; {Shape}", out error);
        if (!TryTarget(parts[2], out EndPoint? target, out string? why)) return Fail($"'{text}': {why}; {Shape}", out error);
        if (!TryOptions(pieces.AsSpan(1), out RuleOptions? options, out why)) return Fail($"'{text}': {why}", out error);
        if (protocol == FlowProtocol.Udp && options.ProxyProtocol is not null) return Fail($"'{text}': proxy-protocol= is for connections, and this rule is for datagrams", out error);
        rule = new ProxyRule { Direction = direction, Protocol = protocol, Port = port, Target = target, Options = options };
        error = null;
        return true;
    }

    /// <summary>A duration as a rule writes it: whole seconds, or milliseconds.</summary>
    internal static string Print(TimeSpan span) =>
        span.Ticks % TimeSpan.TicksPerSecond == 0
            ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0}s") : string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0}ms");

    /// <summary>Reads a destination: name or address, IPv6 in brackets, a colon, and a port.</summary>
    public static bool TryTarget(string text, [NotNullWhen(true)] out EndPoint? target, [NotNullWhen(false)] out string? why)
    {
        ArgumentNullException.ThrowIfNull(text);
        target = null;
        why = null;
        int colon = text.LastIndexOf(':');
        if (colon < 0 || text.EndsWith(']')) return Fail("it has fewer than four parts", out why);
        string host = text[..colon];
        if (!TryPort(text[(colon + 1)..], out int port)) return Fail($"'{text[(colon + 1)..]}' is not a port from 1 to 65535", out why);
        bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
        if (IpAddress.TryParse(isBracketed ? host[1..^1] : host, out IpAddress address))
        {
            if (address.IsV4 && isBracketed) return Fail("an IPv4 address stands without brackets", out why);
            if (!address.IsV4 && !isBracketed) return Fail("an IPv6 address stands in brackets", out why);
            target = new IPEndPoint(address.ToIPAddress(), port);
            return true;
        }
        if (host.Length == 0) return Fail("the destination is missing", out why);
        if (isBracketed || Uri.CheckHostName(host) != UriHostNameType.Dns || host.All(c => char.IsAsciiDigit(c) || c == '.'))
            return Fail($"'{host}' is neither a name nor an address", out why);
        target = new DnsEndPoint(host, port);
        return true;
    }

    private static bool TryOptions(ReadOnlySpan<string> pieces, [NotNullWhen(true)] out RuleOptions? options, [NotNullWhen(false)] out string? why)
    {
        options = null;
        why = null;
        RuleOptions read = RuleOptions.None;
        HashSet<string> seen = [];
        foreach (string piece in pieces)
        {
            int equals = piece.IndexOf('=');
            string name = equals < 0 ? piece : piece[..equals], value = equals < 0 ? "" : piece[(equals + 1)..];
            if (!seen.Add(name)) return Fail($"the option {name} stands there twice", out why);
            RuleOptions? with = name switch
            {
                "bind" when TryAddress(value, out IPAddress? address) => read with { Bind = address },
                "name" when value.Length is > 0 and <= 64 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') => read with { Name = value },
                "idle" when TryDuration(value, out TimeSpan idle) => read with { Idle = idle },
                "connect-timeout" when TryDuration(value, out TimeSpan timeout) => read with { ConnectTimeout = timeout },
                "source" when IpPrefix.TryParse(value, out IpPrefix source) => read with { Source = source.ToIPNetwork() },
                "proxy-protocol" when value is "v1" or "v2" => read with { ProxyProtocol = value[1] - '0' },
                "max" when int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int max) && max > 0 => read with { Max = max },
                _ => null,
            };
            if (with is null) return Fail(Explain(name, value), out why);
            read = with;
        }
        options = read;
        return true;
    }

    private static string Explain(string name, string value) => name switch
    {
        "bind" => $"bind={value} is no address, such as bind=127.0.0.1",
        "name" => $"name={value} is not made of up to 64 letters, digits, '-', '_' and '.'",
        "idle" or "connect-timeout" => $"{name}={value} is no duration from 1ms to 24h, such as {name}=30s, 500ms or 5m",
        "source" => $"source={value} is no network, such as source=10.0.0.0/8",
        "max" => $"max={value} is no number of flows, such as max=100",
        "proxy-protocol" => $"proxy-protocol={value} is neither v1 nor v2",
        _ => $"'{name}' is no option; there are bind, name, idle, connect-timeout, source, proxy-protocol and max",
    };

    /// <summary>Reads a duration from 1ms to 24h, such as 30s, 500ms or 5m.</summary>
    public static bool TryDuration(string text, out TimeSpan span)
    {
        ArgumentNullException.ThrowIfNull(text);
        span = default;
        int unit = text.AsSpan().IndexOfAnyExceptInRange('0', '9');
        if (unit <= 0 || !int.TryParse(text.AsSpan(0, unit), NumberStyles.None, CultureInfo.InvariantCulture, out int count)) return false;
        double milliseconds = text[unit..] switch { "ms" => 1, "s" => 1_000, "m" => 60_000, "h" => 3_600_000, _ => 0 };
        if (count * milliseconds is < 1 or > 86_400_000) return false;
        span = TimeSpan.FromMilliseconds(count * milliseconds);
        return true;
    }

    // The system's parser takes inet_aton(3)'s forms as well: 1 would be 0.0.0.1, and 010.0.0.1 would be 8.0.0.1.
    private static bool TryAddress(string text, [NotNullWhen(true)] out IPAddress? address) =>
        IPAddress.TryParse(text, out address) && (text.Contains(':') ? text[0] != '[' : address.ToString() == text);

    private static bool TryPort(string text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65_535;

    private static bool Fail(string sentence, out string error)
    {
        error = sentence;
        return false;
    }
}
