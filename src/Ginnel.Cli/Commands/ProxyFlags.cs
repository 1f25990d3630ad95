using System.Text;
using Ginnel.Cli.CommandLine;
using Ginnel.Proxy;

namespace Ginnel.Cli.Commands;

/// <summary>
/// The tunnel as options describe it, where there is no file: they are put into the form of one and read like one, so that there is one set of rules and
/// of messages. Keys come from files or the environment, never from the command line, which everybody on the machine can read.
/// </summary>
internal static class ProxyFlags
{
    /// <summary>Where a container may put the private key itself.</summary>
    public const string PrivateKeyVariable = "GINNEL_PRIVATE_KEY";

    private static readonly string[] Names = ["--private-key-file", "--address", "--dns", "--mtu", "--listen-port", "--peer"];

    /// <summary>The first of these options that was given, or null.</summary>
    public static string? Given(OptionValues options) =>
        Names.FirstOrDefault(name => options.List(name).Count > 0) ?? (Environment.GetEnvironmentVariable(PrivateKeyVariable) is { Length: > 0 } && options.Value("--config") is null ? PrivateKeyVariable : null);

    /// <summary>Reads them.</summary>
    /// <exception cref="UsageException">One says something wrong.</exception>
    /// <exception cref="ConfigurationException">A value does.</exception>
    public static ProxyConfiguration Read(OptionValues options)
    {
        StringBuilder text = new("[Interface]\n");
        if (options.Value("--private-key-file") is { } file) text.Append("PrivateKeyFile = ").AppendLine(Path.GetFullPath(file));
        else if (Environment.GetEnvironmentVariable(PrivateKeyVariable) is { Length: > 0 } key) text.Append("PrivateKey = ").AppendLine(key.Trim());
        else throw new UsageException($"where is the private key? --private-key-file FILE, or {PrivateKeyVariable}");
        foreach (string address in options.List("--address")) text.Append("Address = ").AppendLine(Line(address));
        foreach (string server in options.List("--dns")) text.Append("DNS = ").AppendLine(Line(server));
        if (options.Value("--mtu") is { } mtu) text.Append("MTU = ").AppendLine(Line(mtu));
        if (options.Value("--listen-port") is { } port) text.Append("ListenPort = ").AppendLine(Line(port));
        foreach (string peer in options.List("--peer")) AppendPeer(text, peer);
        return WireGuardFile.Parse(text.ToString(), "the options");
    }

    // KEY,endpoint=HOST:PORT,allowed-ips=CIDR,allowed-ips=CIDR,keepalive=SECONDS,preshared-key-file=FILE
    private static void AppendPeer(StringBuilder text, string peer)
    {
        string[] parts = Line(peer).Split(',');
        text.Append("[Peer]\nPublicKey = ").AppendLine(parts[0]);
        foreach (string part in parts.Skip(1))
        {
            string[] pair = part.Split('=', 2);
            string key = pair[0] switch
            {
                "endpoint" => "Endpoint", "allowed-ips" => "AllowedIPs", "keepalive" => "PersistentKeepalive", "preshared-key-file" => "PresharedKeyFile",
                _ => throw new UsageException($"--peer: '{pair[0]}' is not known; there are endpoint=, allowed-ips=, keepalive= and preshared-key-file="),
            };
            if (pair.Length < 2) throw new UsageException($"--peer: {pair[0]} needs a value: {pair[0]}=…");
            text.Append(key).Append(" = ").AppendLine(key == "PresharedKeyFile" ? Path.GetFullPath(pair[1]) : pair[1]);
        }
    }

    private static string Line(string value) =>
        value.AsSpan().IndexOfAny('\n', '\r', '#') < 0 ? value : throw new UsageException($"'{value}' holds a line's end or '#', which no value does");
}
