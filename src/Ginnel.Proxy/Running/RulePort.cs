namespace Ginnel.Proxy;

/// <summary>An open port, the rules that share it, and the relay behind it. Changed by one caller at a time.</summary>
internal sealed class RulePort : IAsyncDisposable
{
    private static readonly TimeSpan PortIdle = TimeSpan.FromSeconds(60);
    private readonly CancellationTokenSource _stop = new();
    private readonly IAsyncDisposable _listener;
    private readonly RuleDialer _dialer;

    private RulePort(ProxyRule first, ProxySides sides, FlowRegistry flows)
    {
        Key = first.Key;
        Origin = first.Options.Name ?? Key.ToString();
        _dialer = new RuleDialer(sides.DialerOf(first.Direction), TimeProvider.System) { Rules = [first] };
        IReadOnlyList<System.Net.IPNetwork> sources = first.Options.Source is { } source ? [source] : [];
        RelayOptions options = new()
        {
            Flows = flows,
            Target = _ => Key.Protocol == FlowProtocol.Tcp ? first.Target : _dialer.NextTarget(),
            // Each target has its own patience.
            DialTimeout = Timeout.InfiniteTimeSpan,
            MaxFlows = first.Options.Max ?? new RelayOptions().MaxFlows,
            ConnectionIdleTimeout = first.Options.Idle ?? Timeout.InfiniteTimeSpan,
            PortIdleTimeout = first.Options.Idle ?? PortIdle,
            Resolver = sides.ResolverOf(first.Direction),
            Scheduler = sides.Scheduler,
        };
        if (Key.Protocol == FlowProtocol.Tcp)
        {
            IListener listener = sides.Listen(Key, Origin);
            _listener = listener;
            Drained = new Relay(sources.Count == 0 ? listener : new SourceFilter(listener, sources), _dialer, options).RunAsync(_stop.Token);
            return;
        }
        DatagramListener datagrams = new(sides.Bind(Key), new DatagramListenerOptions { Origin = Origin, MaxSources = SourcesFor(first.Options.Max) });
        _listener = datagrams;
        Drained = new DatagramRelay(sources.Count == 0 ? datagrams : new SourcePortFilter(datagrams, sources), _dialer, options).RunAsync(_stop.Token);
    }

    // Where a rule wants more ports than usual the listener must have room for as many and those that are on their way out.
    private static int SourcesFor(int? max) =>
        (int)Math.Clamp(max * 5L / 4 ?? 0, new DatagramListenerOptions().MaxSources, int.MaxValue);

    /// <summary>What listens.</summary>
    public RuleKey Key { get; }

    /// <summary>What its flows name as their origin.</summary>
    public string Origin { get; }

    /// <summary>The rules that share it.</summary>
    public IReadOnlyList<ProxyRule> Rules => _dialer.Rules;

    /// <summary>Completes once the last flow has ended after the port was closed.</summary>
    public Task Drained { get; }

    /// <summary>Opens the port for its first rule.</summary>
    /// <exception cref="RuleException">It cannot be opened.</exception>
    public static RulePort Open(ProxyRule first, ProxySides sides, FlowRegistry flows) => new(first, sides, flows);

    /// <summary>One more target, from the next connection on.</summary>
    public void Add(ProxyRule rule) => _dialer.Rules = [.. _dialer.Rules, rule];

    /// <summary>One target less, from the next connection on.</summary>
    public void Remove(ProxyRule rule) => _dialer.Rules = [.. _dialer.Rules.Where(other => other != rule)];

    /// <summary>Nobody comes in any more, and the port is free; connections go on until they end. Datagrams end with their port.</summary>
    public ValueTask CloseAsync() => _listener.DisposeAsync();

    /// <summary>Ends everything at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
        await Drained.WaitAsync(TimeSpan.FromSeconds(2)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }
}
