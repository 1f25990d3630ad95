namespace Ginnel.Cli.CommandLine;

/// <summary><c>ginnel proxy</c> as it is described and parsed.</summary>
internal static class ProxyDescription
{
    /// <summary>The command.</summary>
    public static GinnelCommand Create() => new("proxy", "Lead ports into and out of a WireGuard network, without privileges.", Describe);

    private static CommandDetails Describe(List<Option> options)
    {
        options.Add(CommandTree.HelpSwitch());
        AddTunnel(options);
        options.Add(new ValueOption("--ingress", "RULE", "Listen on the tunnel, dial the host's network.") { IsList = true });
        options.Add(new ValueOption("--egress", "RULE", "Listen on the host, dial through the tunnel.") { IsList = true });
        options.Add(new ValueOption("--socks5", "ADDR:PORT", "A SOCKS5 proxy into the tunnel: CONNECT, BIND and UDP ASSOCIATE. :1080 is loopback's; elsewhere it needs a user and a password.") { IsList = true });
        options.Add(new ValueOption("--http", "ADDR:PORT", "An HTTP proxy into the tunnel: CONNECT and requests in absolute form. The same holds.") { IsList = true });
        options.Add(new ValueOption("--proxy-user-file", "FILE", "What clients of --socks5 and --http must present: a line user:password. Others must not be able to read it. GINNEL_PROXY_USER may hold the line itself.") { Kind = ValueKind.File });
        options.Add(new ValueOption("--stdio", "HOST:PORT", "Make standard input and output a connection into the tunnel, and end with it."));
        options.Add(new SwitchOption("--all-ingress", "Whatever the tunnel's side asks of our addresses is dialled on this host's loopback, at the same port."));
        options.Add(new ValueOption("--all-ingress-ports", "PORTS", "The same for these ports only, such as 22,80,8000-8100."));
        AddOperation(options);
        return new CommandDetails
        {
            Usage = "proxy --config FILE [--ingress RULE | --egress RULE]… [OPTION…]",
            ReadsEnvironment = true,
            Text =
            [
                "Joins a WireGuard network with the file that you already have, on a stack of its own: no interface, no route, no privilege. "
                + "Each rule opens a port and leads it on.",
                "A rule is protocol:port:destination:destination_port. Ingress listens on the tunnel's addresses and dials the host's network; egress listens "
                + "on all of this host's addresses and dials through the tunnel. IPv6 addresses stand in brackets; names are resolved on the side to which "
                + "the rule leads, in the tunnel by the file's DNS. Several rules with one port share its connections in turn, and a target that refuses is passed over.",
                "Behind a rule may stand, each behind a comma: bind=ADDR, name=WORD, idle=30s, connect-timeout=5s, source=CIDR, max=N, "
                + "proxy-protocol=v1 or v2.",
                "The file is that of wg-quick: [Interface] with PrivateKey or PrivateKeyFile, Address, DNS, MTU, ListenPort; [Peer] with PublicKey, PresharedKey, "
                + "AllowedIPs, Endpoint, PersistentKeepalive. What would change the host (PostUp, Table …) is refused. "
                + "wireproxy's sections ([TCPClientTunnel], [TCPServerTunnel], [UDPProxyTunnel], [STDIOTunnel], [Socks5], [http]), WGConfig and $VARIABLE are understood.",
                "While it runs, ginnel ctl tells how it is and changes its rules; SIGHUP reads the file again. Each option can come from the environment: GINNEL_EGRESS is "
                + "--egress, several values with white space between them; the command line goes first.",
            ],
            Examples =
            [
                ("ginnel proxy --config wg0.conf --egress tcp:5432:db.internal:5432,bind=127.0.0.1", "a database in the tunnel, on this host's port 5432"),
                ("ginnel proxy --config wg0.conf --ingress tcp:443:127.0.0.1:8443", "a service of this host, for the tunnel"),
                ("ssh -o ProxyCommand='ginnel proxy --config wg0.conf --stdio %h:%p' host", "ssh into the tunnel"),
                ("ginnel proxy --config wg0.conf --check", "only say whether the file and the rules are right"),
            ],
            ExitCodes = [("0", "ended by SIGINT or SIGTERM; or --check found nothing wrong"), ("1", "failed; standard error says why"), ("2", "the words, the file or a rule are wrong")],
        };
    }

    private static void AddTunnel(List<Option> options)
    {
        options.Add(new ValueOption("--config", "FILE", "The WireGuard file.") { Kind = ValueKind.File });
        options.Add(new ValueOption("--private-key-file", "FILE", "Instead of a WireGuard file: our private key. GINNEL_PRIVATE_KEY may hold the key itself.") { Kind = ValueKind.File });
        options.Add(new ValueOption("--address", "CIDR", "Instead of a WireGuard file: our address in the tunnel.") { IsList = true });
        options.Add(new ValueOption("--peer", "KEY,…", "Instead of a WireGuard file: a peer's public key, and behind commas endpoint=HOST:PORT, allowed-ips=CIDR (again for each), keepalive=SECONDS, preshared-key-file=FILE.") { IsList = true });
        options.Add(new ValueOption("--dns", "ADDR", "Instead of a WireGuard file: a name server in the tunnel.") { IsList = true });
        options.Add(new ValueOption("--mtu", "BYTES", "Instead of a WireGuard file: the tunnel's MTU.") { Default = "1420" });
        options.Add(new ValueOption("--listen-port", "PORT", "Instead of a WireGuard file: our UDP port.") { Default = "any" });
    }

    private static void AddOperation(List<Option> options)
    {
        options.Add(new ValueOption("--name", "NAME", "What ginnel ctl calls this instance; a second of the same name is refused.", "-n") { Default = "the WireGuard file's name" });
        options.Add(new ValueOption("--control", "PATH|none", "Where the control socket is, which its owner alone may use.") { Default = "$XDG_RUNTIME_DIR/ginnel/NAME.sock; /run/ginnel as root", Kind = ValueKind.File });
        options.Add(new ValueOption("--nexd-socket", "PATH", "Answer nexctl's calls (JSON-RPC 1.0, NexdCtl.*) there.") { Kind = ValueKind.File });
        options.Add(new ValueOption("--state", "DIR|none", "Where rules that were added at run time are kept; nexd's state directory is understood.") { Default = "$XDG_STATE_HOME/ginnel/NAME", Kind = ValueKind.File });
        options.Add(new ValueOption("--metrics", "ADDR:PORT", "Serve /metrics for Prometheus, /healthz and /readyz there."));
        options.Add(new ValueOption("--pcap", "FILE", "Record what passes inside the tunnel (pcapng).") { Kind = ValueKind.File });
        options.Add(new ValueOption("--drain", "TIME", "After the signal to stop: how long open connections may go on; 0 for not at all.") { Default = "10s" });
        options.Add(new SwitchOption("--check", "Say whether the file and the rules are right, and end."));
        options.Add(new SwitchOption("--verbose", "A line on standard error for every flow that ends.", "-v"));
        options.Add(new ValueOption("--log", "FILE", "Append these lines to FILE instead; implies -v.") { Kind = ValueKind.File });
        options.Add(new ValueOption("--log-format", "text|json", "What a line looks like.") { Default = "text" });
    }
}
