using System.Net;

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
            if (_order.Count >= options.MaxTargetsPerPort) Forget(_order.Dequeue());
            _order.Enqueue(target);
            _judged[target] = verdict;
            if (verdict.Kind == DialFailureKind.None) _allowed[target.Address] = _allowed.GetValueOrDefault(target.Address) + 1;
        }
        return verdict;
    }

    /// <summary>Whether what came from an address may go to the source.</summary>
    internal bool MayAnswer(IPAddress address)
    {
        if (options.AdmitStrangers) return true;
        lock (_lock) return _allowed.ContainsKey(address);
    }

    private void Forget(IPEndPoint target)
    {
        if (!_judged.Remove(target, out DialFailure verdict) || verdict.Kind != DialFailureKind.None) return;
        int left = _allowed[target.Address] - 1;
        if (left == 0) _allowed.Remove(target.Address);
        else _allowed[target.Address] = left;
    }
}
