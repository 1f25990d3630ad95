using System.Collections.Concurrent;
using System.Net;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard;

/// <summary>
/// The names of peers' endpoints. A name is resolved when its peer is added and again when a handshake has no answer, but not more often
/// than every few seconds, whatever strangers do; each time the next of its addresses is taken, so that all are tried.
/// </summary>
internal sealed class EndpointNames(INameResolver resolver, TimeProvider time, Action<Peer, CarrierEndpoint> resolved) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<Peer, Name> _names = new();
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Takes a name over, and resolves it.</summary>
    public void Add(Peer peer, DnsEndPoint endpoint)
    {
        _names[peer] = new Name(endpoint);
        Resolve(peer);
    }

    public void Remove(Peer peer) => _names.TryRemove(peer, out _);

    /// <summary>Resolves a peer's name anew, if it has one and this was not done a moment ago.</summary>
    public void Resolve(Peer peer)
    {
        if (!_names.TryGetValue(peer, out Name? name)) return;
        lock (name)
        {
            long now = time.GetTimestamp();
            if (name.IsResolving || (name.LastAsked is { } last && time.GetElapsedTime(last, now) < Interval)) return;
            (name.IsResolving, name.LastAsked) = (true, now);
        }
        _ = ResolveAsync(peer, name);
    }

    public void Dispose() => _stop.Cancel();

    private async Task ResolveAsync(Peer peer, Name name)
    {
        try
        {
            NameResult result = await resolver.ResolveAsync(name.EndPoint.Host, _stop.Token).ConfigureAwait(false);
            if (result.Addresses.Count > 0)
            {
                IPAddress address = result.Addresses[name.Turn++ % result.Addresses.Count];
                resolved(peer, new UdpEndpoint(new IPEndPoint(address, name.EndPoint.Port)));
            }
        }
        catch (OperationCanceledException)
        {
            // The link is closed.
        }
        finally
        {
            lock (name) name.IsResolving = false;
        }
    }

    private sealed class Name(DnsEndPoint endPoint)
    {
        public DnsEndPoint EndPoint { get; } = endPoint;
        public int Turn { get; set; }
        public bool IsResolving { get; set; }
        public long? LastAsked { get; set; }
    }
}
