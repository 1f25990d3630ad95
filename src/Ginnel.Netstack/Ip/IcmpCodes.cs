using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>The one table between the core's failures and the types and codes of ICMP, both ways and for both families.</summary>
internal static class IcmpCodes
{
    /// <summary>The first words of an ICMP error.</summary>
    internal readonly record struct Error(byte Type, byte Code, uint Rest);

    /// <summary>How a failure is told; false for those that are not told by ICMP.</summary>
    internal static bool TryGet(NetworkFailure failure, bool v4, int mtu, out Error error)
    {
        if (failure == NetworkFailure.PacketTooBig)
        {
            error = v4
                ? new((byte)IcmpType.DestinationUnreachable, (byte)IcmpUnreachableCode.FragmentationNeeded,
                    (ushort)Math.Clamp(mtu, 68, 65_535))
                : new((byte)IcmpV6Type.PacketTooBig, 0, (uint)Math.Max(mtu, IpV6Header.MinimumMtu));
            return true;
        }
        if (!v4 && failure == NetworkFailure.ProtocolUnreachable)
        {
            error = new((byte)IcmpV6Type.ParameterProblem, (byte)IpV6ProblemCode.UnrecognizedNextHeader, 6);
            return true;
        }
        int code = v4 ? CodeV4(failure) : CodeV6(failure);
        error = new(v4 ? (byte)IcmpType.DestinationUnreachable : (byte)IcmpV6Type.DestinationUnreachable, (byte)code, 0);
        return code >= 0;
    }

    /// <summary>What an ICMP error for IPv4 says (RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1); none for what is ignored.</summary>
    internal static NetworkFailure Read(in IcmpView view) => view.Type switch
    {
        IcmpType.DestinationUnreachable => (IcmpUnreachableCode)view.Code switch
        {
            IcmpUnreachableCode.Network or IcmpUnreachableCode.NetworkUnknown or (IcmpUnreachableCode)11 =>
                NetworkFailure.NetworkUnreachable,
            IcmpUnreachableCode.Protocol => NetworkFailure.ProtocolUnreachable,
            IcmpUnreachableCode.Port => NetworkFailure.Refused,
            IcmpUnreachableCode.FragmentationNeeded => NetworkFailure.PacketTooBig,
            IcmpUnreachableCode.NetworkProhibited or IcmpUnreachableCode.HostProhibited or IcmpUnreachableCode.AdministrativelyProhibited =>
                NetworkFailure.Prohibited,
            _ => NetworkFailure.HostUnreachable,
        },
        IcmpType.TimeExceeded => NetworkFailure.HostUnreachable,
        IcmpType.ParameterProblem => NetworkFailure.ProtocolUnreachable,
        // Source quench is dead (RFC 6633), and a redirect would let a stranger choose our gateway.
        _ => NetworkFailure.None,
    };

    /// <summary>What an ICMPv6 error says (RFC 4443 section 3).</summary>
    internal static NetworkFailure Read(in IcmpV6View view) => view.Type switch
    {
        IcmpV6Type.DestinationUnreachable => (IcmpV6UnreachableCode)view.Code switch
        {
            IcmpV6UnreachableCode.NoRoute or IcmpV6UnreachableCode.BeyondScope => NetworkFailure.NetworkUnreachable,
            IcmpV6UnreachableCode.Port => NetworkFailure.Refused,
            IcmpV6UnreachableCode.AdministrativelyProhibited or IcmpV6UnreachableCode.SourcePolicy or IcmpV6UnreachableCode.RouteRejected =>
                NetworkFailure.Prohibited,
            _ => NetworkFailure.HostUnreachable,
        },
        IcmpV6Type.PacketTooBig => NetworkFailure.PacketTooBig,
        IcmpV6Type.TimeExceeded => NetworkFailure.HostUnreachable,
        IcmpV6Type.ParameterProblem => NetworkFailure.ProtocolUnreachable,
        _ => NetworkFailure.None,
    };

    private static int CodeV4(NetworkFailure failure) => failure switch
    {
        NetworkFailure.Refused => (int)IcmpUnreachableCode.Port,
        NetworkFailure.HostUnreachable or NetworkFailure.TimedOut => (int)IcmpUnreachableCode.Host,
        NetworkFailure.NetworkUnreachable => (int)IcmpUnreachableCode.Network,
        NetworkFailure.Prohibited => (int)IcmpUnreachableCode.AdministrativelyProhibited,
        NetworkFailure.ProtocolUnreachable => (int)IcmpUnreachableCode.Protocol,
        _ => -1,
    };

    private static int CodeV6(NetworkFailure failure) => failure switch
    {
        NetworkFailure.Refused => (int)IcmpV6UnreachableCode.Port,
        NetworkFailure.HostUnreachable or NetworkFailure.TimedOut => (int)IcmpV6UnreachableCode.Address,
        NetworkFailure.NetworkUnreachable => (int)IcmpV6UnreachableCode.NoRoute,
        NetworkFailure.Prohibited => (int)IcmpV6UnreachableCode.AdministrativelyProhibited,
        _ => -1,
    };
}
