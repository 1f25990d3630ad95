using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Ginnel;

/// <summary>Why a dial, or a datagram to a target, came to nothing. One table maps each to RST, ICMP, socket error and text.</summary>
public enum DialFailureKind : byte
{
    /// <summary>It did not fail.</summary>
    None,
    /// <summary>Nobody listens there.</summary>
    Refused,
    /// <summary>The host cannot be reached.</summary>
    HostUnreachable,
    /// <summary>The network cannot be reached.</summary>
    NetworkUnreachable,
    /// <summary>A rule of ours forbids it.</summary>
    Denied,
    /// <summary>The name does not exist, or has no address.</summary>
    NameNotFound,
    /// <summary>No answer in time.</summary>
    TimedOut,
    /// <summary>A limit is reached: descriptors, dials in flight, ports.</summary>
    Limit,
    /// <summary>A proxy on the way failed.</summary>
    ProxyFailed,
    /// <summary>A datagram does not fit the path; only as an item of a datagram port.</summary>
    TooBig,
    /// <summary>The peer reset the connection.</summary>
    Reset,
    /// <summary>The way out has no such protocol (UDP through a TCP-only proxy, IPv6 through an IPv4-only host).</summary>
    Unsupported,
}

/// <summary>A failure with what a user can act on.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Detail">Which rule, name, hop or limit; null where the kind says all.</param>
/// <param name="Mtu">With <see cref="DialFailureKind.TooBig"/>: the path's MTU in bytes.</param>
public readonly record struct DialFailure(DialFailureKind Kind, string? Detail = null, int Mtu = 0)
{
    /// <summary>No failure.</summary>
    public static DialFailure None => default;
}

/// <summary>What a dial yields: a stream, or one failure. A refused dial is a value, never an exception.</summary>
public readonly struct DialResult
{
    private DialResult(DuplexStream? stream, DialFailure failure) => (Stream, Failure) = (stream, failure);

    /// <summary>Where it went, if a dialer on the way chose that instead of the target it was asked for; else null.</summary>
    public EndPoint? Chosen { get; init; }

    /// <summary>The connected stream, owned by the caller; null when it failed.</summary>
    public DuplexStream? Stream { get; }

    /// <summary>The failure; kind none when it did not fail.</summary>
    public DialFailure Failure { get; }

    /// <summary>Whether there is a stream.</summary>
    [MemberNotNullWhen(true, nameof(Stream))]
    public bool IsConnected => Stream is not null;

    /// <summary>A success.</summary>
    public static DialResult Connected(DuplexStream stream) => new(stream, default);

    /// <summary>A failure.</summary>
    public static DialResult Failed(DialFailure failure) => new(null, failure);

    /// <summary>A failure.</summary>
    public static DialResult Failed(DialFailureKind kind, string? detail = null) => new(null, new DialFailure(kind, detail));
}

/// <summary>What a bind yields: a datagram port, or one failure.</summary>
public readonly struct BindResult
{
    private BindResult(IDatagramPort? port, DialFailure failure) => (Port, Failure) = (port, failure);

    /// <summary>The port, owned by the caller; null when it failed.</summary>
    public IDatagramPort? Port { get; }

    /// <summary>The failure; kind none when it did not fail.</summary>
    public DialFailure Failure { get; }

    /// <summary>Whether there is a port.</summary>
    [MemberNotNullWhen(true, nameof(Port))]
    public bool IsBound => Port is not null;

    /// <summary>A success.</summary>
    public static BindResult Bound(IDatagramPort port) => new(port, default);

    /// <summary>A failure.</summary>
    public static BindResult Failed(DialFailure failure) => new(null, failure);

    /// <summary>A failure.</summary>
    public static BindResult Failed(DialFailureKind kind, string? detail = null) => new(null, new DialFailure(kind, detail));
}
