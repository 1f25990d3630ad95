using System.Runtime.InteropServices;

namespace Ginnel.Linux.Native;

/// <summary>Namespaces, mounts and capabilities, all of the calling thread.</summary>
internal static unsafe partial class Namespaces
{
    public const int NewNetwork = 0x40000000, NewMounts = 0x20000;
    public const ulong MountNoSuid = 2, MountNoDev = 4, MountBind = 0x1000, MountRecursive = 0x4000, MountPrivate = 0x40000;
    public const int UnmountDetach = 2;

    private const int PrctlCapAmbient = 47, CapAmbientClearAll = 4;
    private const uint CapabilityVersion3 = 0x20080522;
    private const long OpenTreeNumber = 428, MoveMountNumber = 429, CapGetNumber = 125, CapSetNumber = 126, CapGetArm = 90, CapSetArm = 91;
    private const long OpenTreeClone = 1, AtCurrentDirectory = -100, MoveMountFromEmptyPath = 4;

    [StructLayout(LayoutKind.Sequential)]
    private struct CapabilityHeader
    {
        public uint Version;
        public int Pid;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CapabilityData
    {
        public uint Effective;
        public uint Permitted;
        public uint Inheritable;
    }

    [LibraryImport("libc", SetLastError = true)]
    public static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int mount(byte* source, byte* target, byte* type, nuint flags, byte* data);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int umount2(byte* target, int flags);

    [LibraryImport("libc", SetLastError = true)]
    public static partial uint if_nametoindex(byte* name);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int prctl(int option, nuint second, nuint third, nuint fourth, nuint fifth);

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial long SystemCall(long number, nint first, nint second, nint third, nint fourth, nint fifth);

    /// <summary>
    /// Gives up the calling thread's ambient and inheritable capabilities, so that execve by an ordinary user leaves none. The bounding
    /// set stays: without it programs with file capabilities, such as ping, would not start.
    /// </summary>
    public static void DropInheritableCapabilities()
    {
        if (prctl(PrctlCapAmbient, CapAmbientClearAll, 0, 0, 0) != 0) throw LinuxException.Last("prctl", "PR_CAP_AMBIENT");
        bool isGeneric = RuntimeInformation.ProcessArchitecture != Architecture.X64;
        CapabilityHeader header = new() { Version = CapabilityVersion3 };
        CapabilityData* data = stackalloc CapabilityData[2];
        if (SystemCall(isGeneric ? CapGetArm : CapGetNumber, (nint)(&header), (nint)data, 0, 0, 0) != 0)
            throw LinuxException.Last("capget");
        data[0].Inheritable = 0;
        data[1].Inheritable = 0;
        if (SystemCall(isGeneric ? CapSetArm : CapSetNumber, (nint)(&header), (nint)data, 0, 0, 0) != 0)
            throw LinuxException.Last("capset");
    }

    /// <summary>Mounts; a null type with <see cref="MountBind"/> binds.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static void Mount(string source, string target, string? type, ulong flags, string? data)
    {
        byte[]? kindBytes = type is null ? null : CString.From(type), dataBytes = data is null ? null : CString.From(data);
        fixed (byte* from = CString.From(source), to = CString.From(target), kind = kindBytes, options = dataBytes)
        {
            if (mount(from, to, kind, (nuint)flags, options) != 0) throw LinuxException.Last("mount", target);
        }
    }

    /// <summary>Takes a mount out of sight; what was bound out of it lives on.</summary>
    /// <exception cref="LinuxException">The kernel refused.</exception>
    public static void Unmount(string target)
    {
        fixed (byte* to = CString.From(target))
        {
            if (umount2(to, UnmountDetach) != 0) throw LinuxException.Last("umount", target);
        }
    }

    /// <summary>Binds a file on a symbolic link itself, which mount(2) would follow.</summary>
    /// <exception cref="LinuxException">The kernel refused, or is older than 5.2.</exception>
    public static void BindOnLink(string source, string target)
    {
        fixed (byte* from = CString.From(source), to = CString.From(target), empty = CString.From(""))
        {
            long tree = SystemCall(OpenTreeNumber, (nint)AtCurrentDirectory, (nint)from, (nint)(OpenTreeClone | Descriptors.CloseOnExec),
                0, 0);
            if (tree < 0) throw LinuxException.Last("open_tree", source);
            using Descriptor held = new((int)tree);
            if (SystemCall(MoveMountNumber, (nint)tree, (nint)empty, (nint)AtCurrentDirectory, (nint)to, (nint)MoveMountFromEmptyPath) != 0)
            {
                throw LinuxException.Last("move_mount", target);
            }
        }
    }
}
