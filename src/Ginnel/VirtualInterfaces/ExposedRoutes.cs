using System.Net;

namespace Ginnel;

/// <summary>What an exit lets through: only what is exposed, judged on the address that is dialled.</summary>
internal sealed class ExposedRoutes : IDialer, IDatagramJudge
{
    private readonly IDialer _way;
    private readonly IPNetwork[] _networks;
    private readonly IPNetwork[] _loopbacks;

    internal ExposedRoutes(IReadOnlyList<IPNetwork> exposed, IDialer way)
    {
        _loopbacks = [.. exposed.Where(LiesInLoopback)];
        _networks = [.. exposed.Where(network => !LiesInLoopback(network))];
        _way = way;
    }

    /// <summary>The addresses under which the host's loopback may be reached, as far as it is exposed.</summary>
    internal IReadOnlyList<IPAddress> LoopbackAliases =>
    [
        .. new[] { VirtualInterface.ExitLoopbackAddress, VirtualInterface.ExitLoopbackAddressV6 }.Where(alias => IsExposed(_loopbacks, Resolve(alias))),
    ];

    /// <summary>For the dialer that leads to the host's own sockets: what an alias stands for, or null for any other address.</summary>
    internal static IPEndPoint? Redirect(IPEndPoint asked) =>
        Resolve(asked.Address) is var meant && ReferenceEquals(meant, asked.Address) ? null : new IPEndPoint(meant, asked.Port);

    private static IPAddress Resolve(IPAddress address) =>
        address.Equals(VirtualInterface.ExitLoopbackAddress) ? IPAddress.Loopback
        : address.Equals(VirtualInterface.ExitLoopbackAddressV6) ? IPAddress.IPv6Loopback
        : address;

    public ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        DialFailure refusal = target is IPEndPoint endPoint ? Judge(flow, endPoint) : new DialFailure(DialFailureKind.Denied, $"{target}: an exit dials addresses");
        return refusal.Kind != DialFailureKind.None ? new(DialResult.Failed(refusal)) : _way.DialAsync(target, flow, cancellationToken);
    }

    // Each target is judged by the relay, which is given this same object as its judge.
    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => _way.BindAsync(flow, cancellationToken);

    public DialFailure Judge(FlowInfo flow, IPEndPoint target)
    {
        IPAddress address = Resolve(target.Address.IsIPv4MappedToIPv6 ? target.Address.MapToIPv4() : target.Address);
        // A network as wide as 0.0.0.0/0 contains 127.0.0.1 too; whoever exposed it hardly meant that.
        return IsExposed(HostLoopback.Contains(address) ? _loopbacks : _networks, address)
            ? default : new DialFailure(DialFailureKind.Denied, $"{target.Address} is not exposed by this exit");
    }

    private static bool IsExposed(IPNetwork[] networks, IPAddress address)
    {
        foreach (IPNetwork network in networks)
            if (network.BaseAddress.AddressFamily == address.AddressFamily && network.Contains(address)) return true;
        return false;
    }

    private static bool LiesInLoopback(IPNetwork network) =>
        HostLoopback.Contains(network.BaseAddress)
        && (network.BaseAddress.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork ? network.PrefixLength >= 8 : network.PrefixLength == 128);
}
