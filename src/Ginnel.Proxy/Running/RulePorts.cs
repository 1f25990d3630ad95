namespace Ginnel.Proxy;

/// <summary>
/// The ports of a proxy, and the rules behind them, while they come and go. Thread-safe; a change that fails leaves everything as it was, and none waits
/// for a connection to end.
/// </summary>
public sealed class RulePorts : IAsyncDisposable
{
    private readonly RuleSet _rules = new();
    private readonly Dictionary<RuleKey, RulePort> _ports = [];
    private readonly HashSet<RulePort> _draining = [];
    private readonly SemaphoreSlim _gate = new(1);
    private readonly ProxySides _sides;
    private readonly FlowRegistry _flows;
    private volatile IReadOnlyList<ProxyRule> _listed = [];
    // Once it drains or is disposed of, nothing new is opened and nothing is left to take out.
    private bool _ended;

    internal RulePorts(ProxySides sides, FlowRegistry flows) => (_sides, _flows) = (sides, flows);

    /// <summary>The rules, in the order in which they were added.</summary>
    public IReadOnlyList<ProxyRule> Rules => _listed;

    /// <summary>Opens a rule's port, or adds its target to those that share it.</summary>
    /// <exception cref="RuleException">It is there already, contradicts another, or its port cannot be opened.</exception>
    public async Task AddAsync(ProxyRule rule, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(rule);
        using Turn turn = await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        if (rule.Target is System.Net.DnsEndPoint name && _sides.ResolverOf(rule.Direction) is null)
            throw new RuleException(RuleFault.Invalid, $"{rule.AsFlag}: {name.Host} cannot be resolved in the tunnel: no DNS is configured");
        if (!_rules.TryAdd(rule, out string? error)) throw new RuleException(RuleFault.Conflict, error);
        if (_ports.TryGetValue(rule.Key, out RulePort? port))
        {
            port.Add(rule);
            return;
        }
        try
        {
            _ports[rule.Key] = RulePort.Open(rule, _sides, _flows);
        }
        catch
        {
            _rules.Remove(rule);
            throw;
        }
    }

    /// <summary>
    /// Takes rules out. Nobody comes in by them any more when this returns; what has come in goes on until it ends, or is reset at once.
    /// </summary>
    /// <param name="direction">Which way; null for either.</param>
    /// <param name="text">A rule, with its options or without them; or a <c>name=</c>.</param>
    /// <param name="now">Whether what has come in is reset.</param>
    /// <param name="cancellationToken">Gives up waiting for one's turn.</param>
    /// <returns>The rules, and how many flows go on.</returns>
    /// <exception cref="RuleException">There is none.</exception>
    public async Task<RemovedRules> RemoveAsync(ProxyDirection? direction, string text, bool now, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(text);
        using Turn turn = await TakeTurnAsync(cancellationToken).ConfigureAwait(false);
        return await TakeOutAsync(Found(_rules.Rules, direction, text), now).ConfigureAwait(false);
    }

    /// <summary>The same for rules that are known; those that are not in force are passed over.</summary>
    internal async Task<RemovedRules> RemoveAsync(IReadOnlyList<ProxyRule> rules, bool now)
    {
        using Turn turn = await TakeTurnAsync(CancellationToken.None).ConfigureAwait(false);
        return await TakeOutAsync([.. rules.Where(_rules.Rules.Contains)], now).ConfigureAwait(false);
    }

    private async Task<RemovedRules> TakeOutAsync(IReadOnlyList<ProxyRule> rules, bool now)
    {
        HashSet<Flow> left = [];
        foreach (ProxyRule rule in rules)
        {
            RulePort port = _ports[rule.Key];
            await RemoveAsync(rule, port, now).ConfigureAwait(false);
            left.UnionWith(_flows.Live.Where(flow => Belongs(flow, rule, port)));
        }
        return new RemovedRules(rules, now ? 0 : left.Count);
    }

    /// <summary>Checks that there is such a rule.</summary>
    /// <exception cref="RuleException">There is none.</exception>
    public void Require(ProxyDirection? direction, string text) => Found(Rules, direction, text);

    /// <summary>Closes every port, for good; what has come in goes on until it ends or the token is cancelled.</summary>
    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        Task all;
        using (Turn turn = await TakeTurnAsync(cancellationToken).ConfigureAwait(false))
        {
            _ended = true;
            foreach (RulePort port in _ports.Values)
            {
                await port.CloseAsync().ConfigureAwait(false);
                _draining.Add(port);
            }
            _ports.Clear();
            all = Task.WhenAll(_draining.Select(port => port.Drained));
        }
        await all.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Closes every port and resets what has come in.</summary>
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync().ConfigureAwait(false);
        _ended = true;
        await Task.WhenAll(_ports.Values.Concat(_draining).Select(port => port.DisposeAsync().AsTask())).ConfigureAwait(false);
        _ports.Clear();
        _draining.Clear();
        _gate.Release();
    }

    private static IReadOnlyList<ProxyRule> Found(IReadOnlyList<ProxyRule> rules, ProxyDirection? direction, string text) =>
        RuleSet.Find(rules, direction, text) is { Count: > 0 } found ? found : throw new RuleException(RuleFault.NotFound, $"there is no rule '{text}'; ginnel ctl proxy list tells which there are");

    private async Task RemoveAsync(ProxyRule rule, RulePort port, bool now)
    {
        _rules.Remove(rule);
        port.Remove(rule);
        if (port.Rules.Count == 0)
        {
            _ports.Remove(rule.Key);
            if (now)
            {
                await port.DisposeAsync().ConfigureAwait(false);
                return;
            }
            await port.CloseAsync().ConfigureAwait(false);
            _draining.Add(port);
            _ = ForgetAsync(port);
        }
        else if (now)
        {
            _flows.EndWhere(flow => Belongs(flow, rule, port), "its rule was removed");
        }
    }

    private static bool Belongs(Flow flow, ProxyRule rule, RulePort port) => flow.Info.Origin == port.Origin && (port.Rules.Count == 0 || Equals(flow.Target, rule.Target));

    private async Task ForgetAsync(RulePort port)
    {
        await port.Drained.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _gate.WaitAsync().ConfigureAwait(false);
        _draining.Remove(port);
        _gate.Release();
    }

    private async ValueTask<Turn> TakeTurnAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (!_ended) return new Turn(this);
        _gate.Release();
        throw new ObjectDisposedException(nameof(RulePorts));
    }

    private sealed class Turn(RulePorts ports) : IDisposable
    {
        public void Dispose()
        {
            ports._listed = [.. ports._rules.Rules];
            ports._gate.Release();
        }
    }
}

/// <summary>Rules that were taken out.</summary>
/// <param name="Rules">Which.</param>
/// <param name="Draining">Flows that go on.</param>
public readonly record struct RemovedRules(IReadOnlyList<ProxyRule> Rules, int Draining);
