using System.Runtime.InteropServices;

namespace Ginnel.Netstack;

/// <summary>
/// Unpredictable identifications for packets that may be fragmented (RFC 7739 section 5.3). Drawn in blocks, for asking the system for
/// four bytes costs as much as for a hundred, and more than the packet's whole way down.
/// </summary>
internal sealed class Identifications(EntropySource entropy)
{
    private const int BlockLength = 64;
    private uint[] _block = [];
    private int _used;

    internal uint Next()
    {
        if (_used == _block.Length) Refill();
        return _block[_used++];
    }

    private void Refill()
    {
        if (_block.Length == 0) _block = new uint[BlockLength];
        entropy.Fill(MemoryMarshal.AsBytes(_block.AsSpan()));
        _used = 0;
    }
}
