using System.Runtime.InteropServices;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>What this process may do with a file, as the kernel judges it.</summary>
internal static unsafe class AccessCheck
{
    private const int Execute = 1, Write = 2, Read = 4;

    /// <summary>Whether execve would be permitted, noexec mounts included.</summary>
    public static bool MayExecute(string path) => May(path, Execute);

    /// <summary>Whether the file can be opened for reading and writing.</summary>
    public static bool MayReadAndWrite(string path) => May(path, Read | Write);

    /// <summary>Whether there is something of that name, a path that need not be UTF-8; what cannot be looked at is taken to be there.</summary>
    public static bool IsThere(ReadOnlySpan<byte> path)
    {
        byte[] terminated = [.. path, 0];
        fixed (byte* first = terminated) return Processes.access(first, 0) == 0 || Marshal.GetLastPInvokeError() is not (Errno.NoEntry or Errno.NotDirectory);
    }

    private static bool May(string path, int mode)
    {
        fixed (byte* first = CString.From(path)) return Processes.access(first, mode) == 0;
    }
}
