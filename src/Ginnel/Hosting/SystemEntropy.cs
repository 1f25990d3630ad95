using System.Security.Cryptography;
using Ginnel.Netstack;
using Microsoft.Win32.SafeHandles;

namespace Ginnel;

/// <summary>The operating system's generator, a block at a time: a stack asks for 4 bytes per connection, a system call costs 200 ns.</summary>
internal sealed class SystemEntropy : EntropySource
{
    // Where there is one, the kernel's device: .NET's own generator would load OpenSSL for the same bytes, which costs every start milliseconds.
    private static readonly SafeFileHandle? Device = OpenDevice();

    private readonly Lock _lock = new();
    private readonly byte[] _block = new byte[512];
    private int _used = 512;

    /// <summary>For whoever has none of their own.</summary>
    internal static SystemEntropy Shared { get; } = new();

    public override void Fill(Span<byte> destination)
    {
        if (destination.Length > _block.Length) { FillAnew(destination); return; }
        lock (_lock)
        {
            if (_block.Length - _used < destination.Length)
            {
                FillAnew(_block);
                _used = 0;
            }
            Span<byte> taken = _block.AsSpan(_used, destination.Length);
            taken.CopyTo(destination);
            taken.Clear(); // What was given out must not be found in memory a second time.
            _used += destination.Length;
        }
    }

    private static void FillAnew(Span<byte> destination)
    {
        while (Device is not null && !destination.IsEmpty)
        {
            int read = RandomAccess.Read(Device, destination, 0);
            if (read <= 0) break;
            destination = destination[read..];
        }
        if (!destination.IsEmpty) RandomNumberGenerator.Fill(destination);
    }

    private static SafeFileHandle? OpenDevice()
    {
        if (!OperatingSystem.IsLinux()) return null;
        try
        {
            return File.OpenHandle("/dev/urandom", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
