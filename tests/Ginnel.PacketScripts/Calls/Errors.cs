using Ginnel.Netstack;

namespace Ginnel.PacketScripts.Calls;

/// <summary>The stack's failures as errors of the socket calls.</summary>
internal static class Errors
{
    /// <summary>Tells the failure, once.</summary>
    internal static CallResult Report(ScriptSocket socket, NetworkFailure failure)
    {
        socket.HasReported = true;
        return CallResult.Failed(Name(failure));
    }

    internal static string Name(NetworkFailure failure) => failure switch
    {
        NetworkFailure.Refused => "ECONNREFUSED",
        NetworkFailure.Reset => "ECONNRESET",
        NetworkFailure.HostUnreachable or NetworkFailure.Prohibited => "EHOSTUNREACH",
        NetworkFailure.NetworkUnreachable => "ENETUNREACH",
        NetworkFailure.TimedOut => "ETIMEDOUT",
        NetworkFailure.ProtocolUnreachable => "ENOPROTOOPT",
        NetworkFailure.PacketTooBig => "EMSGSIZE",
        _ => "ECONNABORTED",
    };

    internal static CallResult Of(OpStatus status) => status switch
    {
        OpStatus.Ok => CallResult.Ok,
        OpStatus.AddressInUse => CallResult.Failed("EADDRINUSE"),
        OpStatus.NoRoute => CallResult.Failed("ENETUNREACH"),
        OpStatus.MessageTooLong => CallResult.Failed("EMSGSIZE"),
        OpStatus.LimitReached => CallResult.Failed("ENOBUFS"),
        OpStatus.Stale => CallResult.Failed("EBADF"),
        _ => CallResult.Failed("EINVAL"),
    };
}
