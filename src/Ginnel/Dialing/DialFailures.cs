using System.Net;
using System.Net.Sockets;
using Ginnel.Netstack;

namespace Ginnel;

/// <summary>The one table between failures as dialers say them, as stacks send them, as the BCL codes them, and as people read them.</summary>
public static class DialFailures
{
    /// <summary>
    /// What a stack answers for a failed dial: RST for refused, ICMP for the others. A dial without an answer is told as an unreachable
    /// host, as a router would after asking in vain; over a limit it stays silent, so that the peer tries again and may get in.
    /// </summary>
    public static NetworkFailure ToNetworkFailure(DialFailureKind kind) => kind switch
    {
        DialFailureKind.Refused or DialFailureKind.Reset => NetworkFailure.Refused,
        DialFailureKind.HostUnreachable or DialFailureKind.NameNotFound or DialFailureKind.TimedOut or DialFailureKind.ProxyFailed
            => NetworkFailure.HostUnreachable,
        DialFailureKind.NetworkUnreachable or DialFailureKind.Unsupported => NetworkFailure.NetworkUnreachable,
        DialFailureKind.Denied => NetworkFailure.Prohibited,
        DialFailureKind.TooBig => NetworkFailure.PacketTooBig,
        _ => NetworkFailure.None,
    };

    /// <summary>What a stack's failure is to a dialer.</summary>
    public static DialFailure From(NetworkFailure failure, int mtu = 0) => failure switch
    {
        NetworkFailure.None => default,
        NetworkFailure.Refused => new(DialFailureKind.Refused),
        NetworkFailure.Reset or NetworkFailure.Aborted => new(DialFailureKind.Reset),
        NetworkFailure.HostUnreachable => new(DialFailureKind.HostUnreachable),
        NetworkFailure.NetworkUnreachable => new(DialFailureKind.NetworkUnreachable),
        NetworkFailure.Prohibited => new(DialFailureKind.Denied, "prohibited by the network (ICMP)"),
        NetworkFailure.TimedOut => new(DialFailureKind.TimedOut),
        NetworkFailure.PacketTooBig => new(DialFailureKind.TooBig, null, mtu),
        NetworkFailure.Evicted => new(DialFailureKind.Limit, "the stack's own limit"),
        _ => new(DialFailureKind.Unsupported),
    };

    /// <summary>What a refused request of a stack is to a dialer.</summary>
    public static DialFailure From(OpStatus status) => status switch
    {
        OpStatus.Ok => default,
        OpStatus.NoRoute => new(DialFailureKind.NetworkUnreachable, "no route"),
        OpStatus.InvalidAddress => new(DialFailureKind.Unsupported, "the address cannot be used here"),
        OpStatus.LimitReached => new(DialFailureKind.Limit, "sockets, ports or memory of the stack"),
        OpStatus.AddressInUse => new(DialFailureKind.Limit, "the local address is in use"),
        OpStatus.MessageTooLong => new(DialFailureKind.TooBig),
        _ => new(DialFailureKind.NetworkUnreachable, "the network host is closed"),
    };

    /// <summary>What the host's socket error is to a dialer.</summary>
    public static DialFailure From(SocketError error) => error switch
    {
        SocketError.Success => default,
        SocketError.ConnectionRefused => new(DialFailureKind.Refused),
        SocketError.HostUnreachable or SocketError.HostDown => new(DialFailureKind.HostUnreachable),
        SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.AddressNotAvailable => new(DialFailureKind.NetworkUnreachable),
        SocketError.AccessDenied => new(DialFailureKind.Denied, "by the operating system"),
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery => new(DialFailureKind.NameNotFound),
        SocketError.TimedOut => new(DialFailureKind.TimedOut),
        SocketError.TooManyOpenSockets => new(DialFailureKind.Limit, "file descriptors; raise the limit with ulimit -n"),
        SocketError.NoBufferSpaceAvailable or SocketError.AddressAlreadyInUse => new(DialFailureKind.Limit, "ports or memory of the host"),
        SocketError.MessageSize => new(DialFailureKind.TooBig),
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.NetworkReset => new(DialFailureKind.Reset),
        SocketError.AddressFamilyNotSupported or SocketError.ProtocolNotSupported or SocketError.ProtocolFamilyNotSupported
            or SocketError.OperationNotSupported or SocketError.SocketNotSupported or SocketError.ProtocolOption
            => new(DialFailureKind.Unsupported, "by the host's network"),
        _ => new(DialFailureKind.HostUnreachable, error.ToString()),
    };

    /// <summary>The BCL's code.</summary>
    public static SocketError ToSocketError(DialFailureKind kind) => kind switch
    {
        DialFailureKind.None => SocketError.Success,
        DialFailureKind.Refused => SocketError.ConnectionRefused,
        DialFailureKind.HostUnreachable or DialFailureKind.ProxyFailed => SocketError.HostUnreachable,
        DialFailureKind.NetworkUnreachable => SocketError.NetworkUnreachable,
        DialFailureKind.Denied => SocketError.AccessDenied,
        DialFailureKind.NameNotFound => SocketError.HostNotFound,
        DialFailureKind.TimedOut => SocketError.TimedOut,
        DialFailureKind.Limit => SocketError.NoBufferSpaceAvailable,
        DialFailureKind.TooBig => SocketError.MessageSize,
        DialFailureKind.Reset => SocketError.ConnectionReset,
        _ => SocketError.ProtocolNotSupported,
    };

    /// <summary>As people read it.</summary>
    public static string ToText(DialFailure failure)
    {
        string text = failure.Kind switch
        {
            DialFailureKind.None => "ok",
            DialFailureKind.Refused => "connection refused",
            DialFailureKind.HostUnreachable => "host unreachable",
            DialFailureKind.NetworkUnreachable => "network unreachable",
            DialFailureKind.Denied => "denied",
            DialFailureKind.NameNotFound => "name not found",
            DialFailureKind.TimedOut => "timed out",
            DialFailureKind.Limit => "limit reached",
            DialFailureKind.ProxyFailed => "proxy failed",
            DialFailureKind.TooBig => "message too big",
            DialFailureKind.Reset => "connection reset",
            _ => "not supported",
        };
        return failure.Detail is null ? text : $"{text} ({failure.Detail})";
    }

    /// <summary>As an exception for those who asked by a method that throws.</summary>
    public static SocketException ToException(DialFailure failure, EndPoint target) => failure.Kind == DialFailureKind.Denied
        ? new AccessDeniedException($"{target}: {failure.Detail ?? "by a rule"}")
        : new SocketException((int)ToSocketError(failure.Kind), $"{target}: {ToText(failure)}");
}
