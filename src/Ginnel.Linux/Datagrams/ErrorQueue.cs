using System.Net;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Datagrams;

/// <summary>What the kernel remembers about a datagram that came to nothing (ip(7), IP_RECVERR).</summary>
/// <param name="Target">Where the datagram went.</param>
/// <param name="Failure">Why it failed.</param>
/// <param name="PayloadLength">Bytes of the datagram that came back, written to the buffer.</param>
internal readonly record struct QueuedError(IPEndPoint Target, DialFailure Failure, int PayloadLength);

/// <summary>Reads a socket's error queue.</summary>
internal static unsafe class ErrorQueue
{
    private const int ReceiveErrorV4 = 11, ReceiveErrorV6 = 25, ControlSize = 256;

    /// <summary>Asks the kernel to keep errors. An IPv6 socket that serves both families needs both options.</summary>
    public static void Enable(int socket, bool isV6)
    {
        Sockets.SetInt(socket, Sockets.LevelIp, ReceiveErrorV4, 1);
        if (isV6) Sockets.SetInt(socket, Sockets.LevelIpv6, ReceiveErrorV6, 1);
    }

    /// <summary>Takes the next error that names a target; false when the queue is empty.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="payload">Filled with the beginning of what was sent; may be empty.</param>
    /// <param name="error">The error.</param>
    public static bool TryTake(int socket, Span<byte> payload, out QueuedError error)
    {
        byte* control = stackalloc byte[ControlSize];
        byte* name = stackalloc byte[SocketAddress.MaxSize];
        fixed (byte* first = payload)
        {
            while (true)
            {
                Descriptors.IoVector vector = new() { Base = first, Length = (nuint)payload.Length };
                Sockets.Message message = new()
                {
                    Name = name, NameLength = SocketAddress.MaxSize, Vectors = &vector, VectorCount = 1, Control = control,
                    ControlLength = ControlSize,
                };
                nint length = Sockets.recvmsg(socket, &message, Sockets.MessageErrorQueue | Sockets.MessageDontWait);
                error = default;
                if (length < 0) return false;
                IPEndPoint? target = SocketAddress.Read(new ReadOnlySpan<byte>(name, (int)message.NameLength));
                if (target is null || !TryFind(control, message.ControlLength, out ExtendedError details)) continue;
                DialFailure failure = HostErrors.Map((int)details.ErrorNumber, (int)details.Information);
                if (failure.Kind == DialFailureKind.None) continue;
                error = new QueuedError(target, failure, (int)length);
                return true;
            }
        }
    }

    /// <summary>struct sock_extended_err.</summary>
    private readonly record struct ExtendedError(uint ErrorNumber, byte Origin, byte Type, byte Code, byte Padding, uint Information,
        uint Data);

    private static bool TryFind(byte* control, nuint length, out ExtendedError details)
    {
        nuint offset = 0;
        nuint header = (nuint)sizeof(Sockets.ControlHeader);
        while (offset + header <= length)
        {
            Sockets.ControlHeader* item = (Sockets.ControlHeader*)(control + offset);
            if (item->Length < header || item->Length > length - offset) break;
            bool isError = (item->Level == Sockets.LevelIp && item->Type == ReceiveErrorV4)
                || (item->Level == Sockets.LevelIpv6 && item->Type == ReceiveErrorV6);
            if (isError && item->Length >= header + (nuint)sizeof(ExtendedError))
            {
                details = *(ExtendedError*)(item + 1);
                return true;
            }
            offset += Sockets.Align(item->Length);
        }
        details = default;
        return false;
    }
}
