using System.Net;
using System.Net.Sockets;
using Ginnel.WireGuard;

namespace Ginnel.Proxy.Control;

/// <summary>
/// Everything that can be asked of a running proxy. Whatever fails is an exception with a sentence, and the proxy is as it was. Thread-safe.
/// </summary>
public sealed class ProxyControl(ProxySession session, ControlContext context)
{
    private readonly SemaphoreSlim _changes = new(1);
    // Replaced as a whole: listings read it while it changes. It may hold rules that are not in force because their port is another's; they stay.
    private volatile IReadOnlyList<ProxyRule> _persistent = context.Store?.Rules ?? [];

    /// <summary>Whether a line is written for every flow that ends.</summary>
    public bool Debug
    {
        get => context.IsVerbose();
        set => context.SetVerbose(value);
    }

    /// <summary>What it is and how it is.</summary>
    public StatusReport Status()
    {
        IReadOnlyList<WireGuardPeerStatus> peers = session.Link.Peers;
        ProxyConfiguration configuration = session.Configuration;
        return new StatusReport(
            context.Name, context.Version, "running", session.Uptime.TotalSeconds, [.. configuration.Addresses.Select(address => address.ToString())],
            Convert.ToBase64String(session.Link.PublicKey), session.Link.LocalEndPoint?.ToString(), configuration.Mtu,
            [.. configuration.NameServers.Select(server => server.ToString())], peers.Count, peers.Count(peer => peer.IsHealthy), session.Ports.Rules.Count,
            session.Flows.LiveCount, session.Flows.EndedCount, session.Flows.FailedCount, Debug);
    }

    /// <summary>The peers.</summary>
    public IReadOnlyList<PeerReport> Peers() => [.. session.Link.Peers.Select(peer => new PeerReport(
        Convert.ToBase64String(peer.PublicKey), peer.Endpoint?.ToString(), [.. peer.AllowedIps.Select(network => network.ToString())],
        peer.LastHandshake?.TotalSeconds, peer.ReceivedBytes, peer.SentBytes, (int)peer.PersistentKeepalive.TotalSeconds, peer.IsHealthy))];

    /// <summary>The rules.</summary>
    public IReadOnlyList<RuleReport> Rules()
    {
        IReadOnlyCollection<Flow> live = session.Flows.Live;
        return [.. session.Ports.Rules.Select(rule => new RuleReport(
            Word(rule.Direction), rule.ToString(), rule.Options.Name, _persistent.Contains(rule),
            live.Count(flow => flow.Info.Origin == (rule.Options.Name ?? rule.Key.ToString()) && Equals(flow.Target, rule.Target))))];
    }

    /// <summary>The live flows.</summary>
    public IReadOnlyList<FlowLine> Flows() => [.. session.Flows.Live.OrderBy(flow => flow.Id).Select(flow => new FlowLine(
        flow.Id, flow.Info.Protocol switch { FlowProtocol.Tcp => "tcp", FlowProtocol.Udp => "udp", _ => "icmp" }, flow.Info.Origin, flow.Info.Source?.ToString(),
        (flow.Target ?? flow.Info.Destination) switch { DnsEndPoint name => $"{name.Host}:{name.Port}", var end => end?.ToString() },
        flow.BytesUp, flow.BytesDown, flow.Duration.TotalSeconds))];

    /// <summary>Resets a flow; false if there is none of this number.</summary>
    public bool EndFlow(long id) => session.Flows.TryEnd(id, "by ginnel ctl");

    /// <summary>Adds rules: all, or none if one cannot be added. They are there again after a restart, where there is a store.</summary>
    /// <exception cref="RuleException">One cannot be added.</exception>
    public async Task<RulesChanged> AddAsync(RuleRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        List<ProxyRule> rules = [.. Parse(ProxyDirection.Ingress, request.Ingress), .. Parse(ProxyDirection.Egress, request.Egress)];
        if (rules.Count == 0) throw new RuleException(RuleFault.Invalid, "no rule was named");
        await _changes.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (int i = 0; i < rules.Count; i++)
            {
                try
                {
                    await session.Ports.AddAsync(rules[i], CancellationToken.None).ConfigureAwait(false);
                }
                catch
                {
                    foreach (ProxyRule added in rules.Take(i)) await session.Ports.RemoveAsync(added.Direction, added.ToString(), now: true, CancellationToken.None).ConfigureAwait(false);
                    throw;
                }
            }
            _persistent = [.. _persistent.Where(rule => !rules.Contains(rule)), .. rules];
            return new RulesChanged([.. rules.Select(rule => rule.AsFlag)], 0, Save());
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Takes rules out, those of the command line too; the latter come back with a restart. All are looked up before the first is taken out.</summary>
    /// <exception cref="RuleException">There is no such rule.</exception>
    public async Task<RulesChanged> RemoveAsync(RemovalRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        List<(ProxyDirection? Direction, string Text)> wanted =
        [
            .. (request.Ingress ?? []).Select(text => ((ProxyDirection?)ProxyDirection.Ingress, text)), .. (request.Egress ?? []).Select(text => ((ProxyDirection?)ProxyDirection.Egress, text)),
            .. (request.Names ?? []).Select(text => ((ProxyDirection?)null, text)),
        ];
        if (wanted.Count == 0) throw new RuleException(RuleFault.Invalid, "no rule was named");
        await _changes.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            List<ProxyRule> removed = Found(wanted);
            int draining = (await session.Ports.RemoveAsync(removed, request.Now).ConfigureAwait(false)).Draining;
            bool wasPersistent = removed.Any(_persistent.Contains);
            _persistent = [.. _persistent.Where(rule => !removed.Contains(rule))];
            return new RulesChanged([.. removed.Select(rule => rule.AsFlag)], draining, wasPersistent ? Save() : null);
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Reads the configuration again and takes over its peers.</summary>
    /// <exception cref="ConfigurationException">It says something wrong, or something that cannot change has changed; nothing was taken over.</exception>
    public async Task<ReloadReport> ReloadAsync(CancellationToken cancellationToken = default)
    {
        await _changes.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            (int added, int changed, int removed) = session.Reload(context.Load());
            return new ReloadReport(added, changed, removed);
        }
        finally
        {
            _changes.Release();
        }
    }

    /// <summary>Sends echo requests through the tunnel, one after the other.</summary>
    /// <exception cref="ArgumentException">The address, the count or the time is no good.</exception>
    public Task<PingReport> PingAsync(PingRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!IPAddress.TryParse(request.Address, out IPAddress? address)) throw new ArgumentException($"'{request.Address}' is no address, such as 10.0.0.1 or fd00::1");
        if (request.Count is < 1 or > 100) throw new ArgumentException($"{request.Count} is no number of requests from 1 to 100");
        if (request.TimeoutMilliseconds is < 1 or > 60_000) throw new ArgumentException($"{request.TimeoutMilliseconds} is no time from 1 to 60000 ms");
        return new TunnelPing(session.Host, address).RunAsync(request.Count, TimeSpan.FromMilliseconds(request.TimeoutMilliseconds), cancellationToken);
    }

    internal static string Word(ProxyDirection direction) => direction == ProxyDirection.Ingress ? "ingress" : "egress";

    private static IEnumerable<ProxyRule> Parse(ProxyDirection direction, IReadOnlyList<string>? texts)
    {
        foreach (string text in texts ?? [])
        {
            if (!RuleParser.TryParse(direction, text ?? "", out ProxyRule? rule, out string? error)) throw new RuleException(RuleFault.Invalid, error);
            yield return rule;
        }
    }

    // Each once, however often it is named; all before the first is taken out. A rule of the store that is not in force can be taken out of it.
    private List<ProxyRule> Found(IReadOnlyList<(ProxyDirection? Direction, string Text)> wanted)
    {
        List<ProxyRule> found = [];
        foreach ((ProxyDirection? direction, string? named) in wanted)
        {
            string text = named ?? "";
            // A malformed rule is told as such rather than as one that is not there.
            if (direction is { } way && text.Contains(':', StringComparison.Ordinal)) _ = Parse(way, [text]).Count();
            IReadOnlyList<ProxyRule> here = RuleSet.Find(session.Ports.Rules, direction, text);
            if (here.Count == 0) here = RuleSet.Find(_persistent, direction, text);
            if (here.Count == 0) session.Ports.Require(direction, text);
            found.AddRange(here.Where(rule => !found.Contains(rule)));
        }
        return found;
    }

    // A rule that works and cannot be written down still works; who asked is told.
    private string? Save()
    {
        if (context.Store is null) return null;
        try
        {
            context.Store.Save(_persistent);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ConfigurationException)
        {
            return $"the state cannot be written, a restart will not know of this: {failure.Message}";
        }
    }
}

/// <summary>What a proxy's control needs besides the proxy.</summary>
public sealed class ControlContext
{
    /// <summary>The instance's name.</summary>
    public required string Name { get; init; }

    /// <summary>The program's version.</summary>
    public required string Version { get; init; }

    /// <summary>Reads the configuration again.</summary>
    public required Func<ProxyConfiguration> Load { get; init; }

    /// <summary>Where rules outlive the process; null for nowhere.</summary>
    public RuleStore? Store { get; init; }

    /// <summary>Whether lines about flows are written.</summary>
    public required Func<bool> IsVerbose { get; init; }

    /// <summary>Has lines about flows written, or not.</summary>
    public required Action<bool> SetVerbose { get; init; }
}
