using System.Collections.Concurrent;
using System.Net;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard;

/// <summary>
/// The names of peers' endpoints. A name is resolved when its peer is added and again when a handshake has no answer, but not more often
/// than every few seconds, whatever strangers do, and only so many at once. Each time an address is taken that was not tried yet, in
/// whichever order servers list them; when all were, the first again.
/// </summary>
internal sealed class EndpointNames(INameResolver resolver, TimeProvider time, Action<Peer, CarrierEndpoint> resolved) : IDisposable
{
    /// <summary>Addresses of one name that are tried; a name that has more is not worth their time.</summary>
    public const int MaxAddresses = 16;

    /// <summary>Names that are being asked for; others wait for their turn.</summary>
    public const int MaxAtOnce = 16;

    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<Peer, Name> _names = new();
    private readonly Queue<(Peer Peer, Name Name)> _line = new();
    private int _asking;
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
        lock (_line)
        {
            _line.Enqueue((peer, name));
            if (_asking == MaxAtOnce) return;
            _asking++;
        }
        _ = AskAsync();
    }

    public void Dispose() => _stop.Cancel();

    private async Task AskAsync()
    {
        while (TryTakeNext(out Peer peer, out Name name)) await AskAsync(peer, name).ConfigureAwait(false);
    }

    private bool TryTakeNext(out Peer peer, out Name name)
    {
        lock (_line)
        {
            bool hasNext = _line.TryDequeue(out (Peer Peer, Name Name) next);
            if (!hasNext) _asking--;
            (peer, name) = next;
            return hasNext;
        }
    }

    private async Task AskAsync(Peer peer, Name name)
    {
        try
        {
            long heard = peer.ReceivedBytes;
            NameResult result = await resolver.ResolveAsync(name.EndPoint.Host, _stop.Token).ConfigureAwait(false);
            // Where a peer was heard in the meantime it is, whatever its name says.
            if (peer.ReceivedBytes == heard && name.Choose(result.Addresses) is { } address)
                resolved(peer, new UdpEndpoint(new IPEndPoint(address, name.EndPoint.Port)));
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
        private readonly HashSet<IPAddress> _tried = [];

        public DnsEndPoint EndPoint { get; } = endPoint;
        public bool IsResolving { get; set; }
        public long? LastAsked { get; set; }

        /// <summary>The first address that was not tried yet. One question is under way at a time.</summary>
        public IPAddress? Choose(IReadOnlyList<IPAddress> addresses)
        {
            if (addresses.Count == 0) return null;
            if (_tried.Count < MaxAddresses)
            {
                foreach (IPAddress address in addresses)
                    if (_tried.Add(address)) return address;
            }
            _tried.Clear();
            _tried.Add(addresses[0]);
            return addresses[0];
        }
    }
}
