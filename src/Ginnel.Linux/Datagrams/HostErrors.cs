namespace Ginnel.Linux.Datagrams;

/// <summary>Error numbers of sockets as failures of dials.</summary>
internal static class HostErrors
{
    /// <summary>What an error about a sent datagram means. Kind none: nothing that its sender could act on.</summary>
    /// <param name="errno">The error number.</param>
    /// <param name="information">With EMSGSIZE the path's MTU.</param>
    public static DialFailure Map(int errno, int information = 0) => errno switch
    {
        0 or Errno.Again or Errno.NoBuffers or Errno.Interrupted => default,
        Errno.ConnectionRefused or Errno.ProtocolOption => new(DialFailureKind.Refused), // port or protocol unreachable
        Errno.HostUnreachable or Errno.HostDown => new(DialFailureKind.HostUnreachable),
        Errno.NetworkUnreachable or Errno.NetworkDown or Errno.AddressNotAvailable => new(DialFailureKind.NetworkUnreachable),
        Errno.Access or Errno.Perm => new(DialFailureKind.Denied, "prohibited on the way (ICMP), or by the host"),
        Errno.MessageTooLong => new(DialFailureKind.TooBig, null, information),
        Errno.TimedOut => new(DialFailureKind.TimedOut),
        Errno.AddressFamily or Errno.Invalid => new(DialFailureKind.Unsupported, "by the host's network"),
        _ => new(DialFailureKind.HostUnreachable, Errno.Name(errno)),
    };

    /// <summary>What an error at the making of a socket means.</summary>
    public static DialFailure MapBind(int errno) => errno switch
    {
        Errno.TooManyFiles or Errno.TooManyFilesSystem => new(DialFailureKind.Limit, "file descriptors; raise the limit with ulimit -n"),
        Errno.NoBuffers or Errno.NoMemory or Errno.AddressInUse or Errno.NoSpace => new(DialFailureKind.Limit,
            "ports or memory of the host"),
        Errno.AddressFamily or Errno.ProtocolNotSupported => new(DialFailureKind.Unsupported, "by the host's network"),
        _ => Map(errno),
    };
}
