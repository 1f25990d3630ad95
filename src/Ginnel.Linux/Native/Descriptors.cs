using System.Runtime.InteropServices;

namespace Ginnel.Linux.Native;

/// <summary>Calls on any descriptor. Error numbers are read by the caller at once, before other managed code runs.</summary>
internal static unsafe partial class Descriptors
{
    public const int GetDescriptorFlags = 1, SetDescriptorFlags = 2, GetFlags = 3, SetFlags = 4, DuplicateCloseOnExec = 1030;
    public const int CloseOnExecFlag = 1;
    public const int ReadOnly = 0, WriteOnly = 1, ReadWrite = 2, Create = 0x40, NonBlock = 0x800, CloseOnExec = 0x80000;
    public const short PollIn = 1, PollOut = 4, PollErr = 8, PollHangUp = 16, PollInvalid = 32;

    [StructLayout(LayoutKind.Sequential)]
    public struct PollFd
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public void* Base;
        public nuint Length;
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial int open(byte* path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int close(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fcntl(int descriptor, int command, nint argument);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint read(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint write(int descriptor, void* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint readv(int descriptor, IoVector* vectors, int count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial nint writev(int descriptor, IoVector* vectors, int count);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int poll(PollFd* descriptors, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int eventfd(uint initial, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int ioctl(int descriptor, nuint request, void* argument);

    // statx(2) has one layout on every architecture, unlike stat(2): 256 bytes, stx_mode at 28.
    [LibraryImport("libc", SetLastError = true)]
    public static partial int statx(int folder, byte* path, int flags, uint mask, byte* result);

    /// <summary>Opens a file close-on-exec; -1 with the error number left for the caller.</summary>
    public static int Open(string path, int flags, uint mode = 0)
    {
        byte[] bytes = CString.From(path);
        fixed (byte* first = bytes) return open(first, flags | CloseOnExec, mode);
    }
}
