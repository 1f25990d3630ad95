using System.Runtime.InteropServices;

namespace Ginnel.Linux.Native;

/// <summary>Socket calls that <see cref="System.Net.Sockets"/> does not offer: families of ours, ancillary data, error queues.</summary>
internal static unsafe partial class Sockets
{
    public const int FamilyUnix = 1, FamilyInet = 2, FamilyInet6 = 10, FamilyNetlink = 16, FamilyPacket = 17;
    public const int Stream = 1, Datagram = 2, Raw = 3, SeqPacket = 5, CloseOnExec = 0x80000, NonBlock = 0x800;
    public const int LevelSocket = 1, LevelIp = 0, LevelIpv6 = 41, LevelPacket = 263;
    public const int Rights = 1;
    public const int MessageDontWait = 0x40, MessageNoSignal = 0x4000, MessageErrorQueue = 0x2000, MessageCloseOnExec = 0x40000000,
        MessageTruncated = 0x20, MessageControlTruncated = 8;

    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public void* Name;
        public uint NameLength;
        public Descriptors.IoVector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct ControlHeader
    {
        public nuint Length;
        public int Level;
        public int Type;
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socket(int family, int type, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int socketpair(int family, int type, int protocol, int* pair);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int bind(int socket, void* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int connect(int socket, void* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int accept4(int socket, void* address, uint* length, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int shutdown(int socket, int how);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getsockname(int socket, void* address, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int setsockopt(int socket, int level, int option, void* value, uint length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int getsockopt(int socket, int level, int option, void* value, uint* length);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint sendmsg(int socket, Message* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint recvmsg(int socket, Message* message, int flags);

    /// <summary>Sets an option of type int; false with an error number left for the caller.</summary>
    public static bool SetInt(int socket, int level, int option, int value) => setsockopt(socket, level, option, &value, sizeof(int)) == 0;

    /// <summary>Control data are aligned to the size of a pointer (CMSG_ALIGN).</summary>
    public static nuint Align(nuint length) => (length + (nuint)sizeof(nuint) - 1) & ~((nuint)sizeof(nuint) - 1);
}
