using System.Net;
using Ginnel.Linux.Carriers;
using Ginnel.Linux.Events;
using Ginnel.WireGuard;

namespace Ginnel.Proxy;

/// <summary><c>ginnel proxy</c>: a stack on a WireGuard link, and the ports that lead into and out of it.</summary>
public sealed class ProxySession : IAsyncDisposable
{
    private const int DnsPort = 53;
    private readonly LinkAttachment _attachment;
    private readonly HostInterface _way;
    // Replaced as a whole: who comes in by --all-ingress is judged by it while doors open.
    private volatile IReadOnlyList<OpenDoor> _doors = [];
    private readonly List<IAsyncDisposable> _allIngress = [];
    // Of connections first.
    private readonly List<Task> _relays = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly EventLoop _loop;
    private readonly NetworkRuntime _runtime;
    private readonly ProxySides _sides;
    private readonly long _started = TimeProvider.System.GetTimestamp();

    private ProxySession(ProxyPlan plan, FlowRegistry flows, EventLoop loop, UdpSegmentCarrier carrier)
    {
        ProxyConfiguration configuration = plan.Configuration;
        Configuration = configuration;
        Flows = flows;
        _loop = loop;
        _runtime = new NetworkRuntime(new NetworkRuntimeOptions { Completions = loop });
        carrier.EventLoop = loop;
        Link = new WireGuardLink(configuration.PrivateKey, carrier, new WireGuardOptions { Mtu = configuration.Mtu, Peers = configuration.Peers });
        Host = new NetworkHost(new NetworkHostOptions { Name = "tunnel", Runtime = _runtime });
        // What leads to no peer leads nowhere, and is told so at once: our own network is reached through peers like any other.
        InterfaceAddress[] addresses = [.. configuration.Addresses.Select(one => one with { PrefixLength = one.Address.GetAddressBytes().Length * 8 })];
        _way = Host.AddInterface(new HostInterfaceOptions { Name = "wireguard", Link = Link.Properties, Addresses = addresses, AnyIp = plan.AllIngress is not null, AnyPort = true });
        foreach (IPNetwork network in RoutesOf(configuration)) Host.AddRoute(network, _way);
        if (configuration.NameServers.Count > 0)
            Host.Resolver = new DnsClient(Host.Dialer, new DnsClientOptions { Servers = [.. configuration.NameServers.Select(server => new IPEndPoint(server, DnsPort))] });
        _sides = new ProxySides(Host, loop);
        Ports = new RulePorts(_sides, flows);
        if (plan.AllIngress is { } open) ServeAll(plan, open);
        _attachment = Host.Attach(_way, plan.Capture is { } capture ? new CaptureLink(Link, capture, "wireguard") : Link);
    }

    /// <summary>What it was opened with, or last reloaded with.</summary>
    public ProxyConfiguration Configuration { get; private set; }

    /// <summary>The tunnel.</summary>
    public WireGuardLink Link { get; }

    /// <summary>The stack on it.</summary>
    public NetworkHost Host { get; }

    /// <summary>Live flows of all ports.</summary>
    public FlowRegistry Flows { get; }

    /// <summary>The ports of the rules.</summary>
    public RulePorts Ports { get; }

    /// <summary>How long it has run.</summary>
    public TimeSpan Uptime => TimeProvider.System.GetElapsedTime(_started);

    /// <summary>Completes when the tunnel's carrier has ended; faults with what broke it.</summary>
    public Task Completion => _attachment.Completion;

    /// <summary>The doors, as they are open.</summary>
    public IReadOnlyList<EndPoint> Doors => [.. _doors.Select(door => door.LocalEndPoint)];

    /// <summary>Opens the tunnel and every port.</summary>
    /// <param name="plan">What to open.</param>
    /// <param name="flows">Where flows are listed.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="IOException">A port cannot be opened.</exception>
    public static async Task<ProxySession> StartAsync(ProxyPlan plan, FlowRegistry flows, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(plan);
        ProxySession session = await OpenAsync(plan, flows).ConfigureAwait(false);
        try
        {
            foreach (ProxyRule rule in plan.Rules) await session.Ports.AddAsync(rule, cancellationToken).ConfigureAwait(false);
            foreach (ProxyDoor door in plan.Doors) session._doors = [.. session._doors, new OpenDoor(door, session._sides, flows)];
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes every port and door; what has come in goes on until it ends or the token is cancelled.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        foreach (OpenDoor door in _doors) await door.CloseAsync().ConfigureAwait(false);
        foreach (IAsyncDisposable listener in _allIngress) await listener.DisposeAsync().ConfigureAwait(false);
        // Datagrams have no end that could be waited for.
        Task[] all = [Ports.DrainAsync(cancellationToken), .. _doors.Select(door => door.Drained), .. _relays.Take(1)];
        await Task.WhenAll(all).WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>
    /// Takes over the peers of a configuration: those that are gone are forgotten, new ones are added, changed ones begin anew; the others do not
    /// notice. Our own key, addresses, port, MTU and name servers cannot change while it runs.
    /// </summary>
    /// <returns>How many peers were added, changed and removed.</returns>
    /// <exception cref="ConfigurationException">Something else has changed; nothing was taken over.</exception>
    public (int Added, int Changed, int Removed) Reload(ProxyConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        if (Configuration.FixedDifference(configuration) is { } fixedPart)
            throw new ConfigurationException($"{fixedPart} has changed, which needs a restart; nothing was taken over");
        Dictionary<string, WireGuardPeerOptions> before = Configuration.Peers.ToDictionary(NameOf), after = configuration.Peers.ToDictionary(NameOf);
        HashSet<IPNetwork> routesBefore = [.. RoutesOf(Configuration)], routesAfter = [.. RoutesOf(configuration)];
        (int added, int changed, int removed) counts;
        try
        {
            counts = Exchange(before, after);
        }
        catch (ArgumentException failure)
        {
            // The link knows what no file tells: a key that is our own, or one that keeps no secrets.
            Exchange(after, before);
            throw new ConfigurationException($"{failure.Message} Nothing was taken over.");
        }
        foreach (IPNetwork gone in routesBefore.Except(routesAfter)) Host.RemoveRoute(gone, _way);
        foreach (IPNetwork come in routesAfter.Except(routesBefore)) Host.AddRoute(come, _way);
        Configuration = configuration;
        return counts;
    }

    /// <summary>Closes the ports, resets what is open, and forgets the keys.</summary>
    public async ValueTask DisposeAsync()
    {
        await Ports.DisposeAsync().ConfigureAwait(false);
        foreach (OpenDoor door in _doors) await door.DisposeAsync().ConfigureAwait(false);
        foreach (IAsyncDisposable listener in _allIngress) await listener.DisposeAsync().ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_relays).WaitAsync(TimeSpan.FromSeconds(2)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Host.DisposeAsync().ConfigureAwait(false);
        _runtime.Dispose();
        _loop.Dispose();
    }

    private static async ValueTask<ProxySession> OpenAsync(ProxyPlan plan, FlowRegistry flows)
    {
        EventLoop loop = new("proxy", runsContinuations: true);
        UdpSegmentCarrier? carrier = null;
        try
        {
            carrier = UdpSegmentCarrier.Bind(new IPEndPoint(IPAddress.IPv6Any, plan.Configuration.ListenPort));
            return new ProxySession(plan, flows, loop, carrier);
        }
        catch
        {
            if (carrier is not null) await carrier.DisposeAsync().ConfigureAwait(false);
            loop.Dispose();
            throw;
        }
    }

    private (int Added, int Changed, int Removed) Exchange(Dictionary<string, WireGuardPeerOptions> before, Dictionary<string, WireGuardPeerOptions> after)
    {
        (int added, int changed, int removed) = (0, 0, 0);
        foreach ((string name, WireGuardPeerOptions peer) in before)
        {
            if (after.TryGetValue(name, out WireGuardPeerOptions? now) && ProxyConfiguration.IsSame(peer, now)) continue;
            Link.RemovePeer(peer.PublicKey);
            if (now is null) removed++; else changed++;
        }
        foreach ((string name, WireGuardPeerOptions peer) in after)
        {
            if (before.TryGetValue(name, out WireGuardPeerOptions? was) && ProxyConfiguration.IsSame(was, peer)) continue;
            Link.AddPeer(peer);
            if (was is null) added++;
        }
        // Addresses that two peers name are the later one's; those that a peer had lost to one that is gone are its own again.
        foreach (WireGuardPeerOptions peer in after.Values) Link.SetAllowedIps(peer.PublicKey, peer.AllowedIps);
        return (added, changed, removed);
    }

    private void ServeAll(ProxyPlan plan, PortRanges open)
    {
        HashSet<IPAddress> own = [.. plan.Configuration.Addresses.Select(address => address.Address)];
        bool Admits(FlowProtocol protocol, int port) => open.Contains(port) && !plan.OwnPorts.Contains(port) && !IsOwn(port)
            && !Ports.Rules.Any(rule => rule.Direction == ProxyDirection.Egress && rule.Protocol == protocol && rule.Port == port);
        AllIngress way = new(_sides.DialerOf(ProxyDirection.Ingress), own, Admits);
        RelayOptions options = new() { Flows = Flows, Scheduler = _sides.Scheduler };
        IListener connections = Host.AcceptConnections();
        IPortListener ports = Host.AcceptPorts();
        _allIngress.AddRange([connections, ports]);
        _relays.AddRange([new Relay(connections, way, options).RunAsync(_stop.Token), new DatagramRelay(ports, way, options).RunAsync(_stop.Token)]);
    }

    // Ports that were left to the system to choose are ours no less.
    private bool IsOwn(int port) => new[] { Link.LocalEndPoint }.Concat(Doors).Any(end => end is IPEndPoint own && own.Port == port);

    private static string NameOf(WireGuardPeerOptions peer) => Convert.ToBase64String(peer.PublicKey);

    private static IEnumerable<IPNetwork> RoutesOf(ProxyConfiguration configuration) => configuration.Peers.SelectMany(peer => peer.AllowedIps).Distinct();
}
