using System.Net;

namespace Ginnel.Proxy;

/// <summary>Lets only connections from certain networks through; others are refused.</summary>
internal sealed class SourceFilter(IListener listener, IReadOnlyList<IPNetwork> sources) : IListener
{
    /// <summary>Whether an address lies in one of the networks.</summary>
    public static bool Admits(IPAddress? from, IReadOnlyList<IPNetwork> sources)
    {
        if (from is { IsIPv4MappedToIPv6: true }) from = from.MapToIPv4();
        return from is not null && sources.Any(network => network.Contains(from));
    }

    public async ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await listener.AcceptAsync(cancellationToken).ConfigureAwait(false) is { } pending)
        {
            if (Admits(pending.Flow.Source?.Address, sources)) return pending;
            pending.Reject(new DialFailure(DialFailureKind.Refused, "source="));
        }
        return null;
    }

    public ValueTask DisposeAsync() => listener.DisposeAsync();
}

/// <summary>The same for datagrams; those of others are dropped.</summary>
internal sealed class SourcePortFilter(IPortListener listener, IReadOnlyList<IPNetwork> sources) : IPortListener
{
    public int MaxPorts => listener.MaxPorts;

    public async ValueTask<IPendingPort?> AcceptPortAsync(CancellationToken cancellationToken = default)
    {
        while (await listener.AcceptPortAsync(cancellationToken).ConfigureAwait(false) is { } pending)
        {
            if (SourceFilter.Admits(pending.Source.Address, sources)) return pending;
            pending.Reject(new DialFailure(DialFailureKind.Refused, "source="));
        }
        return null;
    }

    public ValueTask DisposeAsync() => listener.DisposeAsync();
}
