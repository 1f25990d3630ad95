using System.Runtime.InteropServices;
using System.Text;

namespace Ginnel.Linux.Native;

/// <summary>Zero-terminated strings and arrays of them, from bytes that need not be UTF-8.</summary>
internal static unsafe class CString
{
    /// <summary>The UTF-8 bytes with their terminator.</summary>
    public static byte[] From(string text)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetByteCount(text) + 1];
        Encoding.UTF8.GetBytes(text, bytes);
        return bytes;
    }

    /// <summary>A null-terminated vector (argv, envp) in native memory; free it with <see cref="FreeVector"/>.</summary>
    public static byte** AllocateVector(IReadOnlyList<byte[]> items)
    {
        byte** vector = (byte**)NativeMemory.Alloc((nuint)(items.Count + 1), (nuint)sizeof(byte*));
        for (int i = 0; i < items.Count; i++)
        {
            byte[] item = items[i];
            vector[i] = (byte*)NativeMemory.Alloc((nuint)item.Length + 1);
            item.CopyTo(new Span<byte>(vector[i], item.Length));
            vector[i][item.Length] = 0;
        }
        vector[items.Count] = null;
        return vector;
    }

    /// <summary>Frees what <see cref="AllocateVector"/> gave.</summary>
    public static void FreeVector(byte** vector)
    {
        for (byte** item = vector; *item != null; item++) NativeMemory.Free(*item);
        NativeMemory.Free(vector);
    }
}
