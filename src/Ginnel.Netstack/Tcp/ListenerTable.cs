using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Listeners by endpoint. The most specific one wins: the address itself, then all addresses of its family, then of both.
/// </summary>
internal sealed class ListenerTable
{
    private Dictionary<IpEndpoint, TcpListener>? _listeners;

    internal bool TryAdd(TcpListener listener) => (_listeners ??= []).TryAdd(listener.Local, listener);

    internal void Remove(TcpListener listener) => _listeners?.Remove(listener.Local);

    /// <summary>The listener that takes a SYN to an endpoint.</summary>
    internal TcpListener? Find(in IpEndpoint local)
    {
        if (_listeners is not { Count: > 0 } listeners) return null;
        if (listeners.TryGetValue(local, out TcpListener? found)) return found;
        if (local.Address.IsV4 && listeners.TryGetValue(new IpEndpoint(IpAddress.AnyV4, local.Port), out found)) return found;
        return listeners.GetValueOrDefault(new IpEndpoint(IpAddress.AnyV6, local.Port));
    }

    /// <summary>The listener that names exactly this endpoint.</summary>
    internal TcpListener? FindExact(in IpEndpoint local) => _listeners?.GetValueOrDefault(local);
}
