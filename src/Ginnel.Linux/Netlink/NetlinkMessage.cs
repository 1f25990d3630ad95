using System.Runtime.InteropServices;
using System.Text;

namespace Ginnel.Linux.Netlink;

/// <summary>
/// Writes one rtnetlink request (rtnetlink(7)): a header, a fixed part, attributes that may be nested. Lengths are filled in when an
/// attribute or the message is closed; everything is in the machine's byte order but addresses.
/// </summary>
internal ref struct NetlinkMessage
{
    private const int HeaderSize = 16;
    private const ushort FlagRequest = 1, FlagAcknowledge = 4;
    private readonly Span<byte> _buffer;
    private int _length;

    /// <summary>Begins a request; <paramref name="flags"/> besides "request" and "acknowledge".</summary>
    public NetlinkMessage(Span<byte> buffer, ushort type, ushort flags, uint sequence)
    {
        _buffer = buffer;
        _buffer[..HeaderSize].Clear();
        MemoryMarshal.Write(_buffer[4..], type);
        MemoryMarshal.Write(_buffer[6..], (ushort)(flags | FlagRequest | FlagAcknowledge));
        MemoryMarshal.Write(_buffer[8..], sequence);
        _length = HeaderSize;
    }

    /// <summary>The finished message.</summary>
    public readonly ReadOnlySpan<byte> Close()
    {
        MemoryMarshal.Write(_buffer, _length);
        return _buffer[.._length];
    }

    /// <summary>Appends a fixed part, padded to four bytes.</summary>
    public void Append<T>(T value) where T : unmanaged
    {
        MemoryMarshal.Write(_buffer[_length..], value);
        Advance(Marshal.SizeOf<T>());
    }

    /// <summary>Appends an attribute with a number in it.</summary>
    public void Add(ushort type, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        MemoryMarshal.Write(bytes, value);
        Add(type, bytes);
    }

    /// <summary>Appends an attribute with a zero-terminated string in it.</summary>
    public void Add(ushort type, string text) => Add(type, Encoding.ASCII.GetBytes(text + "\0"));

    /// <summary>Appends an attribute.</summary>
    public void Add(ushort type, scoped ReadOnlySpan<byte> value)
    {
        int start = Open(type);
        value.CopyTo(_buffer[_length..]);
        Advance(value.Length);
        CloseAttribute(start, value.Length);
    }

    /// <summary>Begins an attribute that holds others; close it with <see cref="End"/>.</summary>
    public int Open(ushort type)
    {
        int start = _length;
        MemoryMarshal.Write(_buffer[(start + 2)..], type);
        _length += 4;
        return start;
    }

    /// <summary>Ends what <see cref="Open"/> began.</summary>
    public readonly void End(int start) => MemoryMarshal.Write(_buffer[start..], (ushort)(_length - start));

    private readonly void CloseAttribute(int start, int payload) => MemoryMarshal.Write(_buffer[start..], (ushort)(4 + payload));

    private void Advance(int count)
    {
        int padded = (count + 3) & ~3;
        _buffer.Slice(_length + count, padded - count).Clear();
        _length += padded;
    }
}
