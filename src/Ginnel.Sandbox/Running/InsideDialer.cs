using System.Collections.Concurrent;
using System.Net;

namespace Ginnel.Sandbox;

/// <summary>
/// Dials programs inside the sandbox, wherever they listen: at the sandbox's address or its loopback, of IPv4 or IPv6. They see the gateway as
/// their peer, never a loopback address, which many programs take for a friend.
/// </summary>
internal sealed class InsideDialer(NetworkHost host, SandboxAddresses addresses, bool reachesLoopbackV6) : IDialer
{
    /// <summary>The addresses of the program, in the order in which they are tried.</summary>
    private readonly IPAddress[] _inside =
    [
        addresses.V4.Guest, IPAddress.Loopback,
        .. addresses.V6 is { } v6 ? (IPAddress[])[v6.Guest] : [],
        .. addresses.V6 is not null && reachesLoopbackV6 ? (IPAddress[])[IPAddress.IPv6Loopback] : [],
    ];

    // Where a port was answered before is asked first: kernels limit their refusals by rate, so not every question finds its way anew.
    // Bounded by the ports that are published.
    private readonly ConcurrentDictionary<(FlowProtocol Protocol, int Port), IPAddress> _answered = new();

    /// <summary>Dials the target's port; its address does not matter.</summary>
    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        int port = ((IPEndPoint)target).Port;
        DialResult result = DialResult.Failed(DialFailureKind.Unsupported);
        foreach (IPAddress address in Order(FlowProtocol.Tcp, port))
        {
            result = await host.Dialer.DialAsync(new IPEndPoint(address, port), flow, cancellationToken).ConfigureAwait(false);
            if (result.IsConnected) _answered[(FlowProtocol.Tcp, port)] = address;
            if (result.Failure.Kind != DialFailureKind.Refused) return result;
        }
        return result;
    }

    /// <summary>Opens a port whose datagrams go to the program, whatever their address.</summary>
    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default)
    {
        if (flow.Protocol != FlowProtocol.Udp) return new(BindResult.Failed(DialFailureKind.Unsupported));
        // One port for both families where there are both.
        IDatagramPort port = host.BindUdp(new IPEndPoint(addresses.V6 is null ? addresses.V4.Gateway : IPAddress.IPv6Any, 0));
        return new(BindResult.Bound(new InsidePort(port, this)));
    }

    /// <summary>The addresses for a port, that which answered last before the others.</summary>
    internal IPAddress[] Order(FlowProtocol protocol, int port) =>
        _answered.TryGetValue((protocol, port), out IPAddress? known) ? [known, .. _inside.Where(address => !address.Equals(known))] : _inside;

    /// <summary>A datagram came from there.</summary>
    internal void Remember(int port, IPAddress address) => _answered[(FlowProtocol.Udp, port)] = address;
}
