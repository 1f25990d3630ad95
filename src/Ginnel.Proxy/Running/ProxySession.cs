using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Carriers;
using Ginnel.Linux.Datagrams;
using Ginnel.WireGuard;

namespace Ginnel.Proxy;

/// <summary><c>ginnel proxy</c>: a stack on a WireGuard link, and a relay for each port of its rules.</summary>
public sealed class ProxySession : IAsyncDisposable
{
    private const int DnsPort = 53;
    private static readonly TimeSpan PortIdle = TimeSpan.FromSeconds(60), DialPatience = TimeSpan.FromSeconds(15);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<IAsyncDisposable> _listeners = [];
    private readonly List<Task> _relays = [];
    private readonly DirectDialer _outside;
    private readonly LinkAttachment _attachment;

    private ProxySession(ProxyConfiguration configuration, FlowRegistry flows)
    {
        Flows = flows;
        UdpSegmentCarrier carrier = UdpSegmentCarrier.Bind(new IPEndPoint(IPAddress.IPv6Any, configuration.ListenPort));
        Link = new WireGuardLink(configuration.PrivateKey, carrier, new WireGuardOptions { Mtu = configuration.Mtu, Peers = configuration.Peers });
        Host = new NetworkHost(new NetworkHostOptions { Name = "tunnel" });
        HostInterface way = Host.AddInterface(new HostInterfaceOptions { Name = "wireguard", Link = Link.Properties, Addresses = configuration.Addresses });
        foreach (IPNetwork network in configuration.Peers.SelectMany(peer => peer.AllowedIps).Distinct()) Host.AddRoute(network, way);
        if (configuration.NameServers.Count > 0)
            Host.Resolver = new DnsClient(Host.Dialer, new DnsClientOptions { Servers = [.. configuration.NameServers.Select(server => new IPEndPoint(server, DnsPort))] });
        // A rule names its target: if that is this host's own loopback, its owner means it.
        _outside = new DirectDialer(new DirectDialerOptions { AllowHostLoopback = true, DatagramSockets = LinuxDatagramSockets.Shared });
        _attachment = Host.Attach(way, Link);
    }

    /// <summary>The tunnel.</summary>
    public WireGuardLink Link { get; }

    /// <summary>The stack on it.</summary>
    public NetworkHost Host { get; }

    /// <summary>Live flows of all rules.</summary>
    public FlowRegistry Flows { get; }

    /// <summary>Completes when the tunnel's carrier has ended; faults with what broke it.</summary>
    public Task Completion => _attachment.Completion;

    /// <summary>Opens the tunnel and every port.</summary>
    /// <exception cref="IOException">A port cannot be opened, or a name of a UDP rule cannot be resolved.</exception>
    public static async Task<ProxySession> StartAsync(ProxyConfiguration configuration, RuleSet rules, FlowRegistry flows, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(rules);
        ProxySession session = new(configuration, flows);
        try
        {
            foreach (IGrouping<(ProxyDirection, FlowProtocol, int), ProxyRule> group in rules.Groups) await session.OpenAsync([.. group], cancellationToken).ConfigureAwait(false);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Closes the ports, resets what is open, and forgets the keys.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        foreach (IAsyncDisposable listener in _listeners) await listener.DisposeAsync().ConfigureAwait(false);
        await Task.WhenAll(_relays).WaitAsync(TimeSpan.FromSeconds(2)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Host.DisposeAsync().ConfigureAwait(false);
    }

    private async Task OpenAsync(IReadOnlyList<ProxyRule> rules, CancellationToken cancellationToken)
    {
        ProxyRule first = rules[0];
        bool isIngress = first.Direction == ProxyDirection.Ingress;
        IDialer way = isIngress ? _outside : Host.Dialer;
        RoundRobinDialer turns = new(way, first.Protocol == FlowProtocol.Tcp ? [.. rules.Select(rule => rule.Target)] : await ResolveAsync(rules, cancellationToken).ConfigureAwait(false));
        IPEndPoint local = new(first.Options.Bind ?? IPAddress.IPv6Any, first.Port);
        RelayOptions options = new()
        {
            Flows = Flows,
            Target = _ => first.Protocol == FlowProtocol.Tcp ? first.Target : turns.Next(),
            DialTimeout = first.Options.ConnectTimeout ?? DialPatience,
            MaxFlows = first.Options.Max ?? new RelayOptions().MaxFlows,
            ConnectionIdleTimeout = first.Options.Idle ?? Timeout.InfiniteTimeSpan,
            PortIdleTimeout = first.Options.Idle ?? PortIdle,
        };
        IPNetwork[] sources = [.. rules.Select(rule => rule.Options.Source).OfType<IPNetwork>()];
        string origin = first.Options.Name ?? first.ToString();
        if (first.Protocol == FlowProtocol.Tcp)
        {
            foreach (IListener listener in isIngress ? ListenInside(local) : [ListenOutside(local, origin)])
            {
                _listeners.Add(listener);
                _relays.Add(new Relay(sources.Length == 0 ? listener : new SourceFilter(listener, sources), turns, options).RunAsync(_stop.Token));
            }
            return;
        }
        DatagramListener datagrams = new(isIngress ? BindInside(local) : BindOutside(local), new DatagramListenerOptions { Origin = origin });
        _listeners.Add(datagrams);
        _relays.Add(new DatagramRelay(sources.Length == 0 ? datagrams : new SourcePortFilter(datagrams, sources), turns, options).RunAsync(_stop.Token));
    }

    // A listener on the stack is one family's; a port on "::" serves both.
    private IEnumerable<IListener> ListenInside(IPEndPoint local)
    {
        IPEndPoint[] ends = local.Address.Equals(IPAddress.IPv6Any) ? [new IPEndPoint(IPAddress.Any, local.Port), local] : [local];
        return Opened(local, () => ends.Select(end => Host.Listen(end)).ToArray());
    }

    private IDatagramPort BindInside(IPEndPoint local) => Opened(local, () => Host.BindUdp(local));

    private static T Opened<T>(IPEndPoint local, Func<T> open)
    {
        try
        {
            return open();
        }
        catch (SocketException failure)
        {
            throw new IOException($"{local} cannot be opened on the tunnel: {failure.Message}", failure);
        }
    }

    private static HostListener ListenOutside(IPEndPoint local, string origin)
    {
        try
        {
            return HostListener.Listen(local, origin);
        }
        catch (SocketException failure)
        {
            throw new IOException($"port {local.Port} cannot be opened on this host: {failure.Message}", failure);
        }
    }

    private static IDatagramPort BindOutside(IPEndPoint local)
    {
        BindResult bound = LinuxDatagramSockets.Shared.BindUdp(local);
        return bound.IsBound ? bound.Port : throw new IOException($"UDP port {local.Port} cannot be opened on this host: {DialFailures.ToText(bound.Failure)}");
    }

    /// <summary>Datagrams go to addresses: names are resolved once, on the side that the rule leads to.</summary>
    private async Task<IReadOnlyList<EndPoint>> ResolveAsync(IReadOnlyList<ProxyRule> rules, CancellationToken cancellationToken)
    {
        List<EndPoint> targets = [];
        foreach (ProxyRule rule in rules)
        {
            if (rule.Target is not DnsEndPoint name)
            {
                targets.Add(rule.Target);
                continue;
            }
            INameResolver? resolver = rule.Direction == ProxyDirection.Ingress ? new SystemNameResolver() : Host.Resolver;
            if (resolver is null) throw new IOException($"{rule.AsFlag}: {name.Host} cannot be resolved in the tunnel: the file names no DNS");
            NameResult result = await resolver.ResolveAsync(name.Host, cancellationToken).ConfigureAwait(false);
            if (result.Addresses.Count == 0) throw new IOException($"{rule.AsFlag}: {name.Host} cannot be resolved: {DialFailures.ToText(result.Failure)}");
            targets.Add(new IPEndPoint(result.Addresses[0], name.Port));
        }
        return targets;
    }
}
