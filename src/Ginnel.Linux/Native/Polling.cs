using System.Runtime.InteropServices;

namespace Ginnel.Linux.Native;

/// <summary>epoll(7). The event's layout is packed on x86-64 and nowhere else.</summary>
internal static unsafe partial class Polling
{
    public const int Add = 1, Delete = 2, Modify = 3;
    public const uint In = 1, Urgent = 2, Out = 4, Error = 8, HangUp = 16, PeerClosed = 0x2000, EdgeTriggered = 1u << 31;

    private const long PreciseWaitNumber = 441; // epoll_pwait2(2)

    // Kernels before 5.11 do not have it, and a filter may refuse what it does not know.
    private static volatile bool _waitsPrecisely = true;

    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>Bytes of one event.</summary>
    public static readonly int EventSize = DataOffset + sizeof(ulong);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int epoll_create1(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_ctl(int epoll, int operation, int descriptor, void* change);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int epoll_wait(int epoll, void* events, int count, int timeoutMilliseconds);

    // Not every C library that runs here has a name for it; the number is the same on every architecture.
    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, nint epoll, void* events, nint count, long* timeout, void* mask, nuint maskSize);

    /// <summary>Changes what is watched of a descriptor.</summary>
    public static int Control(int epoll, int operation, int descriptor, uint events, ulong token)
    {
        byte* change = stackalloc byte[16];
        *(uint*)change = events;
        *(ulong*)(change + DataOffset) = token;
        return epoll_ctl(epoll, operation, descriptor, change);
    }

    /// <summary>
    /// Waits for events; for ever with <see cref="Timeout.InfiniteTimeSpan"/>, not at all with zero. Else to the clock's grain where the kernel can,
    /// so that a deadline of a hundred microseconds is not one of a millisecond.
    /// </summary>
    /// <returns>How many, or -1.</returns>
    public static int Wait(int epoll, Span<ReadyEvent> ready, TimeSpan patience)
    {
        byte* events = stackalloc byte[ready.Length * EventSize];
        int count = patience > TimeSpan.Zero && _waitsPrecisely ? WaitPrecisely(epoll, events, ready.Length, patience) : WaitCoarsely(epoll, events, ready.Length, patience);
        for (int i = 0; i < count; i++)
        {
            byte* one = events + (i * EventSize);
            ready[i] = new ReadyEvent(*(uint*)one, *(ulong*)(one + DataOffset));
        }
        return count;
    }

    private static int WaitPrecisely(int epoll, byte* events, int room, TimeSpan patience)
    {
        const int NanosecondsPerTick = 100;
        long* timeout = stackalloc long[] { patience.Ticks / TimeSpan.TicksPerSecond, patience.Ticks % TimeSpan.TicksPerSecond * NanosecondsPerTick };
        long count = SystemCall(PreciseWaitNumber, epoll, events, room, timeout, null, 0);
        if (count >= 0 || Marshal.GetLastPInvokeError() is not (Errno.NoSys or Errno.Perm)) return (int)count;
        _waitsPrecisely = false;
        return WaitCoarsely(epoll, events, room, patience);
    }

    // Rounded up: rounding down would wake early and spin.
    private static int WaitCoarsely(int epoll, byte* events, int room, TimeSpan patience) => epoll_wait(epoll, events, room,
        patience < TimeSpan.Zero ? -1 : (int)Math.Min(Math.Ceiling(patience.TotalMilliseconds), int.MaxValue));

    /// <summary>What is ready, and whose token it carries.</summary>
    public readonly record struct ReadyEvent(uint Events, ulong Token);
}
