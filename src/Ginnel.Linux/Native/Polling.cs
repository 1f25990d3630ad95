using System.Runtime.InteropServices;

namespace Ginnel.Linux.Native;

/// <summary>epoll(7). The event's layout is packed on x86-64 and nowhere else.</summary>
internal static unsafe partial class Polling
{
    public const int Add = 1, Delete = 2, Modify = 3;
    public const uint In = 1, Out = 4, Error = 8, HangUp = 16, PeerClosed = 0x2000, EdgeTriggered = 1u << 31;

    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>Bytes of one event.</summary>
    public static readonly int EventSize = DataOffset + sizeof(ulong);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, void* change);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, void* events, int count, int timeoutMilliseconds);

    /// <summary>Changes what is watched of a descriptor.</summary>
    public static int Control(int epoll, int operation, int descriptor, uint events, ulong token)
    {
        byte* change = stackalloc byte[16];
        *(uint*)change = events;
        *(ulong*)(change + DataOffset) = token;
        return epoll_ctl(epoll, operation, descriptor, change);
    }

    /// <summary>Waits for events; for ever with a timeout of -1, not at all with 0.</summary>
    /// <returns>How many, or -1.</returns>
    public static int Wait(int epoll, Span<ReadyEvent> ready, int timeoutMilliseconds)
    {
        byte* events = stackalloc byte[ready.Length * EventSize];
        int count = epoll_wait(epoll, events, ready.Length, timeoutMilliseconds);
        for (int i = 0; i < count; i++)
        {
            byte* one = events + (i * EventSize);
            ready[i] = new ReadyEvent(*(uint*)one, *(ulong*)(one + DataOffset));
        }
        return count;
    }

    /// <summary>What is ready, and whose token it carries.</summary>
    public readonly record struct ReadyEvent(uint Events, ulong Token);
}
