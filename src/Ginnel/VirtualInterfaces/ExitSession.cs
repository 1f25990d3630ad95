using System.Net;

namespace Ginnel;

/// <summary>One entrance as its exit serves it.</summary>
public sealed class ExitSession : IAsyncDisposable
{
    private readonly ExitInterface _exit;
    private readonly CancellationTokenSource _stop = new();
    private readonly LinkAttachment _attachment;
    private readonly List<Task> _serving = [];
    private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ExitSession(ExitInterface exit, ILink link, ExposedRoutes routes, DnsServer? names)
    {
        _exit = exit;
        ExitOptions options = exit.Options;
        Host = new NetworkHost(new NetworkHostOptions { Name = options.Name, Runtime = options.Runtime, Tcp = options.Tcp });
        HostInterface way = Host.AddInterface(new HostInterfaceOptions
        {
            Name = options.Name,
            Addresses = [new(VirtualInterface.ExitAddress, 32), new(VirtualInterface.ExitAddressV6, 128)],
            Link = link.Properties,
            AnyIp = true,
        });
        Host.AddRoute(VirtualInterface.AllV4, way);
        Host.AddRoute(VirtualInterface.AllV6, way);
        RelayOptions relay = WithJudge(options.Relay, exit.Flows, routes);
        // Joined before the link, so that the first packet finds someone to take it.
        _serving.Add(RelayAsync(Host.AcceptConnections(), listener => new Relay(listener, routes, relay).RunAsync(_stop.Token)));
        _serving.Add(RelayAsync(Host.AcceptPorts(), listener => new DatagramRelay(listener, routes, relay).RunAsync(_stop.Token)));
        if (names is not null) ServeNames(names);
        _attachment = Host.Attach(way, link);
    }

    /// <summary>The host that faces the entrance, which is reached from here at <see cref="VirtualInterface.EntranceAddress"/>.</summary>
    public NetworkHost Host { get; }

    /// <summary>Completes when the link has ended or the session was disposed of; faults with what broke the link.</summary>
    public Task Completion => _completion.Task;

    internal Task Start() => WatchAsync();

    private async Task WatchAsync()
    {
        Exception? broken = null;
        try
        {
            await _attachment.Completion.ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            broken = exception;
        }
        await _stop.CancelAsync().ConfigureAwait(false);
        await Host.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_serving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _exit.Forget(this);
        if (broken is null) _completion.TrySetResult(); else _completion.TrySetException(broken);
        _ = _completion.Task.Exception; // Whoever does not ask does not care; it must not surface as unobserved.
    }

    private void ServeNames(DnsServer names)
    {
        foreach (IPAddress address in new[] { VirtualInterface.ExitAddress, VirtualInterface.ExitAddressV6 })
        {
            IDatagramPort port = Host.BindUdp(new IPEndPoint(address, 53));
            StackListener listener = Host.Listen(new IPEndPoint(address, 53));
            _serving.Add(names.ServeAsync(port, _stop.Token));
            _serving.Add(names.ServeAsync(listener, _stop.Token));
        }
    }

    private static async Task RelayAsync<TListener>(TListener listener, Func<TListener, Task> run) where TListener : IAsyncDisposable
    {
        await using (listener.ConfigureAwait(false)) await run(listener).ConfigureAwait(false);
    }

    private static RelayOptions WithJudge(RelayOptions options, FlowRegistry flows, ExposedRoutes routes) => new()
    {
        Flows = flows,
        DialTimeout = options.DialTimeout,
        MaxPendingDials = options.MaxPendingDials,
        MaxFlows = options.MaxFlows,
        ConnectionIdleTimeout = options.ConnectionIdleTimeout,
        PortIdleTimeout = options.PortIdleTimeout,
        MaxTargetsPerPort = options.MaxTargetsPerPort,
        Judge = routes,
        Time = options.Time,
    };

    /// <summary>Ends the session. Prompt, and may be called any number of times.</summary>
    public async ValueTask DisposeAsync()
    {
        await _attachment.DisposeAsync().ConfigureAwait(false);
        await Completion.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
