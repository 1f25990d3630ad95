using System.Runtime.InteropServices;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>
/// One end of a pair of Unix sockets between us and a child that is being launched: short messages, and descriptors with them.
/// </summary>
internal sealed unsafe class ControlSocket : IDisposable
{
    private readonly Descriptor _descriptor;

    /// <summary>Takes ownership of one end.</summary>
    public ControlSocket(Descriptor descriptor) => _descriptor = descriptor;

    /// <summary>The number of the descriptor, for spawning.</summary>
    public int Number => _descriptor.Number;

    /// <summary>A connected pair, both close-on-exec.</summary>
    /// <exception cref="LinuxException">No descriptors are left.</exception>
    public static (ControlSocket Ours, ControlSocket Theirs) CreatePair()
    {
        int* pair = stackalloc int[2];
        if (Sockets.socketpair(Sockets.FamilyUnix, Sockets.Stream | Sockets.CloseOnExec, 0, pair) != 0)
            throw LinuxException.Last("socketpair");
        return (new ControlSocket(new Descriptor(pair[0])), new ControlSocket(new Descriptor(pair[1])));
    }

    /// <summary>Sends bytes, with a descriptor if one is given (SCM_RIGHTS). False when the other end is gone.</summary>
    public bool Send(ReadOnlySpan<byte> bytes, Descriptor? passed = null)
    {
        byte* control = stackalloc byte[ControlSize];
        fixed (byte* first = bytes)
        {
            Descriptors.IoVector vector = new() { Base = first, Length = (nuint)bytes.Length };
            Sockets.Message message = new() { Vectors = &vector, VectorCount = 1 };
            if (passed is not null)
            {
                new Span<byte>(control, ControlSize).Clear();
                Sockets.ControlHeader* header = (Sockets.ControlHeader*)control;
                header->Length = (nuint)(sizeof(Sockets.ControlHeader) + sizeof(int));
                header->Level = Sockets.LevelSocket;
                header->Type = Sockets.Rights;
                *(int*)(header + 1) = passed.Number;
                message.Control = control;
                message.ControlLength = Sockets.Align(header->Length); // exactly: an empty header behind it would be an error
            }
            return Sockets.sendmsg(Number, &message, Sockets.MessageNoSignal) == bytes.Length;
        }
    }

    /// <summary>
    /// Receives what is there, waiting up to the given time. Zero bytes: the other end is closed. -1: nothing came in time.
    /// </summary>
    /// <param name="buffer">Filled from its start.</param>
    /// <param name="timeoutMilliseconds">-1 waits for ever.</param>
    /// <param name="passed">A descriptor that came with the bytes; the caller owns it.</param>
    /// <exception cref="LinuxException">The socket failed.</exception>
    public int Receive(Span<byte> buffer, int timeoutMilliseconds, out Descriptor? passed)
    {
        passed = null;
        if (!WaitReadable(timeoutMilliseconds)) return -1;
        byte* control = stackalloc byte[ControlSize];
        fixed (byte* first = buffer)
        {
            Descriptors.IoVector vector = new() { Base = first, Length = (nuint)buffer.Length };
            Sockets.Message message = new() { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlSize };
            nint received = Sockets.recvmsg(Number, &message, Sockets.MessageCloseOnExec);
            if (received < 0)
            {
                int error = Marshal.GetLastPInvokeError();
                if (error is Errno.ConnectionReset) return 0;
                throw new LinuxException("recvmsg", error, "control socket");
            }
            Sockets.ControlHeader* header = (Sockets.ControlHeader*)control;
            if (message.ControlLength >= (nuint)(sizeof(Sockets.ControlHeader) + sizeof(int)) && header->Level == Sockets.LevelSocket
                && header->Type == Sockets.Rights)
            {
                passed = new Descriptor(*(int*)(header + 1));
            }
            return (int)received;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _descriptor.Dispose();

    private const int ControlSize = 64;

    private bool WaitReadable(int timeoutMilliseconds)
    {
        Descriptors.PollFd entry = new() { Descriptor = Number, Events = Descriptors.PollIn };
        while (true)
        {
            int ready = Descriptors.poll(&entry, 1, timeoutMilliseconds);
            if (ready >= 0) return ready > 0;
            int error = Marshal.GetLastPInvokeError();
            if (error != Errno.Interrupted) throw new LinuxException("poll", error, "control socket");
        }
    }
}
