using System.Net;

namespace Ginnel.Wire;

/// <summary>An address and a port: one end of a flow.</summary>
/// <param name="Address">The address.</param>
/// <param name="Port">The port in host order; 0 means "any" where an API says so.</param>
public readonly record struct IpEndpoint(IpAddress Address, ushort Port)
{
    /// <summary>From the BCL's type.</summary>
    public static IpEndpoint From(IPEndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return new(IpAddress.From(endPoint.Address), (ushort)endPoint.Port);
    }

    /// <summary>To the BCL's type; allocates.</summary>
    public IPEndPoint ToIPEndPoint() => new(Address.ToIPAddress(), Port);

    /// <summary><c>10.0.0.1:80</c> or <c>[fd00::1]:80</c>.</summary>
    public override string ToString() => Address.IsV4 ? $"{Address}:{Port}" : $"[{Address}]:{Port}";
}

/// <summary>The identity of a flow as one of its ends sees it.</summary>
/// <param name="Protocol">TCP, UDP, or ICMP echo, whose identifier stands in the port.</param>
/// <param name="Local">Our end.</param>
/// <param name="Remote">The other end.</param>
public readonly record struct FlowKey(IpProtocol Protocol, IpEndpoint Local, IpEndpoint Remote)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Protocol} {Local} ↔ {Remote}";
}
