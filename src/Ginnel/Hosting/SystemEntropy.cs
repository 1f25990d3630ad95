using System.Security.Cryptography;
using Ginnel.Netstack;

namespace Ginnel;

/// <summary>The operating system's generator, a block at a time: a stack asks for 4 bytes per connection, a system call costs 200 ns.</summary>
internal sealed class SystemEntropy : EntropySource
{
    private readonly Lock _lock = new();
    private readonly byte[] _block = new byte[512];
    private int _used = 512;

    public override void Fill(Span<byte> destination)
    {
        if (destination.Length > _block.Length) { RandomNumberGenerator.Fill(destination); return; }
        lock (_lock)
        {
            if (_block.Length - _used < destination.Length)
            {
                RandomNumberGenerator.Fill(_block);
                _used = 0;
            }
            Span<byte> taken = _block.AsSpan(_used, destination.Length);
            taken.CopyTo(destination);
            taken.Clear(); // What was given out must not be found in memory a second time.
            _used += destination.Length;
        }
    }
}
