using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>What stands at a path.</summary>
internal static unsafe class FileKind
{
    private const int CurrentFolder = -100, DoNotFollow = 0x100, ResultSize = 256, ModeOffset = 28;
    private const uint TypeWanted = 1;
    private const int TypeMask = 0xF000, SocketType = 0xC000;

    /// <summary>Whether it is the file of a Unix socket itself, and no link to one. False where nothing can be seen.</summary>
    public static bool IsSocket(string path)
    {
        byte* result = stackalloc byte[ResultSize];
        fixed (byte* first = CString.From(path))
        {
            if (Descriptors.statx(CurrentFolder, first, DoNotFollow, TypeWanted, result) != 0) return false;
        }
        return (*(ushort*)(result + ModeOffset) & TypeMask) == SocketType;
    }
}
