using System.Net;

namespace Ginnel.ProxyProtocols;

/// <summary>What the names in one association's datagrams resolve to. Bounded, expiring, the oldest forgotten first. Thread-safe.</summary>
internal sealed class Socks5Names(INameResolver? resolver, int limit, TimeSpan lifetime, TimeProvider time)
{
    private readonly Dictionary<string, Entry> _known = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<string> _order = new();
    private readonly Lock _lock = new();

    /// <summary>Whether it is known; null for a name that is known to have no address.</summary>
    internal bool TryGet(string name, out IPAddress? address)
    {
        address = null;
        if (resolver is null) return true;
        lock (_lock)
        {
            if (!_known.TryGetValue(name, out Entry? entry)) return false;
            // Whoever comes while it is being asked joins the question.
            if (!entry.Answer.IsCompleted) return false;
            if (time.GetElapsedTime(entry.Since) < lifetime)
            {
                address = entry.Answer.Result;
                return true;
            }
            return false;
        }
    }

    /// <summary>Asks, or joins who asks already. Never throws.</summary>
    internal Task<IPAddress?> ResolveAsync(string name, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_known.TryGetValue(name, out Entry? entry) && (!entry.Answer.IsCompleted || time.GetElapsedTime(entry.Since) < lifetime)) return entry.Answer;
            if (entry is null)
            {
                if (_order.Count >= limit) _known.Remove(_order.Dequeue());
                _order.Enqueue(name);
            }
            Entry asked = new(AskAsync(name, cancellationToken), time.GetTimestamp());
            _known[name] = asked;
            return asked.Answer;
        }
    }

    private async Task<IPAddress?> AskAsync(string name, CancellationToken cancellationToken)
    {
        // Outside the lock: the resolver is someone else's.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        try
        {
            NameResult result = await resolver!.ResolveAsync(name, cancellationToken).ConfigureAwait(false);
            return result.Failure.Kind == DialFailureKind.None && result.Addresses.Count > 0 ? ProxyTargets.Plain(result.Addresses[0]) : null;
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException or ObjectDisposedException)
        {
            return null;
        }
    }

    private sealed record Entry(Task<IPAddress?> Answer, long Since);
}
