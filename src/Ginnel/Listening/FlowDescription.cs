using System.Net;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>Says of a flow that arrived at a stack who asks for what.</summary>
internal static class FlowDescription
{
    internal static FlowInfo Of(FlowProtocol protocol, string origin, FlowKey key, IAddressNames? names)
    {
        IPEndPoint destination = key.Local.ToIPEndPoint();
        return new FlowInfo
        {
            Protocol = protocol,
            Origin = origin,
            Source = key.Remote.ToIPEndPoint(),
            Destination = destination,
            Names = names?.NamesOf(destination.Address) ?? [],
        };
    }

    internal static FlowProtocol ProtocolOf(FlowKey key) => key.Protocol switch
    {
        IpProtocol.Tcp => FlowProtocol.Tcp,
        IpProtocol.Udp => FlowProtocol.Udp,
        _ => FlowProtocol.IcmpEcho,
    };
}
