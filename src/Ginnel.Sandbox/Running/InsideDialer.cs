using System.Net;

namespace Ginnel.Sandbox;

/// <summary>
/// Dials programs inside the sandbox, wherever they listen: at the sandbox's address, at its IPv4 loopback, or at its IPv6 address. They see the
/// gateway as their peer, never a loopback address, which many programs take for a friend.
/// </summary>
internal sealed class InsideDialer(NetworkHost host, SandboxAddresses addresses) : IDialer
{
    /// <summary>The addresses of the program, in the order in which they are tried.</summary>
    private readonly IPAddress[] _inside = addresses.V6 is null ? [addresses.V4.Guest, IPAddress.Loopback] : [addresses.V4.Guest, IPAddress.Loopback, addresses.V6.Guest];

    /// <summary>Dials the target's port; its address does not matter.</summary>
    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        DialResult result = DialResult.Failed(DialFailureKind.Unsupported);
        foreach (IPAddress address in _inside)
        {
            result = await host.Dialer.DialAsync(new IPEndPoint(address, ((IPEndPoint)target).Port), flow, cancellationToken).ConfigureAwait(false);
            if (result.Failure.Kind != DialFailureKind.Refused) return result;
        }
        return result;
    }

    /// <summary>Opens a port whose datagrams go to the program, whatever their address.</summary>
    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default)
    {
        if (flow.Protocol != FlowProtocol.Udp) return new(BindResult.Failed(DialFailureKind.Unsupported));
        IDatagramPort v4 = host.BindUdp(new IPEndPoint(addresses.V4.Gateway, 0));
        return new(BindResult.Bound(new InsidePort(v4, [addresses.V4.Guest, IPAddress.Loopback])));
    }
}
