namespace Ginnel.Cli.CommandLine;

/// <summary><c>ginnel run</c> as it is described and parsed.</summary>
internal static class RunDescription
{
    /// <summary>What every command that runs a program ends with.</summary>
    public static IReadOnlyList<(string Code, string Meaning)> ExitCodes =>
    [
        ("COMMAND's own", "it ran; 128 and the signal's number if a signal ended it"),
        ("125", "Ginnel itself failed; standard error names the cause and the remedy"),
        ("126", "COMMAND was found and cannot be executed"),
        ("127", "COMMAND was not found"),
    ];

    /// <summary>The command.</summary>
    public static GinnelCommand Create() => new("run", "Run a program with a network of its own.", Describe);

    private static CommandDetails Describe(List<Option> options)
    {
        options.Add(CommandTree.HelpSwitch());
        options.Add(new ValueOption("--publish", "[ADDR:]PORT[:PORT][/udp]",
            "Accept connections on a port of this host and pass them to a port inside, where programs on the sandbox's loopback are reached too. "
            + "Ranges such as 8000-8010 are possible, IPv6 addresses stand in brackets.", "-p")
        { IsList = true, Default = "ADDR is 127.0.0.1, the port inside is the port outside, TCP" });
        options.Add(new SwitchOption("--host-loopback", "Let the program reach this host's loopback, as host.ginnel.internal "
            + "(also host.containers.internal and host.docker.internal)."));
        options.Add(new ValueOption("--dns", "ADDR", "Ask this name server instead of the host's.") { IsList = true, Default = "those in /etc/resolv.conf" });
        options.Add(new SwitchOption("--root", "Be uid 0 inside."));
        AddNetwork(options);
        AddReporting(options);
        return new CommandDetails
        {
            Usage = "run [OPTION…] [--] [COMMAND [ARGUMENT…]]",
            Text =
            [
                "Runs COMMAND (your $SHELL if there is none) in a fresh network namespace whose only interface leads to Ginnel's own TCP/IP stack. "
                + "Its connections leave through this host's ordinary sockets, under your name. If Ginnel dies, the program has no network.",
                "Everything from the first word that is neither an option of ours nor its value belongs to COMMAND, byte for byte: "
                + "in 'ginnel run curl -v', -v is curl's.",
                "Inside, http://ginnel.internal/ shows addresses, name servers and live flows. The host's loopback is unreachable unless "
                + "--host-loopback opens it; the host's other addresses are reached as a neighbour on its network would reach them.",
            ],
            TakesCommand = true,
            UsageExitCode = 125,
            Examples =
            [
                ("ginnel run -- curl -s http://ginnel.internal/", "works offline: the stack's own status page"),
                ("ginnel run -v -- git clone https://example.org/repo.git", "with a line on standard error for every flow"),
                ("ginnel run --host-loopback -- psql -h host.ginnel.internal", "reach a server on this host's loopback"),
                ("ginnel run -p 8080:80 -- nginx -g 'daemon off;'", "port 80 inside is http://127.0.0.1:8080/ outside"),
                ("ginnel run --pcap trace.pcapng -- dig example.org", "keep the packets, for Wireshark"),
            ],
            ExitCodes = ExitCodes,
        };
    }

    /// <summary>The options that say what the network inside looks like.</summary>
    public static void AddNetwork(List<Option> options)
    {
        options.Add(new SwitchOption("--no-ipv6", "Have no IPv6 inside."));
        options.Add(new ValueOption("--mtu", "BYTES", "Longest IP packet towards the program, 68–65520; below 1280 there is no IPv6.") { Default = "1500" });
        options.Add(new ValueOption("--subnet", "CIDR", "The network inside; once for IPv4, once for IPv6.")
        { IsList = true, Default = "10.0.2.0/24 and fd00:2::/64, or the next that this host has no route to" });
    }

    /// <summary>The options that say what is told about the flows.</summary>
    public static void AddReporting(List<Option> options)
    {
        options.Add(new SwitchOption("--no-status", "Do not serve http://ginnel.internal/."));
        options.Add(new ValueOption("--pcap", "FILE", "Write every packet to FILE, in pcapng, readable by you only.") { Kind = ValueKind.File });
        options.Add(new SwitchOption("--verbose", "A line on standard error for every flow that ends: name or address, port, bytes, duration, how it ended.", "-v"));
        options.Add(new ValueOption("--log", "FILE", "Append these lines to FILE instead; implies -v.") { Kind = ValueKind.File });
        options.Add(new SwitchOption("--summary", "Totals on standard error at the end."));
    }
}
