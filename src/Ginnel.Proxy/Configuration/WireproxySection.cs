using System.Net;
using Ginnel.ProxyProtocols;

namespace Ginnel.Proxy;

/// <summary>
/// One of wireproxy's sections in a WireGuard file: a port out of the tunnel or into it, or a proxy. It becomes a rule or a door of ours.
/// </summary>
internal sealed class WireproxySection(string name, int line)
{
    private static readonly Dictionary<string, string[]> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TCPClientTunnel"] = ["BindAddress", "Target"],
        ["TCPServerTunnel"] = ["ListenPort", "Target"],
        ["UDPProxyTunnel"] = ["BindAddress", "Target", "InactivityTimeout"],
        ["STDIOTunnel"] = ["Target"],
        ["Socks5"] = ["BindAddress", "Username", "Password"],
        ["http"] = ["BindAddress", "Username", "Password"],
    };

    private readonly Dictionary<string, string> _values = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The line in which it begins.</summary>
    public int Line => line;

    /// <summary>Its keys.</summary>
    public IReadOnlyList<string> Keys => Sections[name];

    /// <summary>The sections' names.</summary>
    public static IEnumerable<string> Names => Sections.Keys;

    /// <summary>Whether there is such a section.</summary>
    public static bool Is(string name) => Sections.ContainsKey(name);

    /// <summary>Takes a line; false if the key is not known or came before.</summary>
    public bool TryTake(string key, string value) => Keys.Contains(key, StringComparer.OrdinalIgnoreCase) && _values.TryAdd(key, value);

    /// <summary>What it becomes: a rule, a door, or where standard input and output lead. Otherwise what is wrong.</summary>
    public (ProxyRule? Rule, ProxyDoor? Door, EndPoint? Stdio, string? Error) Finish() => name.ToLowerInvariant() switch
    {
        "tcpclienttunnel" => Egress("tcp", ""),
        "udpproxytunnel" => Egress("udp", _values.TryGetValue("InactivityTimeout", out string? seconds) ? $",idle={seconds}s" : ""),
        "tcpservertunnel" => Rule(ProxyDirection.Ingress, $"tcp:{Value("ListenPort")}:{Value("Target")}"),
        "stdiotunnel" => RuleParser.TryTarget(Value("Target"), out EndPoint? target, out string? why) ? (null, null, target, null) : Wrong($"Target: {why}"),
        "socks5" => Door(DoorKind.Socks5),
        _ => Door(DoorKind.Http),
    };

    private (ProxyRule?, ProxyDoor?, EndPoint?, string?) Egress(string protocol, string options)
    {
        if (!TryLocal(out IPAddress? bind, out string port)) return Wrong($"BindAddress: '{Value("BindAddress")}' is no address with its port, such as 127.0.0.1:5432");
        return Rule(ProxyDirection.Egress, $"{protocol}:{port}:{Value("Target")}{(bind is null ? "" : $",bind={bind}")}{options}");
    }

    private (ProxyRule?, ProxyDoor?, EndPoint?, string?) Rule(ProxyDirection direction, string text) =>
        RuleParser.TryParse(direction, text, out ProxyRule? rule, out string? error) ? (rule, null, null, null) : Wrong(error);

    private (ProxyRule?, ProxyDoor?, EndPoint?, string?) Door(DoorKind kind)
    {
        if (!TryLocal(out IPAddress? bind, out string text) || !ushort.TryParse(text, out ushort port)) return Wrong($"BindAddress: '{Value("BindAddress")}' is no address with its port, such as 127.0.0.1:1080");
        bool hasUser = Value("Username").Length > 0, hasPassword = Value("Password").Length > 0;
        if (hasUser != hasPassword) return Wrong("Username and Password are given both or neither");
        try
        {
            ProxyCredentials? credentials = hasUser ? new ProxyCredentials(Value("Username"), Value("Password")) : null;
            return (null, new ProxyDoor(kind, new IPEndPoint(bind ?? IPAddress.IPv6Any, port), credentials), null, null);
        }
        catch (ArgumentException)
        {
            return Wrong("Username and Password have 1 to 255 bytes each, and the user no colon");
        }
    }

    // As Go writes addresses: ":1080" is every address.
    private bool TryLocal(out IPAddress? bind, out string port)
    {
        string text = Value("BindAddress");
        int colon = text.LastIndexOf(':');
        (bind, port) = (null, colon < 0 ? "" : text[(colon + 1)..]);
        if (colon < 0) return false;
        string host = text[..colon].Trim('[', ']');
        if (host.Length == 0) return true;
        if (host == "localhost") bind = IPAddress.Loopback;
        else if (!IPAddress.TryParse(host, out bind)) return false;
        if (bind.Equals(IPAddress.Any) || bind.Equals(IPAddress.IPv6Any)) bind = null;
        return true;
    }

    private string Value(string key) => _values.GetValueOrDefault(key, "");

    private static (ProxyRule?, ProxyDoor?, EndPoint?, string?) Wrong(string what) => (null, null, null, what);
}
