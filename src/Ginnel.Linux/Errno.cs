namespace Ginnel.Linux;

/// <summary>The error numbers of Linux that Ginnel tells apart (generic ABI: x86-64, arm64, riscv64).</summary>
internal static class Errno
{
    public const int Perm = 1, NoEntry = 2, NoProcess = 3, Interrupted = 4, IO = 5, TooBig = 7, NoExec = 8, BadDescriptor = 9, NoChild = 10,
        Again = 11, NoMemory = 12, Access = 13, Fault = 14, Busy = 16, Exists = 17, NoDevice = 19, NotDirectory = 20, IsDirectory = 21,
        Invalid = 22, TooManyFilesSystem = 23, TooManyFiles = 24, NotTty = 25, TextBusy = 26, NoSpace = 28, BrokenPipe = 32,
        NameTooLong = 36, NoSys = 38, Loop = 40, ProtocolOption = 92, MessageTooLong = 90, ProtocolNotSupported = 93, NotSupported = 95,
        AddressFamily = 97, AddressInUse = 98, AddressNotAvailable = 99, NetworkDown = 100, NetworkUnreachable = 101,
        ConnectionAborted = 103, ConnectionReset = 104, NoBuffers = 105, NotConnected = 107, TimedOut = 110, ConnectionRefused = 111, HostDown = 112,
        HostUnreachable = 113, InProgress = 115;

    /// <summary>The symbolic name, as manual pages spell it.</summary>
    public static string Name(int errno) => errno switch
    {
        Perm => "EPERM", NoEntry => "ENOENT", NoProcess => "ESRCH", Interrupted => "EINTR", IO => "EIO", TooBig => "E2BIG",
        NoExec => "ENOEXEC", BadDescriptor => "EBADF", NoChild => "ECHILD", Again => "EAGAIN", NoMemory => "ENOMEM", Access => "EACCES",
        Fault => "EFAULT", Busy => "EBUSY", Exists => "EEXIST", NoDevice => "ENODEV", NotDirectory => "ENOTDIR", IsDirectory => "EISDIR",
        Invalid => "EINVAL", TooManyFilesSystem => "ENFILE", TooManyFiles => "EMFILE", NotTty => "ENOTTY", TextBusy => "ETXTBSY",
        NoSpace => "ENOSPC", BrokenPipe => "EPIPE", NameTooLong => "ENAMETOOLONG", NoSys => "ENOSYS", Loop => "ELOOP",
        ProtocolOption => "ENOPROTOOPT", MessageTooLong => "EMSGSIZE", ProtocolNotSupported => "EPROTONOSUPPORT",
        NotSupported => "EOPNOTSUPP", AddressFamily => "EAFNOSUPPORT", AddressInUse => "EADDRINUSE",
        AddressNotAvailable => "EADDRNOTAVAIL", NetworkDown => "ENETDOWN", NetworkUnreachable => "ENETUNREACH",
        ConnectionAborted => "ECONNABORTED", ConnectionReset => "ECONNRESET", NoBuffers => "ENOBUFS", NotConnected => "ENOTCONN", TimedOut => "ETIMEDOUT",
        ConnectionRefused => "ECONNREFUSED", HostDown => "EHOSTDOWN", HostUnreachable => "EHOSTUNREACH", InProgress => "EINPROGRESS",
        _ => $"errno {errno}",
    };
}
