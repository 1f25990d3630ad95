using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Ginnel.Crypto.Tests;

/// <summary>
/// Looks through this process's own writable memory for a secret. The secret is known here only under a mask, so that what is found is
/// somebody else's copy.
/// </summary>
internal sealed class OwnMemory
{
    /// <summary>The collection of the tests that look: nothing else runs meanwhile.</summary>
    public const string Alone = "Own memory";

    private const byte Cover = 0xA5;
    private const int Chunk = 1 << 20;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(Chunk, pinned: true);

    /// <summary>A secret that is nowhere but where the caller puts it, and its masked copy.</summary>
    public static byte[] Create(Span<byte> secret)
    {
        RandomNumberGenerator.Fill(secret);
        return Mask(secret);
    }

    /// <summary>A masked copy of a secret; the secret itself is nowhere but where it was.</summary>
    public static byte[] Mask(ReadOnlySpan<byte> secret)
    {
        byte[] masked = new byte[secret.Length];
        for (int i = 0; i < masked.Length; i++) masked[i] = (byte)(secret[i] ^ Cover);
        return masked;
    }

    /// <summary>
    /// Demands that of the secrets that an attempt makes and returns, masked, nothing is left. A thread that the runtime stops at the wrong
    /// moment has its registers saved on its stack: what is left three times is left by the code.
    /// </summary>
    public void LeavesNothing(Func<byte[][]> attempt)
    {
        for (int tries = 0; tries < 3; tries++)
            if (!attempt().Any(masked => Holds(masked))) return;
        Assert.Fail("A secret is left in memory.");
    }

    /// <summary>Whether the secret stands in memory, in the clear and in one piece.</summary>
    public bool Holds(ReadOnlySpan<byte> masked)
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle memory = File.OpenHandle("/proc/self/mem");
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!words[1].StartsWith("rw", StringComparison.Ordinal) || line.EndsWith("[vvar]", StringComparison.Ordinal)) continue;
            string[] range = words[0].Split('-');
            long begin = long.Parse(range[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            long end = long.Parse(range[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            // Pieces overlap, so that a secret across a border is found.
            for (long at = begin; at < end; at += Chunk - 64)
                if (HoldsAt(memory, at, (int)Math.Min(Chunk, end - at), masked)) return true;
        }
        return false;
    }

    private bool HoldsAt(Microsoft.Win32.SafeHandles.SafeFileHandle memory, long address, int length, ReadOnlySpan<byte> masked)
    {
        try
        {
            Span<byte> piece = _buffer.AsSpan(0, RandomAccess.Read(memory, _buffer.AsSpan(0, length), address));
            Apply(piece);
            return piece.IndexOf(masked) >= 0;
        }
        catch (IOException)
        {
            // Unmapped meanwhile.
            return false;
        }
        finally
        {
            _buffer.AsSpan().Clear();
        }
    }

    private static void Apply(Span<byte> bytes)
    {
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        for (int i = 0; i < words.Length; i++) words[i] ^= 0x0101010101010101UL * Cover;
        foreach (ref byte rest in bytes[(words.Length * 8)..]) rest ^= Cover;
    }
}

/// <summary>See <see cref="OwnMemory.Alone"/>.</summary>
[CollectionDefinition(OwnMemory.Alone, DisableParallelization = true)]
public sealed class OwnMemoryCollection;
