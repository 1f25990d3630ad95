using System.Net.Sockets;

namespace Ginnel.Linux.Streams;

/// <summary>The base library's names for the kernel's errors about a stream.</summary>
internal static class SocketErrors
{
    internal static SocketError Of(int error) => error switch
    {
        Errno.ConnectionReset => SocketError.ConnectionReset,
        Errno.BrokenPipe => SocketError.Shutdown,
        Errno.ConnectionAborted => SocketError.ConnectionAborted,
        Errno.ConnectionRefused => SocketError.ConnectionRefused,
        Errno.TimedOut => SocketError.TimedOut,
        Errno.HostUnreachable or Errno.HostDown => SocketError.HostUnreachable,
        Errno.NetworkUnreachable => SocketError.NetworkUnreachable,
        Errno.NetworkDown => SocketError.NetworkDown,
        Errno.NotConnected => SocketError.NotConnected,
        Errno.NoBuffers or Errno.NoMemory => SocketError.NoBufferSpaceAvailable,
        Errno.TooManyFiles or Errno.TooManyFilesSystem => SocketError.TooManyOpenSockets,
        Errno.Invalid => SocketError.InvalidArgument,
        Errno.BadDescriptor => SocketError.OperationAborted,
        _ => SocketError.SocketError,
    };
}
