using System.Net;
using System.Net.Sockets;

namespace Ginnel;

/// <summary>Dials out of a host's stack: into the tunnel, the exit's network, or whatever its links lead to.</summary>
public sealed class StackDialer : IDialer
{
    private readonly NetworkHost _host;

    internal StackDialer(NetworkHost host) => _host = host;

    /// <inheritdoc/>
    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(target);
        switch (target)
        {
            case IPEndPoint endPoint:
                return await _host.DialAsync(null, endPoint, cancellationToken).ConfigureAwait(false);
            case DnsEndPoint name:
                NameResult resolved = await ResolveAsync(name, cancellationToken).ConfigureAwait(false);
                if (resolved.Failure.Kind != DialFailureKind.None) return DialResult.Failed(resolved.Failure);
                return await HappyEyeballs.DialAsync(resolved.Addresses, name.Port, DialOneAsync, _host.Runtime.Time, cancellationToken).ConfigureAwait(false);
            default:
                return DialResult.Failed(DialFailureKind.Unsupported, $"{target.GetType().Name} is neither an IP endpoint nor a name");
        }
    }

    private ValueTask<DialResult> DialOneAsync(IPEndPoint endPoint, CancellationToken cancellationToken) =>
        _host.DialAsync(null, endPoint, cancellationToken);

    private async ValueTask<NameResult> ResolveAsync(DnsEndPoint name, CancellationToken cancellationToken)
    {
        if (IPAddress.TryParse(name.Host, out IPAddress? literal)) return new NameResult([literal]);
        if (_host.Resolver is null) return new NameResult([], new DialFailure(DialFailureKind.NameNotFound, $"{name.Host}: the host {_host.Name} has no resolver"));
        NameResult result = await _host.Resolver.ResolveAsync(name.Host, cancellationToken).ConfigureAwait(false);
        if (name.AddressFamily is AddressFamily.Unspecified || result.Failure.Kind != DialFailureKind.None) return result;
        IPAddress[] wanted = [.. result.Addresses.Where(address => address.AddressFamily == name.AddressFamily)];
        return wanted.Length == 0 ? NameResult.NotFound(name.Host) : new NameResult(wanted);
    }

    /// <inheritdoc/>
    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(flow);
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<BindResult>(cancellationToken);
        return new(flow.Protocol == FlowProtocol.Tcp
            ? BindResult.Failed(DialFailureKind.Unsupported, "TCP is dialled, not bound")
            : _host.TryBind(flow.Protocol, FamilyOf(flow)));
    }

    // Echo ports are of one family; UDP ports serve both, so that every target of a source goes through one (RFC 4787).
    private static IPEndPoint FamilyOf(FlowInfo flow) =>
        flow.Protocol == FlowProtocol.IcmpEcho && (flow.Destination as IPEndPoint ?? flow.Source)?.AddressFamily == AddressFamily.InterNetwork
            ? new IPEndPoint(IPAddress.Any, 0)
            : new IPEndPoint(IPAddress.IPv6Any, 0);
}
