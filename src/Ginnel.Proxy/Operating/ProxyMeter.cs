using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Ginnel.WireGuard;

namespace Ginnel.Proxy.Operating;

/// <summary>A proxy's figures as instruments of <c>System.Diagnostics.Metrics</c>, under the name <c>Ginnel.Proxy</c>.</summary>
public sealed class ProxyMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "Ginnel.Proxy";

    private readonly ProxySession _session;
    private readonly FlowTotals _totals = new();
    private readonly IDisposable _observing;

    /// <summary>The figures of a proxy, until it is disposed of.</summary>
    public ProxyMeter(ProxySession session)
    {
        ArgumentNullException.ThrowIfNull(session);
        _session = session;
        _observing = session.Flows.Observe(_totals);
        Meter = new Meter(Name);
        Peer("ginnel.peer.received", "By", "Bytes of genuine messages from a peer.", peer => peer.ReceivedBytes, isCounter: true);
        Peer("ginnel.peer.sent", "By", "Bytes sent to a peer.", peer => peer.SentBytes, isCounter: true);
        Peer("ginnel.peer.healthy", null, "1 if the latest handshake with a peer is younger than 210 s.", peer => peer.IsHealthy ? 1 : 0, isCounter: false);
        Meter.CreateObservableGauge("ginnel.peer.latest.handshake", HandshakeAges, "s", "Age of the latest handshake with a peer; none where there was none.");
        Meter.CreateObservableUpDownCounter("ginnel.flows.live", () => _session.Flows.LiveCount, null, "Flows that live.");
        Meter.CreateObservableCounter("ginnel.flows.ended", () => _session.Flows.EndedCount, null, "Flows that carried and have ended.");
        Meter.CreateObservableCounter("ginnel.flows.failed", () => _session.Flows.FailedCount, null, "Flows that could not be dialled.");
        Meter.CreateObservableCounter("ginnel.flows.up", () => _totals.Up, "By", "Payload bytes from those who came in to those who were dialled.");
        Meter.CreateObservableCounter("ginnel.flows.down", () => _totals.Down, "By", "Payload bytes back.");
        Meter.CreateObservableUpDownCounter("ginnel.rules", () => _session.Ports.Rules.Count, null, "Rules in force.");
        Meter.CreateObservableCounter("ginnel.wireguard.discarded", Discarded, null, "Messages and packets that came to nothing, by cause.");
        Meter.CreateObservableGauge("ginnel.process.memory", () => Environment.WorkingSet, "By", "Resident memory of the process.");
    }

    /// <summary>The meter.</summary>
    public Meter Meter { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        _observing.Dispose();
        Meter.Dispose();
    }

    private static KeyValuePair<string, object?> KeyOf(WireGuardPeerStatus peer) => new("public_key", Convert.ToBase64String(peer.PublicKey));

    private void Peer(string name, string? unit, string description, Func<WireGuardPeerStatus, long> value, bool isCounter)
    {
        IEnumerable<Measurement<long>> Read() => _session.Link.Peers.Select(peer => new Measurement<long>(value(peer), KeyOf(peer)));
        if (isCounter) Meter.CreateObservableCounter(name, Read, unit, description);
        else Meter.CreateObservableGauge(name, Read, unit, description);
    }

    private IEnumerable<Measurement<double>> HandshakeAges() =>
        _session.Link.Peers.Where(peer => peer.LastHandshake is not null).Select(peer => new Measurement<double>(peer.LastHandshake!.Value.TotalSeconds, KeyOf(peer)));

    private IEnumerable<Measurement<long>> Discarded()
    {
        WireGuardCounters counters = _session.Link.Counters;
        foreach (System.Reflection.PropertyInfo cause in typeof(WireGuardCounters).GetProperties())
            yield return new Measurement<long>((long)cause.GetValue(counters)!, new KeyValuePair<string, object?>("cause", Regex.Replace(cause.Name, "(?<=[a-z])[A-Z]", "_$0").ToLowerInvariant()));
    }
}
