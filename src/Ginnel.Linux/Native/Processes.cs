using System.Runtime.InteropServices;

namespace Ginnel.Linux.Native;

/// <summary>Starting, awaiting and signalling processes.</summary>
internal static unsafe partial class Processes
{
    public const short SpawnSetSignalMask = 8, SpawnSetSignalDefault = 4;
    public const int WaitByPid = 1, WaitExited = 4, WaitStopped = 2, WaitContinued = 8;
    public const int CodeExited = 1, CodeKilled = 2, CodeDumped = 3, CodeStopped = 5, CodeContinued = 6;
    public const int ResourceNoFile = 7, ResourceCore = 4;

    /// <summary>Bytes for glibc's and musl's opaque types, of which the largest has 336.</summary>
    public const int OpaqueSize = 512;

    /// <summary>Bytes of the C library's signal set, of which the kernel uses the first eight.</summary>
    public const int SignalSetSize = 128;

    private const long PidfdOpenNumber = 434, PidfdGetFdNumber = 438;

    [StructLayout(LayoutKind.Sequential)]
    public struct ResourceLimit
    {
        public ulong Soft;
        public ulong Hard;
    }

    [LibraryImport("libc")]
    public static partial int posix_spawn(int* pid, byte* path, void* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_adddup2(void* actions, int from, int to);

    [LibraryImport("libc")]
    public static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport("libc")]
    public static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int waitid(int kind, uint id, void* information, int options);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int kill(int pid, int signal);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int prlimit(int pid, int resource, ResourceLimit* changed, ResourceLimit* former);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int execve(byte* path, byte** arguments, byte** environment);

    [LibraryImport("libc")]
    public static partial int pthread_sigmask(int how, void* set, void* former);

    [LibraryImport("libc")]
    public static partial void _exit(int code);

    [LibraryImport("libc")]
    public static partial nint signal(int signal, nint handler);

    [LibraryImport("libc")]
    public static partial int sigaction(int signal, void* changed, void* former);

    [LibraryImport("libc")]
    public static partial int raise(int signal);

    [LibraryImport("libc")]
    public static partial uint geteuid();

    [LibraryImport("libc")]
    public static partial uint getegid();

    [LibraryImport("libc")]
    public static partial int getpid();

    [LibraryImport("libc")]
    public static partial int getpgrp();

    [LibraryImport("libc", SetLastError = true)]
    public static partial int tcgetpgrp(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int access(byte* path, int mode);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, long first, long second, long third);

    /// <summary>A descriptor that stands for a process; -1 with an error number.</summary>
    public static int PidfdOpen(int pid) => (int)SystemCall(PidfdOpenNumber, pid, 0, 0);

    /// <summary>A duplicate of another process's descriptor, close-on-exec; -1 with an error number.</summary>
    public static int PidfdGetFd(int pidfd, int descriptor) => (int)SystemCall(PidfdGetFdNumber, pidfd, descriptor, 0);
}
