namespace Ginnel.Cli.CommandLine;

/// <summary><c>ginnel entrance</c> as it is described and parsed.</summary>
internal static class EntranceDescription
{
    /// <summary>The command.</summary>
    public static GinnelCommand Create() => new("entrance", "Be the near end: reach networks through an exit elsewhere.", Describe);

    private static CommandDetails Describe(List<Option> options)
    {
        options.Add(CommandTree.HelpSwitch());
        options.Add(new ValueOption("--connect", "unix:PATH|ADDR:PORT", "The exit's listener."));
        options.Add(new ValueOption("--command", "LINE", "A command line for sh whose standard input and output lead to an exit.") { Kind = ValueKind.Command });
        ExitDescription.AddSecret(options);
        options.Add(new ValueOption("--forward", "PROTOCOL:PORT:HOST:PORT",
            "Listen on a port of this host's loopback and pass what comes to HOST at the exit; PROTOCOL is tcp or udp, HOST a name, an IPv4 address or an IPv6 address in brackets.")
        { IsList = true });
        options.Add(new SwitchOption("--root", "Be uid 0 inside, with COMMAND."));
        RunDescription.AddNetwork(options);
        RunDescription.AddReporting(options);
        return new CommandDetails
        {
            Usage = "entrance (--connect ADDRESS | --command LINE) [--forward RULE…] [OPTION…] [-- COMMAND [ARGUMENT…]]",
            Text =
            [
                "Joins a ginnel exit over a byte stream. --forward opens ports here that lead to destinations there. With COMMAND, that program runs as "
                + "ginnel run would run it, but everything it dials goes through the exit, and names are resolved there. No privileges are needed at either end.",
            ],
            TakesCommand = true,
            Examples =
            [
                ("ginnel entrance --command 'ssh host ginnel exit --stdio --expose 10.0.0.0/8' -- curl http://10.1.2.3/", "one program through a host that ssh reaches"),
                ("ginnel entrance --connect unix:/run/user/1000/exit --forward tcp:5432:db.internal:5432", "a port of this host's loopback that leads to a database there"),
                ("ginnel entrance --connect 192.0.2.7:7000 --secret-file ~/exit.secret -- bash", "a shell whose network is the exit's"),
            ],
            ExitCodes =
            [
                ("0, 1, 2", "without COMMAND: ended, failed, the words are wrong"),
                .. RunDescription.ExitCodes,
            ],
        };
    }
}
