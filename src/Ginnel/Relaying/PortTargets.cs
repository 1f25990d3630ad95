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
    private readonly Dictionary<IPEndPoint, DialFailure> _judged = [];
    private readonly Queue<IPEndPoint> _order = new();
    private readonly Dictionary<IPAddress, int> _allowed = [];
    private readonly Lock _lock = new();
    private volatile bool _asksEverybody;

    /// <summary>Whether the source may send to the target.</summary>
    internal DialFailure Judge(IPEndPoint target)
    {
        lock (_lock)
        {
            if (_judged.TryGetValue(target, out DialFailure known)) return known;
        }
        DialFailure verdict = options.Judge?.Judge(flow, target) ?? default;
        lock (_lock)
        {
            if (!_judged.TryAdd(target, verdict)) return _judged[target];
            if (_order.Count >= options.MaxTargetsPerPort) Forget(_order.Dequeue());
            _order.Enqueue(target);
            if (verdict.Kind != DialFailureKind.None) return verdict;
            _allowed[target.Address] = _allowed.GetValueOrDefault(target.Address) + 1;
            // Who asks a group is answered by whoever is in it.
            _asksEverybody |= IsGroup(target.Address);
        }
        return verdict;
    }

    /// <summary>Whether a datagram from an address may go to the source.</summary>
    internal bool MayAnswer(IPAddress address) => options.AdmitStrangers || _asksEverybody || HasSentTo(address);

    /// <summary>Whether the source has sent to an address: only then an error about it means something.</summary>
    internal bool HasSentTo(IPAddress address)
    {
        lock (_lock) return _allowed.ContainsKey(address);
    }

    private static bool IsGroup(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 ? address.IsIPv6Multicast : IpAddress.From(address) is { IsMulticast: true } or { IsLimitedBroadcast: true };

    private void Forget(IPEndPoint target)
    {
        if (!_judged.Remove(target, out DialFailure verdict) || verdict.Kind != DialFailureKind.None) return;
        int left = _allowed[target.Address] - 1;
        if (left == 0) _allowed.Remove(target.Address);
        else _allowed[target.Address] = left;
    }
}
