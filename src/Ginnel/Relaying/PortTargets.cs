using System.Net;
using System.Net.Sockets;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// Whom the source of a datagram port has sent to. Each target is judged once, and who answers must have one of their addresses: mapping
/// is endpoint-independent, filtering address-dependent (RFC 4787, REQ-1 and REQ-8), so a mapped port is no open door. Bounded; the
/// oldest target is forgotten first, and comes back with the next datagram to it. Thread-safe.
/// </summary>
internal sealed class PortTargets(FlowInfo flow, RelayOptions options)
{
    private readonly Lock _lock = new();
    // Most sources speak to one target only, and need no tables.
    private IPEndPoint? _first;
    private DialFailure _firstVerdict;
    private Tables? _tables;
    private volatile bool _asksEverybody;

    /// <summary>Whether the source may send to the target.</summary>
    internal DialFailure Judge(IPEndPoint target)
    {
        lock (_lock)
        {
            if (TryFind(target, out DialFailure known)) return known;
        }
        DialFailure verdict = options.Judge?.Judge(flow, target) ?? default;
        lock (_lock)
        {
            if (TryFind(target, out DialFailure known)) return known;
            Remember(target, verdict);
            // Who asks a group is answered by whoever is in it.
            if (verdict.Kind == DialFailureKind.None) _asksEverybody |= IsGroup(target.Address);
        }
        return verdict;
    }

    /// <summary>Whether a datagram from an address may go to the source.</summary>
    internal bool MayAnswer(IPAddress address) => options.AdmitStrangers || _asksEverybody || HasSentTo(address);

    /// <summary>Whether the source has sent to an address: only then an error about it means something.</summary>
    internal bool HasSentTo(IPAddress address)
    {
        lock (_lock)
        {
            if (_tables is { } tables) return tables.Allowed.ContainsKey(address);
            return _first is not null && _firstVerdict.Kind == DialFailureKind.None && _first.Address.Equals(address);
        }
    }

    private static bool IsGroup(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? address.IsIPv6Multicast : IpAddress.From(address) is { IsMulticast: true } or { IsLimitedBroadcast: true };

    private bool TryFind(IPEndPoint target, out DialFailure verdict)
    {
        verdict = _firstVerdict;
        if (_tables is { } tables) return tables.Judged.TryGetValue(target, out verdict);
        return _first is not null && (ReferenceEquals(_first, target) || _first.Equals(target));
    }

    private void Remember(IPEndPoint target, in DialFailure verdict)
    {
        if (_first is null)
        {
            (_first, _firstVerdict) = (target, verdict);
            return;
        }
        if (_tables is null)
        {
            _tables = new Tables();
            _tables.Add(_first, _firstVerdict);
        }
        if (_tables.Judged.Count >= options.MaxTargetsPerPort) _tables.ForgetOldest();
        _tables.Add(target, verdict);
    }

    private sealed class Tables
    {
        private readonly Queue<IPEndPoint> _order = new();

        internal Dictionary<IPEndPoint, DialFailure> Judged { get; } = [];

        // How many targets of an address.
        internal Dictionary<IPAddress, int> Allowed { get; } = [];

        internal void Add(IPEndPoint target, in DialFailure verdict)
        {
            Judged.Add(target, verdict);
            _order.Enqueue(target);
            if (verdict.Kind == DialFailureKind.None) Allowed[target.Address] = Allowed.GetValueOrDefault(target.Address) + 1;
        }

        internal void ForgetOldest()
        {
            IPEndPoint target = _order.Dequeue();
            if (!Judged.Remove(target, out DialFailure verdict) || verdict.Kind != DialFailureKind.None) return;
            int left = Allowed[target.Address] - 1;
            if (left == 0) Allowed.Remove(target.Address);
            else Allowed[target.Address] = left;
        }
    }
}
