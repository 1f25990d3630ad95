using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ginnel.Cli.CommandLine;
using Ginnel.Sandbox;
using Ginnel.Wire;

namespace Ginnel.Cli.Commands;

/// <summary>Reads the values that several commands have.</summary>
internal static class NetworkOptions
{
    /// <summary>The options of a command that runs a program.</summary>
    /// <exception cref="UsageException">A value is wrong.</exception>
    public static RunOptions ReadRun(OptionValues options, IReadOnlyList<byte[]> command, FlowReport report) => new()
    {
        Command = command,
        IpV6 = !options.Has("--no-ipv6"),
        Mtu = ReadMtu(options.Value("--mtu")),
        Subnets = options.List("--subnet", ReadSubnet),
        AsRoot = options.Has("--root"),
        CaptureFile = options.Value("--pcap"),
        FlowLog = report.Log,
        Summary = options.Has("--summary") ? Console.Error : null,
        StatusPage = !options.Has("--no-status"),
        Version = () => ProgramVersion.Text,
        SelfCommand = SelfCommand.Words,
        OwnsProcess = true,
        Caller = Program.Caller,
    };

    /// <summary>Name servers.</summary>
    public static IReadOnlyList<IPAddress> ReadNameServers(OptionValues options) => [.. options.List("--dns").Select(text =>
        IpAddress.TryParse(text, out IpAddress address) ? address.ToIPAddress() : throw new UsageException($"--dns: '{text}' is not an address, such as 192.0.2.53 or 2001:db8::53"))];

    private static int ReadMtu(string? text)
    {
        if (text is null) return 1500;
        bool isNumber = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int mtu);
        return isNumber && mtu is >= LaunchOptions.SmallestMtu and <= LaunchOptions.GreatestMtu
            ? mtu : throw new UsageException($"--mtu: '{text}' is not a number of bytes from {LaunchOptions.SmallestMtu} to {LaunchOptions.GreatestMtu}");
    }

    private static IPNetwork ReadSubnet(string text)
    {
        if (text.Contains('/', StringComparison.Ordinal) && IpPrefix.TryParse(text, out IpPrefix prefix)) return prefix.ToIPNetwork();
        string hint = IpPrefix.TryParse(text.Split('/')[0], out _) ? "; the bits behind the prefix must be zero" : "";
        throw new UsageException($"--subnet: '{text}' is not a network, such as 10.0.2.0/24 or fd00:2::/64{hint}");
    }

    /// <summary>Networks to expose.</summary>
    public static IReadOnlyList<IPNetwork> ReadExposed(OptionValues options) => [.. options.List("--expose").Select(text =>
        IpPrefix.TryParse(text, out IpPrefix prefix) ? prefix.ToIPNetwork() : throw new UsageException($"--expose: '{text}' is not a network, such as 10.0.0.0/8, 192.0.2.7 or 2001:db8::/32"))];

    /// <summary>Where to listen, or what to connect to: <c>unix:PATH</c>, <c>ADDR:PORT</c>, or with <paramref name="allowsNames"/> <c>NAME:PORT</c>.</summary>
    public static EndPoint ReadEndPoint(string option, string text, bool allowsNames)
    {
        const string Unix = "unix:";
        if (text.StartsWith(Unix, StringComparison.Ordinal))
        {
            string path = text[Unix.Length..];
            try
            {
                if (path.Length > 0) return new UnixDomainSocketEndPoint(path);
            }
            catch (ArgumentOutOfRangeException)
            {
                throw new UsageException($"{option}: the path of a Unix socket has at most 107 bytes, and '{path}' has more");
            }
        }
        int colon = text.LastIndexOf(':');
        if (colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65_535)
        {
            string host = text[..colon];
            bool isBracketed = host.StartsWith('[') && host.EndsWith(']');
            if (IpAddress.TryParse(isBracketed ? host[1..^1] : host, out IpAddress address) && address.IsV4 != isBracketed) return new IPEndPoint(address.ToIPAddress(), port);
            if (allowsNames && Uri.CheckHostName(host) == UriHostNameType.Dns) return new DnsEndPoint(host, port);
        }
        throw new UsageException($"{option}: '{text}' is neither unix:PATH nor {(allowsNames ? "HOST:PORT" : "ADDR:PORT")}; an IPv6 address stands in brackets");
    }
}
