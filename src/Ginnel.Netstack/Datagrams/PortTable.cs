using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Which port takes a datagram: by destination for bound ports, the specific before the general; by source for those of any-IP mode.
/// </summary>
internal sealed class PortTable
{
    private const int FirstEphemeral = 49_152;
    private const int EphemeralCount = 65_536 - FirstEphemeral;

    // Made with the first port: most stacks of a gateway never bind one.
    private Dictionary<Key, DatagramPort>? _bound;
    private Dictionary<Key, DatagramPort>? _sources;

    private readonly record struct Key(IpProtocol Protocol, IpEndpoint Endpoint, InterfaceId Interface);

    /// <summary>Finds the bound port for a destination.</summary>
    internal DatagramPort? FindBound(IpProtocol protocol, IpEndpoint destination, InterfaceId arrived, bool onlyGeneral)
    {
        if (_bound is null) return null;
        DatagramPort? found = null;
        if (!onlyGeneral) found = Find(protocol, destination, arrived);
        return found ?? Find(protocol, destination with { Address = Unspecified(destination.Address) }, arrived);
    }

    /// <summary>Finds the any-IP port of a source, pending ones included.</summary>
    internal DatagramPort? FindSource(IpProtocol protocol, IpEndpoint source, InterfaceId arrived) =>
        _sources?.GetValueOrDefault(new Key(protocol, source, arrived));

    /// <summary>
    /// Binds; false if the endpoint is taken. A specific address and "all" may stand side by side, as may an interface's and any.
    /// </summary>
    internal bool TryBind(DatagramPort port)
    {
        _bound ??= [];
        foreach (IpEndpoint endpoint in Endpoints(port))
        {
            if (_bound.ContainsKey(KeyOf(port, endpoint))) return false;
        }
        foreach (IpEndpoint endpoint in Endpoints(port)) _bound.Add(KeyOf(port, endpoint), port);
        return true;
    }

    /// <summary>
    /// Chooses an ephemeral port (RFC 6056 section 3.3.1: random, then onwards from there) and binds it; false when all are taken.
    /// </summary>
    internal bool TryBindEphemeral(DatagramPort port, EntropySource entropy)
    {
        int start = (int)entropy.Next(EphemeralCount);
        FlowKey flow = port.Flow;
        for (int i = 0; i < EphemeralCount; i++)
        {
            ushort number = (ushort)(FirstEphemeral + (start + i) % EphemeralCount);
            port.Flow = flow with { Local = flow.Local with { Port = number } };
            if (TryBind(port)) return true;
        }
        port.Flow = flow;
        return false;
    }

    internal void AddSource(DatagramPort port) => (_sources ??= []).Add(SourceKey(port), port);

    /// <summary>Unbinds, or forgets a source.</summary>
    internal void Remove(DatagramPort port)
    {
        if (port.State != DatagramPortState.Bound)
        {
            if (_sources is not null && _sources.Remove(SourceKey(port)) && _sources.Count == 0) _sources = null;
            return;
        }
        if (_bound is null) return;
        foreach (IpEndpoint endpoint in Endpoints(port)) _bound.Remove(KeyOf(port, endpoint));
        if (_bound.Count == 0) _bound = null;
    }

    private DatagramPort? Find(IpProtocol protocol, IpEndpoint local, InterfaceId arrived)
    {
        if (_bound!.TryGetValue(new Key(protocol, local, arrived), out DatagramPort? port)) return port;
        return _bound.GetValueOrDefault(new Key(protocol, local, InterfaceId.None));
    }

    private static IpAddress Unspecified(IpAddress address) => address.IsV4 ? IpAddress.AnyV4 : IpAddress.AnyV6;

    private static Key KeyOf(DatagramPort port, IpEndpoint endpoint) =>
        new(port.Flow.Protocol, endpoint, port.Interface?.Id ?? InterfaceId.None);

    private static Key SourceKey(DatagramPort port) => new(port.Flow.Protocol, port.Flow.Remote, port.Interface!.Id);

    /// <summary>The endpoints a bound port stands under: a dual-stack one under two.</summary>
    private static ReadOnlySpan<IpEndpoint> Endpoints(DatagramPort port)
    {
        IpEndpoint local = port.Flow.Local;
        bool isDual = port.Options.DualStack && port.Flow.Protocol == IpProtocol.Udp && local.Address.IsV6 && local.Address.IsUnspecified;
        return isDual ? new[] { local, new IpEndpoint(IpAddress.AnyV4, local.Port) } : new[] { local };
    }
}
