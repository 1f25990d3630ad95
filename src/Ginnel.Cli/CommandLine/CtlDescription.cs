namespace Ginnel.Cli.CommandLine;

/// <summary><c>ginnel ctl</c> as it is described and parsed.</summary>
internal static class CtlDescription
{
    /// <summary>The command.</summary>
    public static GinnelCommand Create() => new("ctl", "Ask a running ginnel proxy, and change its rules.", Describe);

    private static CommandDetails Describe(List<Option> options)
    {
        options.Add(CommandTree.HelpSwitch());
        options.Add(new ValueOption("--name", "NAME", "The instance, as its --name or its file is called.", "-n"));
        options.Add(new ValueOption("--socket", "PATH", "Its control socket, where that is in no usual place.") { Kind = ValueKind.File });
        options.Add(new SwitchOption("--json", "Answer as the proxy does, in JSON."));
        options.Add(new ValueOption("--ingress", "RULE", "With proxy add and proxy remove: a rule that listens on the tunnel.") { IsList = true });
        options.Add(new ValueOption("--egress", "RULE", "With proxy add and proxy remove: a rule that listens on the host.") { IsList = true });
        options.Add(new SwitchOption("--now", "With proxy remove: reset what has come in by the rule."));
        options.Add(new ValueOption("--count", "N", "With ping: how many requests.", "-c") { Default = "1" });
        return new CommandDetails
        {
            Usage = "ctl [--name NAME | --socket PATH] [--json] VERB …",
            Text =
            [
                "status: what the proxy is and how it is. peers: endpoint, latest handshake, bytes and health of each. ping ADDRESS: an echo through the tunnel. "
                + "flows: what is carried now; flows end ID resets one.",
                "proxy list: the rules. proxy add --ingress RULE --egress RULE: add rules, all or none; they are there again after a restart. proxy remove, likewise, "
                + "takes rules out: what has come in by them goes on until it ends, or is reset with --now. A rule is named as it was given, without its options, or by its name=. "
                + "proxy add ingress RULE, in words, does the same. proxy import FILE adds the rules of nexd's state.json.",
                "reload: read the WireGuard file again and take over its peers. debug on, debug off: a line for every flow that ends, or none.",
                "Without --name and --socket the only proxy of this user that runs is meant. The socket speaks HTTP and JSON: docs/control-api.md.",
            ],
            Words = ["status", "peers", "ping", "proxy", "flows", "reload", "debug"],
            TakesFurtherWords = true,
            Examples =
            [
                ("ginnel ctl proxy add --egress tcp:5432:db.internal:5432,bind=127.0.0.1", "one more port, from now on"),
                ("ginnel ctl --name wg0 peers", "whether the other side is there"),
                ("ginnel ctl proxy remove tcp:5432:db.internal:5432 --now", "close it, and reset what is open"),
            ],
            ExitCodes = [("0", "done"), ("1", "failed; standard error says why, and the proxy is as it was"), ("2", "the words are wrong")],
        };
    }
}
