namespace Ginnel.Cli.CommandLine;

/// <summary><c>ginnel exit</c> as it is described and parsed.</summary>
internal static class ExitDescription
{
    /// <summary>The command.</summary>
    public static GinnelCommand Create() => new("exit", "Be the far end: let entrances reach networks through this host.", Describe);

    private static CommandDetails Describe(List<Option> options)
    {
        options.Add(CommandTree.HelpSwitch());
        options.Add(new ValueOption("--expose", "CIDR", "A network that entrances may reach.") { IsList = true });
        options.Add(new SwitchOption("--stdio", "Carry packets over standard input and output."));
        options.Add(new ValueOption("--listen", "unix:PATH|ADDR:PORT", "Wait for entrances there."));
        AddSecret(options);
        options.Add(new SwitchOption("--insecure-listen", "Allow --listen on a reachable address without a secret."));
        options.Add(new ValueOption("--dns", "ADDR", "Resolve names for the entrances at this name server instead of the host's.") { IsList = true, Default = "those in /etc/resolv.conf" });
        options.Add(new SwitchOption("--verbose", "A line on standard error for every flow that ends.", "-v"));
        options.Add(new ValueOption("--log", "FILE", "Append these lines to FILE instead; implies -v.") { Kind = ValueKind.File });
        return new CommandDetails
        {
            Usage = "exit --expose CIDR… (--stdio | --listen ADDRESS) [OPTION…]",
            Text =
            [
                "Carries packets over a byte stream and dials what they ask for with this host's ordinary sockets, for the exposed networks and no others. "
                + "Nothing exposed: refuses to start. Several entrances may share one exit. No privileges are needed.",
                "A route such as 0.0.0.0/0 never includes this host's loopback; expose 127.0.0.1/32 or ::1/128 by name for that. Entrances reach it as exit.ginnel.internal.",
                "A listener that is neither loopback nor a Unix socket needs --secret-file, or --insecure-listen if you mean it. The secret proves to each "
                + "side that the other knows it. It does not encrypt: over a network that others can read or change, use ssh (see ginnel entrance --command).",
            ],
            Examples =
            [
                ("ginnel exit --expose 10.0.0.0/8 --stdio", "over standard input and output, as ssh starts it"),
                ("ginnel exit --expose 0.0.0.0/0 --expose ::/0 --listen unix:/run/user/1000/exit", "everything but loopback, over a Unix socket"),
                ("ginnel exit --expose 192.168.7.0/24 --listen 0.0.0.0:7000 --secret-file ~/exit.secret", "over TCP, for those who know the secret"),
            ],
            ExitCodes = [("0", "ended, by its peer or by SIGINT or SIGTERM"), ("1", "failed; standard error says why"), ("2", "the words are wrong, or nothing is exposed")],
        };
    }

    /// <summary>The option that both ends have.</summary>
    public static void AddSecret(List<Option> options) => options.Add(new ValueOption("--secret-file", "FILE",
        "A file with a secret of at least 16 bytes that both ends know; others must not be able to read it. Authenticates, does not encrypt.")
    { Kind = ValueKind.File });
}
