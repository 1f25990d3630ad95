using System.Net;

namespace Ginnel.Sandbox;

/// <summary>
/// Decides in front of the way out: addresses of the sandbox's own networks exist only inside, so they never leave, and the one that stands for
/// the host leads there only where that is allowed. It decides and hands on; it never wraps a stream.
/// </summary>
internal sealed class SandboxDialer(IDialer next, SandboxAddresses addresses, bool hostLoopback) : IDialer, IDatagramJudge
{
    /// <inheritdoc/>
    public ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        if (target is IPEndPoint endPoint && Judge(flow, endPoint) is { Kind: not DialFailureKind.None } failure) return new(DialResult.Failed(failure));
        return next.DialAsync(target, flow, cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default)
    {
        BindResult bound = await next.BindAsync(flow, cancellationToken).ConfigureAwait(false);
        // Where this user may not ping, ping says so ("prohibited") instead of blaming the network.
        return bound.IsBound || flow.Protocol != FlowProtocol.IcmpEcho || bound.Failure.Kind != DialFailureKind.Unsupported
            ? bound : BindResult.Failed(DialFailureKind.Denied, bound.Failure.Detail);
    }

    /// <inheritdoc/>
    public DialFailure Judge(FlowInfo flow, IPEndPoint target)
    {
        IPAddress address = target.Address.IsIPv4MappedToIPv6 ? target.Address.MapToIPv4() : target.Address;
        if (!addresses.IsInside(address)) return DialFailure.None;
        if (!addresses.IsHost(address)) return new DialFailure(DialFailureKind.HostUnreachable, "nobody has this address in the sandbox");
        // Refused, as by a host on which nothing listens: programs take that for an answer and go on.
        return hostLoopback ? DialFailure.None : new DialFailure(DialFailureKind.Refused, "this host's loopback; --host-loopback opens it");
    }
}
