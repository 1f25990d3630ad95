namespace Ginnel.Cli.CommandLine;

/// <summary><c>ginnel proxy</c> as it is described and parsed.</summary>
internal static class ProxyDescription
{
    /// <summary>The command.</summary>
    public static GinnelCommand Create()
    {
        GinnelCommand command = new("proxy", "Lead ports into and out of a WireGuard network, without privileges.", new CommandDetails
        {
            Usage = "proxy --config FILE [--ingress RULE | --egress RULE]… [OPTION…]",
            Text =
            [
                "Joins a WireGuard network with the file that you already have, on a stack of its own: no interface, no route, no privilege. "
                + "Each rule opens a port and leads it on.",
                "A rule is protocol:port:destination:destination_port. Ingress listens on the tunnel's addresses and dials the host's network; egress listens "
                + "on all of this host's addresses and dials through the tunnel. IPv6 addresses stand in brackets; names are resolved on the side to which "
                + "the rule leads, in the tunnel by the file's DNS. Several rules with one port share its connections in turn, and a target that refuses is passed over.",
                "Behind a rule may stand, each behind a comma: bind=ADDR, name=WORD, idle=30s, connect-timeout=5s, source=CIDR, max=N.",
                "The file is that of wg-quick: [Interface] with PrivateKey or PrivateKeyFile, Address, DNS, MTU, ListenPort; [Peer] with PublicKey, PresharedKey, "
                + "AllowedIPs, Endpoint, PersistentKeepalive. What would change the host (PostUp, Table …) is refused.",
            ],
            Examples =
            [
                ("ginnel proxy --config wg0.conf --egress tcp:5432:db.internal:5432,bind=127.0.0.1", "a database in the tunnel, on this host's port 5432"),
                ("ginnel proxy --config wg0.conf --ingress tcp:443:127.0.0.1:8443", "a service of this host, for the tunnel"),
                ("ginnel proxy --config wg0.conf --check", "only say whether the file and the rules are right"),
            ],
            ExitCodes = [("0", "ended by SIGINT or SIGTERM; or --check found nothing wrong"), ("1", "failed; standard error says why"), ("2", "the words, the file or a rule are wrong")],
        });
        command.Options.Add(CommandTree.HelpSwitch());
        command.Options.Add(new ValueOption("--config", "FILE", "The WireGuard file.") { Kind = ValueKind.File });
        command.Options.Add(new ValueOption("--ingress", "RULE", "Listen on the tunnel, dial the host's network.") { IsList = true });
        command.Options.Add(new ValueOption("--egress", "RULE", "Listen on the host, dial through the tunnel.") { IsList = true });
        command.Options.Add(new SwitchOption("--check", "Say whether the file and the rules are right, and end."));
        command.Options.Add(new SwitchOption("--verbose", "A line on standard error for every flow that ends.", "-v"));
        command.Options.Add(new ValueOption("--log", "FILE", "Append these lines to FILE instead; implies -v.") { Kind = ValueKind.File });
        return command;
    }
}
