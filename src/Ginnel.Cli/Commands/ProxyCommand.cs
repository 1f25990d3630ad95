using Ginnel.Cli.CommandLine;
using Ginnel.Proxy;
using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary><c>ginnel proxy</c>.</summary>
internal static class ProxyCommand
{
    private const int Failed = 1, WrongWords = 2;

    /// <summary>Serves until a signal comes or the tunnel breaks.</summary>
    public static async Task<int> RunAsync(OptionValues options)
    {
        try
        {
            ProxyConfiguration configuration = Load(options);
            RuleSet rules = ReadRules(options);
            if (options.Has("--check"))
            {
                Console.Error.WriteLine($"ginnel: {options.Value("--config")} and {rules.Rules.Count} rules are right");
                return 0;
            }
            if (rules.Rules.Count == 0) throw new UsageException("there is nothing to do: name a port with --ingress or --egress");
            return await ServeAsync(configuration, rules, options).ConfigureAwait(false);
        }
        catch (Exception wrong) when (wrong is UsageException or ConfigurationException)
        {
            Console.Error.WriteLine($"ginnel: {wrong.Message}");
            return WrongWords;
        }
        catch (OperationCanceledException)
        {
            // A signal before everything was open.
            return 0;
        }
        catch (Exception failure) when (failure is IOException or System.Net.Sockets.SocketException or UnauthorizedAccessException or ArgumentException)
        {
            Console.Error.WriteLine($"ginnel: {failure.Message}");
            return Failed;
        }
    }

    private static async Task<int> ServeAsync(ProxyConfiguration configuration, RuleSet rules, OptionValues options)
    {
        using StopSignals signals = new();
        await using FlowReport report = FlowReport.Open(options);
        FlowRegistry flows = new();
        flows.Observe(new FlowLog(report.Log));
        await using ProxySession session = await ProxySession.StartAsync(configuration, rules, flows, signals.Token).ConfigureAwait(false);
        Console.Error.WriteLine($"ginnel: {string.Join(", ", configuration.Addresses)} on UDP {session.Link.LocalEndPoint}, public key {Convert.ToBase64String(session.Link.PublicKey)}");
        foreach (ProxyRule rule in rules.Rules) Console.Error.WriteLine($"ginnel: {Describe(rule)}");
        try
        {
            await session.Completion.WaitAsync(signals.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return 0;
        }
        Console.Error.WriteLine("ginnel: the tunnel's socket has ended");
        return Failed;
    }

    private static ProxyConfiguration Load(OptionValues options)
    {
        if (options.Value("--config") is not { } path) throw new UsageException("which network? name a WireGuard file with --config FILE");
        try
        {
            return WireGuardFile.Load(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new UsageException($"--config: {path} cannot be read: {failure.Message}");
        }
    }

    private static RuleSet ReadRules(OptionValues options)
    {
        RuleSet rules = new();
        foreach ((string option, ProxyDirection direction) in (ReadOnlySpan<(string, ProxyDirection)>)[("--ingress", ProxyDirection.Ingress), ("--egress", ProxyDirection.Egress)])
        {
            foreach (string text in options.List(option))
            {
                if (!RuleParser.TryParse(direction, text, out ProxyRule? rule, out string? error)) throw new UsageException($"{option}: {error}");
                if (!rules.TryAdd(rule, out error)) throw new UsageException(error);
            }
        }
        return rules;
    }

    private static string Describe(ProxyRule rule)
    {
        string where = rule.Options.Bind is { } bind ? bind.ToString() : rule.Direction == ProxyDirection.Ingress ? "the tunnel" : "all addresses of this host";
        return $"{rule.AsFlag}: listening on {where}";
    }
}
