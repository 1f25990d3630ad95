using System.Net;
using System.Net.Sockets;
using Ginnel.Cli.CommandLine;
using Ginnel.Linux.Datagrams;
using Ginnel.Sandbox;

namespace Ginnel.Cli.Commands;

/// <summary><c>ginnel entrance</c>.</summary>
internal static class EntranceCommand
{
    private const int OurFailure = 125, DnsPort = 53;

    /// <summary>Joins the exit, forwards ports, and runs the command if there is one.</summary>
    public static async Task<ExitStatus> RunAsync(OptionValues options, IReadOnlyList<string> arguments, CutArguments cut)
    {
        bool hasCommand = cut.TailIndex < arguments.Count;
        using StopSignals signals = new();
        try
        {
            IReadOnlyList<ForwardRule> rules = [.. options.List("--forward").Select(ForwardRule.Parse)];
            if (rules.Count == 0 && !hasCommand) throw new UsageException("there is nothing to do: forward ports with --forward RULE, or name a COMMAND");
            await using FlowReport report = FlowReport.Open(options);
            await using ExitConnection connection = await ExitConnection.OpenAsync(options, signals.Token).ConfigureAwait(false);
            await using EntranceInterface entrance = VirtualInterface.Entrance(new StreamLink(connection.Stream, new StreamLinkOptions { Mtu = ExitCommand.StreamMtu }));
            FlowRegistry flows = new();
            flows.Observe(new FlowLog(report.Log));
            await using Forwards forwards = await Forwards.OpenAsync(rules, entrance, flows, signals.Token).ConfigureAwait(false);
            foreach (ForwardRule rule in rules) Console.Error.WriteLine($"ginnel: {rule} is open");
            if (!hasCommand) return new ExitStatus(await WaitAsync(entrance, options.Value("--secret-file") is null, signals.Token).ConfigureAwait(false), 0);
            // The program gets the signals from here on, as it would bare.
            signals.Dispose();
            RunOptions run = NetworkOptions.ReadRun(options, RunCommand.CommandWords(arguments, cut), report);
            using CancellationTokenSource ended = new();
            _ = TellWhenGoneAsync(entrance, ended.Token);
            ExitStatus status = await RunCommand.ToStatusAsync(run, WayThrough(entrance, cut)).ConfigureAwait(false);
            await ended.CancelAsync().ConfigureAwait(false);
            return status;
        }
        catch (UsageException wrong)
        {
            Console.Error.WriteLine($"ginnel: {wrong.Message}");
            return new ExitStatus(hasCommand ? OurFailure : cut.Command.Details.UsageExitCode, 0);
        }
        catch (Exception failure) when (failure is IOException or SocketException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine($"ginnel: {failure.Message}");
            return new ExitStatus(hasCommand ? OurFailure : 1, 0);
        }
        catch (OperationCanceledException)
        {
            // COMMAND has not run: whoever waits for it must not take that for its success.
            return new ExitStatus(hasCommand ? signals.ShellCode : 0, 0);
        }
    }

    private static WayOut WayThrough(EntranceInterface entrance, CutArguments cut) => new()
    {
        Dialer = entrance.Dialer,
        ResolverDialer = entrance.Dialer,
        Resolvers = new FixedResolverSource(new ResolverConfiguration([new IPEndPoint(VirtualInterface.ExitAddress, DnsPort)], [], [])),
        Names = new Dictionary<string, IReadOnlyList<IPAddress>>
        {
            [VirtualInterface.ExitLoopbackName] = [VirtualInterface.ExitLoopbackAddress, VirtualInterface.ExitLoopbackAddressV6],
        },
        Description = $"an exit, by {string.Join(' ', cut.Head.Where(w => w.StartsWith("--connect", StringComparison.Ordinal) || w.StartsWith("--command", StringComparison.Ordinal)))}",
    };

    /// <summary>COMMAND goes on when the exit is gone, for it may have other things to do; but its user must know why nothing answers.</summary>
    private static async Task TellWhenGoneAsync(EntranceInterface entrance, CancellationToken ended)
    {
        await entrance.Completion.WaitAsync(ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (ended.IsCancellationRequested) return;
        string why = entrance.Completion.Exception?.InnerException is { } failure ? $" ({failure.Message})" : "";
        Console.Error.WriteLine($"ginnel: the connection to the exit has ended{why}; COMMAND has no network from here on");
    }

    private static async Task<int> WaitAsync(EntranceInterface entrance, bool hasNoSecret, CancellationToken stop)
    {
        try
        {
            await entrance.Completion.WaitAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (IOException failure) when (hasNoSecret)
        {
            Console.Error.WriteLine($"ginnel: {failure.Message} (Does the exit have a --secret-file?)");
            return 1;
        }
        Console.Error.WriteLine("ginnel: the exit has closed the connection");
        return 1;
    }

    /// <summary>The ports that are forwarded.</summary>
    private sealed class Forwards : IAsyncDisposable
    {
        private readonly List<IAsyncDisposable> _listeners = [];
        private readonly CancellationTokenSource _stop = new();

        public static async Task<Forwards> OpenAsync(IReadOnlyList<ForwardRule> rules, EntranceInterface entrance, FlowRegistry flows, CancellationToken cancellationToken)
        {
            Forwards forwards = new();
            try
            {
                foreach (ForwardRule rule in rules) await forwards.AddAsync(rule, entrance, flows, cancellationToken).ConfigureAwait(false);
                return forwards;
            }
            catch
            {
                await forwards.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }

        private async Task AddAsync(ForwardRule rule, EntranceInterface entrance, FlowRegistry flows, CancellationToken cancellationToken)
        {
            IPEndPoint local = new(IPAddress.Loopback, rule.Port);
            EndPoint target = AtExit(rule.Target);
            if (rule.Protocol == FlowProtocol.Tcp)
            {
                HostListener listener = Listen(local);
                _listeners.Add(listener);
                _ = new Relay(listener, entrance.Dialer, new RelayOptions { Flows = flows, Target = _ => target }).RunAsync(_stop.Token);
            }
            else
            {
                // Datagrams go to an address: the name is resolved at the exit, once.
                if (target is DnsEndPoint name) target = await ResolveAsync(entrance, name, cancellationToken).ConfigureAwait(false);
                BindResult bound = LinuxDatagramSockets.Shared.BindUdp(local);
                if (!bound.IsBound) throw new IOException($"--forward: {local} cannot be opened: {DialFailures.ToText(bound.Failure)}");
                DatagramListener listener = new(bound.Port);
                _listeners.Add(listener);
                _ = new DatagramRelay(listener, entrance.Dialer, new RelayOptions { Flows = flows, Target = _ => target, PortIdleTimeout = TimeSpan.FromSeconds(60) }).RunAsync(_stop.Token);
            }
        }

        /// <summary>Loopback addresses mean the exit's, which stand under addresses of their own, since a network routes no loopback.</summary>
        private static EndPoint AtExit(EndPoint target) => target switch
        {
            IPEndPoint address when address.Address.Equals(IPAddress.Loopback) => new IPEndPoint(VirtualInterface.ExitLoopbackAddress, address.Port),
            IPEndPoint address when address.Address.Equals(IPAddress.IPv6Loopback) => new IPEndPoint(VirtualInterface.ExitLoopbackAddressV6, address.Port),
            DnsEndPoint name when name.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase) => new DnsEndPoint(VirtualInterface.ExitLoopbackName, name.Port),
            _ => target,
        };

        private static HostListener Listen(IPEndPoint local)
        {
            try
            {
                return HostListener.Listen(local, "forward");
            }
            catch (SocketException failure)
            {
                throw new IOException($"--forward: {local} cannot be opened: {failure.Message}", failure);
            }
        }

        private static async Task<IPEndPoint> ResolveAsync(EntranceInterface entrance, DnsEndPoint name, CancellationToken cancellationToken)
        {
            NameResult result = await entrance.Host.Resolver!.ResolveAsync(name.Host, cancellationToken).ConfigureAwait(false);
            return result.Addresses.Count > 0 ? new IPEndPoint(result.Addresses[0], name.Port) : throw new IOException($"--forward: the exit cannot resolve {name.Host}: {DialFailures.ToText(result.Failure)}");
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            foreach (IAsyncDisposable listener in _listeners) await listener.DisposeAsync().ConfigureAwait(false);
        }
    }
}
