using System.Net;
using System.Runtime.InteropServices;
using Ginnel.Linux.Native;
using NativeSockets = Ginnel.Linux.Native.Sockets;
using SocketAddress = Ginnel.Linux.Datagrams.SocketAddress;

namespace Ginnel.Linux.Streams;

/// <summary>The system calls of a TCP socket. Each yields 0 or an error number, unless it says otherwise.</summary>
internal static unsafe class StreamCalls
{
    private const int ProtocolTcp = 6, OptionNoDelay = 1, OptionError = 4, OptionLinger = 13, ShutWrite = 1, ShutBoth = 2;

    /// <summary>Opens a non-blocking socket.</summary>
    public static Descriptor? Open(bool isV6, out int error)
    {
        int family = isV6 ? NativeSockets.FamilyInet6 : NativeSockets.FamilyInet;
        int number = NativeSockets.socket(family, NativeSockets.Stream | NativeSockets.CloseOnExec | NativeSockets.NonBlock, ProtocolTcp);
        error = number < 0 ? Marshal.GetLastPInvokeError() : 0;
        return number < 0 ? null : new Descriptor(number);
    }

    /// <summary>Has a socket not wait for more to send.</summary>
    public static int SendAtOnce(int socket) => NativeSockets.SetInt(socket, ProtocolTcp, OptionNoDelay, 1) ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Begins to connect; what is usual is EINPROGRESS.</summary>
    public static int Connect(int socket, IPEndPoint target)
    {
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        uint length = (uint)SocketAddress.Write(target, target.AddressFamily, new Span<byte>(name, SocketAddress.MaxSize));
        if (NativeSockets.connect(socket, name, length) == 0) return 0;
        int error = Marshal.GetLastPInvokeError();
        // After an interruption the connection goes on being opened (connect(2), EINTR).
        return error == Errno.Interrupted ? Errno.InProgress : error;
    }

    /// <summary>Takes the next connection of a listening socket: non-blocking, and not waiting for more to send where that is TCP's.</summary>
    /// <param name="socket">The listening one.</param>
    /// <param name="isTcp">Whether its connections are of TCP.</param>
    /// <param name="remote">The peer; null where it has no address of IP.</param>
    /// <param name="error">0, or why there is none.</param>
    public static Descriptor? Accept(int socket, bool isTcp, out IPEndPoint? remote, out int error)
    {
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        uint length = SocketAddress.MaxSize;
        int number = NativeSockets.accept4(socket, name, &length, NativeSockets.CloseOnExec | NativeSockets.NonBlock);
        error = number < 0 ? Marshal.GetLastPInvokeError() : 0;
        remote = number < 0 ? null : SocketAddress.Read(new ReadOnlySpan<byte>(name, (int)Math.Min(length, SocketAddress.MaxSize)));
        if (number < 0) return null;
        if (isTcp) SendAtOnce(number);
        return new Descriptor(number);
    }

    /// <summary>The error that a socket has met and not yet told.</summary>
    public static int TakeError(int socket)
    {
        int error = 0;
        uint length = sizeof(int);
        return NativeSockets.getsockopt(socket, NativeSockets.LevelSocket, OptionError, &error, &length) == 0 ? error : Marshal.GetLastPInvokeError();
    }

    /// <summary>Receives into two pieces, or sends them.</summary>
    /// <returns>Bytes, or -1.</returns>
    public static int Transfer(int socket, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second, bool sends, out int error)
    {
        fixed (byte* a = first, b = second)
        {
            Descriptors.IoVector* vectors = stackalloc Descriptors.IoVector[2];
            vectors[0] = new Descriptors.IoVector { Base = a, Length = (nuint)first.Length };
            vectors[1] = new Descriptors.IoVector { Base = b, Length = (nuint)second.Length };
            NativeSockets.Message message = new() { Vectors = vectors, VectorCount = second.IsEmpty ? 1u : 2u };
            while (true)
            {
                // sendmsg and not writev: a peer that is gone is an error and no signal.
                nint count = sends
                    ? NativeSockets.sendmsg(socket, &message, NativeSockets.MessageDontWait | NativeSockets.MessageNoSignal)
                    : NativeSockets.recvmsg(socket, &message, NativeSockets.MessageDontWait);
                error = count < 0 ? Marshal.GetLastPInvokeError() : 0;
                if (error != Errno.Interrupted) return (int)count;
            }
        }
    }

    /// <summary>Sends FIN, or ends both directions.</summary>
    public static int Shutdown(int socket, bool both) => NativeSockets.shutdown(socket, both ? ShutBoth : ShutWrite) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Makes the close a reset: a linger of no time (socket(7), SO_LINGER).</summary>
    public static int ResetOnClose(int socket)
    {
        int* linger = stackalloc int[] { 1, 0 };
        return NativeSockets.setsockopt(socket, NativeSockets.LevelSocket, OptionLinger, linger, 2 * sizeof(int)) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>The socket's own end; null when it has none of IP.</summary>
    public static IPEndPoint? LocalEndPoint(int socket)
    {
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        uint length = SocketAddress.MaxSize;
        return NativeSockets.getsockname(socket, name, &length) == 0
            ? SocketAddress.Read(new ReadOnlySpan<byte>(name, (int)Math.Min(length, SocketAddress.MaxSize)))
            : null;
    }
}
