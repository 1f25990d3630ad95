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

    private static bool May(string path, int mode)
    {
        fixed (byte* first = CString.From(path)) return Processes.access(first, mode) == 0;
    }
}
