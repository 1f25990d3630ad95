using System.Net.Sockets;
using Ginnel.Cli.CommandLine;
using Ginnel.Cli.Control;
using Ginnel.Proxy;
using Ginnel.Proxy.Control;
using Ginnel.Proxy.Operating;
using Ginnel.Sandbox;
using Ginnel.Services.Http;
using Ginnel.Services.Metrics;
using Microsoft.AspNetCore.Builder;

namespace Ginnel.Cli.Commands;

/// <summary><c>ginnel proxy</c>.</summary>
internal static class ProxyCommand
{
    private const int Failed = 1, WrongWords = 2;

    /// <summary>Serves until a signal comes or the tunnel breaks.</summary>
    public static async Task<int> RunAsync(OptionValues options)
    {
        using ReloadSignal reload = new();
        try
        {
            ProxySettings settings = ProxySettings.Read(options);
            if (options.Has("--check"))
            {
                Console.Error.WriteLine($"ginnel: {options.Value("--config") ?? "the options"} and {settings.Plan.Rules.Count} rules are right");
                return 0;
            }
            if (settings is { Stdio: null } && settings.Plan is { Rules.Count: 0, Doors.Count: 0, AllIngress: null } && !settings.HasControl)
                throw new UsageException("there is nothing to do: name a port with --ingress or --egress, or a proxy with --socks5 or --http");
            return await ServeAsync(settings, options, reload).ConfigureAwait(false);
        }
        catch (Exception wrong) when (wrong is UsageException or ConfigurationException)
        {
            Say(wrong.Message);
            return WrongWords;
        }
        catch (OperationCanceledException)
        {
            // A signal before everything was open.
            return 0;
        }
        catch (Exception failure) when (failure is IOException or SocketException or UnauthorizedAccessException or ArgumentException)
        {
            Say(failure.Message);
            return Failed;
        }
    }

    private static async Task<int> ServeAsync(ProxySettings settings, OptionValues options, ReloadSignal reload)
    {
        using StopSignals signals = new();
        using Instance? instance = TakeName(settings, out string? note);
        RuleStore? store = settings.StateDirectory is { } directory ? RuleStore.Open(directory) : null;
        FlowRegistry flows = new();
        await using ProxyLog log = ProxyLog.Open(options, flows);
        using CaptureFile? capture = options.Value("--pcap") is { } path ? OpenCapture(path) : null;
        await using ProxySession session = await ProxySession.StartAsync(settings.PlanWith(capture), flows, signals.Token).ConfigureAwait(false);
        Say($"{string.Join(", ", settings.Plan.Configuration.Addresses)} on UDP {session.Link.LocalEndPoint}, public key {Convert.ToBase64String(session.Link.PublicKey)}");
        foreach (ProxyRule rule in settings.Plan.Rules) Say(Describe(rule));
        foreach (ProxyDoor door in settings.Plan.Doors) Say($"{door}{(door.Credentials is null ? "" : ", with a user and a password")}: a way into the tunnel");
        if (settings.Plan.AllIngress is { } open) Say($"--all-ingress: the tunnel reaches ports {open} of this host's loopback");
        if (note is not null) Say(note);
        if (options.Value("--config") is { } file && (File.GetUnixFileMode(file) & (UnixFileMode.OtherRead | UnixFileMode.OtherWrite)) != 0) Say($"everybody can read {file}, and its keys: chmod 600 {file}");
        await RestoreAsync(session, store, signals.Token).ConfigureAwait(false);
        using IdleCollector collector = new();
        using ProxyMeter meter = new(session);
        using PrometheusText metrics = new(meter.Meter);
        ProxyHealth health = new(session, metrics);
        ProxyControl control = new(session, new ControlContext
        {
            Name = settings.Name, Version = ProgramVersion.Text, Load = () => ProxySettings.Load(options), Store = store,
            IsVerbose = () => log.IsVerbose, SetVerbose = verbose => log.IsVerbose = verbose,
        });
        await using WebApplication? server = instance is null ? null : await ControlServer.StartAsync(instance.SocketPath, control, health).ConfigureAwait(false);
        await using HostListener? pages = settings.Metrics is { } at ? Listen("--metrics", at) : null;
        if (pages is not null) _ = new HttpServer(pages, head => ToHttp(health.Answer(head.Path))).RunAsync(signals.Again);
        using Instance? nexd = options.Value("--nexd-socket") is { } nexdPath ? Instance.Take(settings.Name, nexdPath) : null;
        await using HostListener? nexdCalls = nexd is null ? null : HostListener.Listen(new UnixDomainSocketEndPoint(nexd.SocketPath), mode: UnixFileMode.UserRead | UnixFileMode.UserWrite);
        if (nexdCalls is not null) _ = new NexdServer(nexdCalls, control, session, ProgramVersion.Text).RunAsync(signals.Again);
        reload.Serve(() => Reload(control));
        if (instance is not null) Say($"controlled by: ginnel ctl --name {settings.Name}  ({instance.SocketPath})");
        int code = settings.Stdio is { } target ? await StdioConversation.RunAsync(session, target, signals.Token).ConfigureAwait(false) : await UntilStoppedAsync(session, signals).ConfigureAwait(false);
        health.BeginDraining();
        await DrainAsync(session, settings.Drain, signals).ConfigureAwait(false);
        if (capture?.Failure is { } failure) Say($"--pcap: {options.Value("--pcap")} is incomplete: {failure.Message}");
        return code;
    }

    private static async Task<int> UntilStoppedAsync(ProxySession session, StopSignals signals)
    {
        try
        {
            await session.Completion.WaitAsync(signals.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (signals.Token.IsCancellationRequested)
        {
            return 0;
        }
        Say("the tunnel's socket has ended");
        return Failed;
    }

    // Nobody comes in any more; what is open may end by itself, until the time is over or a second signal comes.
    private static async Task DrainAsync(ProxySession session, TimeSpan patience, StopSignals signals)
    {
        if (patience == TimeSpan.Zero || session.Completion.IsCompleted) return;
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(signals.Again);
        over.CancelAfter(patience);
        Task drained = session.DrainAsync(over.Token);
        int open = session.Flows.LiveCount;
        if (open > 0) Say($"{open} flows may go on for up to {patience.TotalSeconds:0.#} s; a second signal ends them");
        await drained.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    // In its usual place a control socket is an offer: a container that has no such place runs without. Where the user named one, it must be there.
    private static Instance? TakeName(ProxySettings settings, out string? note)
    {
        note = null;
        if (!settings.HasControl) return null;
        try
        {
            return Instance.Take(settings.Name, settings.ControlPath);
        }
        catch (Exception failure) when (settings.ControlPath is null && failure is UnauthorizedAccessException or IOException and not InstanceTakenException)
        {
            note = $"no control socket: {failure.Message}; --control PATH names another place";
            return null;
        }
    }

    // What was added at run time comes back; a port that somebody else has taken meanwhile does not keep the others from working.
    private static async Task RestoreAsync(ProxySession session, RuleStore? store, CancellationToken cancellationToken)
    {
        foreach (ProxyRule rule in store?.Rules ?? [])
        {
            if (session.Ports.Rules.Any(other => other.Key == rule.Key && other.Target.Equals(rule.Target))) continue;
            try
            {
                await session.Ports.AddAsync(rule, cancellationToken).ConfigureAwait(false);
                Say($"{Describe(rule)}, as was added at run time");
            }
            catch (RuleException failure)
            {
                Say($"a rule that was added at run time is not in force: {failure.Message}");
            }
        }
    }

    private static void Reload(ProxyControl control)
    {
        _ = Task.Run(async () =>
        {
            try
            {
                ReloadReport done = await control.ReloadAsync().ConfigureAwait(false);
                Say($"reloaded: {CtlText.Reload(done).TrimEnd()}");
            }
            catch (Exception failure) when (failure is ConfigurationException or UsageException or IOException or ArgumentException)
            {
                Say($"not reloaded: {failure.Message}");
            }
        });
    }

    private static HttpAnswer ToHttp((int Status, string ContentType, string Text) answer) =>
        new(answer.Status, answer.ContentType, System.Text.Encoding.UTF8.GetBytes(answer.Text));

    private static HostListener Listen(string option, System.Net.IPEndPoint at)
    {
        try
        {
            return HostListener.Listen(at);
        }
        catch (SocketException failure)
        {
            throw new IOException($"{option}: {at} cannot be opened: {failure.Message}", failure);
        }
    }

    private static CaptureFile OpenCapture(string path)
    {
        try
        {
            return new CaptureFile(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new UsageException($"--pcap: {path} cannot be opened: {failure.Message}");
        }
    }

    private static string Describe(ProxyRule rule)
    {
        string where = rule.Options.Bind is { } bind ? bind.ToString() : rule.Direction == ProxyDirection.Ingress ? "the tunnel" : "all addresses of this host";
        return $"{rule.AsFlag}: listening on {where}";
    }

    private static void Say(string line)
    {
        try
        {
            Console.Error.WriteLine($"ginnel: {line}");
        }
        catch (IOException)
        {
            // A full disk under the log, or nobody who listens, ends no proxy.
        }
    }
}
