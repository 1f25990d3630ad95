using System.Globalization;
using System.Net;
using Ginnel.Wire;

namespace Ginnel.Cli.Commands;

/// <summary>A port of this host's loopback that leads to a destination at the exit.</summary>
/// <param name="Protocol">TCP or UDP.</param>
/// <param name="Port">The port here.</param>
/// <param name="Target">An <see cref="IPEndPoint"/>, or a <see cref="DnsEndPoint"/> that the exit resolves.</param>
internal readonly record struct ForwardRule(FlowProtocol Protocol, int Port, EndPoint Target)
{
    /// <summary>Parses <c>protocol:port:destination:destination_port</c>.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static ForwardRule Parse(string text)
    {
        string[] parts = text.Split(':', 3);
        if (parts.Length < 3) throw Wrong(text, "has fewer than four parts");
        FlowProtocol protocol = parts[0].ToLowerInvariant() switch
        {
            "tcp" => FlowProtocol.Tcp,
            "udp" => FlowProtocol.Udp,
            _ => throw Wrong(text, $"'{parts[0]}' is neither tcp nor udp"),
        };
        int port = ParsePort(text, parts[1]);
        int colon = parts[2].LastIndexOf(':');
        if (colon < 0) throw Wrong(text, "has fewer than four parts");
        string host = parts[2][..colon];
        int targetPort = ParsePort(text, parts[2][(colon + 1)..]);
        bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
        if (IpAddress.TryParse(isBracketed ? host[1..^1] : host, out IpAddress address))
        {
            if (address.IsV4 == isBracketed) throw Wrong(text, isBracketed ? "an IPv4 address stands without brackets" : "an IPv6 address stands in brackets");
            return new ForwardRule(protocol, port, new IPEndPoint(address.ToIPAddress(), targetPort));
        }
        if (host.Length == 0 || isBracketed || Uri.CheckHostName(host) != UriHostNameType.Dns) throw Wrong(text, $"'{host}' is neither a name nor an address");
        return new ForwardRule(protocol, port, new DnsEndPoint(host, targetPort));
    }

    /// <summary>What is open here, and where it leads.</summary>
    public override string ToString()
    {
        string target = Target switch
        {
            DnsEndPoint name => $"{name.Host}:{name.Port}",
            { } other => other.ToString()!,
        };
        return $"{Protocol.ToString().ToLowerInvariant()} 127.0.0.1:{Port.ToString(CultureInfo.InvariantCulture)} to {target}";
    }

    private static int ParsePort(string text, string port) =>
        int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value is >= 1 and <= 65_535
            ? value : throw Wrong(text, $"'{port}' is not a port from 1 to 65535");

    private static UsageException Wrong(string text, string why) =>
        new($"--forward: '{text}': {why}; a rule is protocol:port:destination:destination_port, such as tcp:5432:db.internal:5432 or udp:53:[2001:db8::1]:53");
}
