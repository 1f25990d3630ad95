using System.Globalization;
using System.Net;
using Ginnel.Cli.CommandLine;
using Ginnel.Cli.Control;
using Ginnel.Proxy;

namespace Ginnel.Cli.Commands;

/// <summary>What <c>ginnel proxy</c> was told: on the command line, by the environment and in its file.</summary>
internal sealed class ProxySettings
{
    private const string None = "none";
    private readonly OptionValues _options;

    private ProxySettings(OptionValues options) => _options = options;

    /// <summary>The instance's name.</summary>
    public required string Name { get; init; }

    /// <summary>The tunnel, with the ports of the command line and of the file.</summary>
    public required ProxyPlan Plan { get; init; }

    /// <summary>A control socket of the user's choice; null for the usual place.</summary>
    public string? ControlPath => _options.Value("--control") is { } path && path != None ? path : null;

    /// <summary>Whether there is a control socket at all. Whoever lends standard input and output may be started many times at once, and has none unless asked.</summary>
    public bool HasControl => _options.Value("--control") is { } path ? path != None : Stdio is null;

    /// <summary>Where standard input and output lead in the tunnel; null for nowhere.</summary>
    public EndPoint? Stdio { get; private init; }

    /// <summary>Where rules outlive the process; null for nowhere.</summary>
    public string? StateDirectory => _options.Value("--state") switch
    {
        None => null,
        { } given => given,
        null => HasControl && DefaultStateRoot is { } root ? Path.Combine(root, Name) : null,
    };

    /// <summary>Where figures and health are served; null for nowhere.</summary>
    public IPEndPoint? Metrics { get; private init; }

    /// <summary>How long connections may go on after the signal to stop.</summary>
    public TimeSpan Drain { get; private init; }

    /// <summary>The plan, recorded in a file.</summary>
    public ProxyPlan PlanWith(CaptureFile? capture) => new()
    {
        Configuration = Plan.Configuration, Rules = Plan.Rules, Doors = Plan.Doors, AllIngress = Plan.AllIngress, OwnPorts = Plan.OwnPorts, Capture = capture,
    };

    // Nowhere without a home, rather than wherever it was started.
    private static string? DefaultStateRoot =>
        Environment.GetEnvironmentVariable("XDG_STATE_HOME") is { Length: > 0 } state && Path.IsPathRooted(state) ? Path.Combine(state, "ginnel")
        : Environment.IsPrivilegedProcess ? "/var/lib/ginnel"
        : Environment.GetFolderPath(Environment.SpecialFolder.UserProfile) is { Length: > 0 } home ? Path.Combine(home, ".local", "state", "ginnel") : null;

    /// <summary>Reads everything, and opens nothing.</summary>
    /// <exception cref="UsageException">An option says something wrong.</exception>
    /// <exception cref="ConfigurationException">The file does.</exception>
    public static ProxySettings Read(OptionValues options)
    {
        string name = options.Value("--name") ?? Path.GetFileNameWithoutExtension(options.Value("--config") ?? "proxy");
        if (!Instance.IsName(name)) throw new UsageException($"--name: '{name}' is no name for an instance: letters, digits, '.', '-' and '_', up to 64, beginning with none of the marks");
        ProxyConfiguration configuration = Load(options);
        IPEndPoint? metrics = options.Value("--metrics") is { } text ? EndPointOf("--metrics", text) : null;
        IReadOnlyList<ProxyDoor> doors = DoorOptions.Read(options, configuration);
        return new ProxySettings(options)
        {
            Name = name, Metrics = metrics, Stdio = StdioOf(options) ?? configuration.Stdio,
            Plan = new ProxyPlan
            {
                Configuration = configuration, Rules = ReadRules(options, configuration), Doors = doors, AllIngress = AllIngressOf(options),
                OwnPorts = doors.Select(door => door.Local).Append(metrics).OfType<IPEndPoint>().Select(local => local.Port).Append(configuration.ListenPort).ToHashSet(),
            },
            Drain = RuleParser.TryDuration(options.Value("--drain") ?? "10s", out TimeSpan drain) ? drain
                : options.Value("--drain") == "0" ? TimeSpan.Zero : throw new UsageException($"--drain: '{options.Value("--drain")}' is no duration, such as 30s, or 0"),
        };
    }

    /// <summary>The tunnel's configuration, read anew.</summary>
    /// <exception cref="UsageException">An option says something wrong.</exception>
    /// <exception cref="ConfigurationException">The file does, or it cannot be read.</exception>
    public static ProxyConfiguration Load(OptionValues options)
    {
        bool hasFlags = ProxyFlags.Given(options) is { } flag && options.Value("--config") is not null
            ? throw new UsageException($"--config and {flag}: the tunnel is described by a file or by options, not by both") : ProxyFlags.Given(options) is not null;
        if (hasFlags) return ProxyFlags.Read(options);
        if (options.Value("--config") is not { } path) throw new UsageException("which network? name a WireGuard file with --config FILE, or describe it: --private-key-file, --address, --peer");
        try
        {
            return WireGuardFile.Load(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException($"--config: {path} cannot be read: {failure.Message}");
        }
    }

    /// <summary>An address and a port, as an option has it.</summary>
    /// <exception cref="UsageException">It is none.</exception>
    public static IPEndPoint EndPointOf(string option, string text)
    {
        if (text.StartsWith(':')) text = "127.0.0.1" + text;
        int colon = text.LastIndexOf(':');
        if (colon > 0 && int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is >= 0 and <= 65_535
            && (text[..colon] == "localhost" ? IPAddress.Loopback : IPAddress.TryParse(text[..colon].Trim('[', ']'), out IPAddress? parsed) ? parsed : null) is { } address)
            return new IPEndPoint(address, port);
        throw new UsageException($"{option}: '{text}' is no address with its port, such as 127.0.0.1:9100 or [::1]:9100");
    }

    private static EndPoint? StdioOf(OptionValues options)
    {
        if (options.Value("--stdio") is not { } text) return null;
        return RuleParser.TryTarget(text, out EndPoint? target, out string? why) ? target : throw new UsageException($"--stdio: '{text}': {why}");
    }

    private static PortRanges? AllIngressOf(OptionValues options)
    {
        if (options.Value("--all-ingress-ports") is not { } text) return options.Has("--all-ingress") ? PortRanges.All : null;
        return PortRanges.TryParse(text, out PortRanges? ports) ? ports : throw new UsageException($"--all-ingress-ports: '{text}' are no ports, such as 22,80,8000-8100");
    }

    private static IReadOnlyList<ProxyRule> ReadRules(OptionValues options, ProxyConfiguration configuration)
    {
        RuleSet rules = new();
        foreach (ProxyRule rule in configuration.Rules)
            if (!rules.TryAdd(rule, out string? error)) throw new ConfigurationException($"{options.Value("--config")}: {error}");
        foreach ((string option, ProxyDirection direction) in (ReadOnlySpan<(string, ProxyDirection)>)[("--ingress", ProxyDirection.Ingress), ("--egress", ProxyDirection.Egress)])
        {
            foreach (string text in options.List(option))
            {
                if (!RuleParser.TryParse(direction, text, out ProxyRule? rule, out string? error)) throw new UsageException($"{option}: {error}");
                if (!rules.TryAdd(rule, out error)) throw new UsageException(error);
            }
        }
        return rules.Rules;
    }
}
