using System.Diagnostics;

namespace Ginnel.Wire;

/// <summary>
/// A packet in a pooled, pinned slab, with room before and after its bytes so that headers and trailers are added in place.
/// Owned by exactly one place at a time; whoever owns it last calls <see cref="Return"/>. Not thread-safe.
/// </summary>
public sealed class Packet
{
    /// <summary>Bytes in front of a fresh packet: virtio header, Ethernet, a tunnel's header, a length prefix.</summary>
    public const int Headroom = 128;

    /// <summary>Bytes kept behind a fresh packet: an authentication tag and padding.</summary>
    public const int Tailroom = 48;

    internal readonly PacketPool Owner;
    internal Packet? Next;
    internal bool Rented;
    private readonly byte[] _slab;
    private int _start;
    private int _length;

    internal Packet(PacketPool owner, PacketSize size, byte[] slab)
    {
        Owner = owner;
        Size = size;
        _slab = slab;
        Reset();
    }

    /// <summary>The slab's class.</summary>
    public PacketSize Size { get; }

    /// <summary>Bytes in the packet.</summary>
    public int Length => _length;

    /// <summary>The packet's bytes. Valid until the packet is handed over or returned.</summary>
    public Span<byte> Span
    {
        get
        {
            RequireRented();
            return _slab.AsSpan(_start, _length);
        }
    }

    /// <summary>The packet's bytes as memory, for asynchronous I/O.</summary>
    public Memory<byte> Memory
    {
        get
        {
            RequireRented();
            return _slab.AsMemory(_start, _length);
        }
    }

    /// <summary>Bytes that can be prepended.</summary>
    public int FreeBefore => _start;

    /// <summary>Bytes that can be appended.</summary>
    public int FreeAfter => _slab.Length - _start - _length;

    /// <summary>How the packet is to be cut; none for an ordinary packet.</summary>
    public Segmentation Segmentation { get; set; }

    /// <summary>What is known about the transport checksum.</summary>
    public ChecksumState Checksum { get; set; }

    /// <summary>Extends the packet at its front and returns the new bytes (not cleared).</summary>
    /// <exception cref="InvalidOperationException">Less than <paramref name="count"/> bytes of headroom: our own bug.</exception>
    public Span<byte> Prepend(int count)
    {
        if ((uint)count > (uint)_start) throw new InvalidOperationException($"Headroom of {_start} bytes cannot take {count}.");
        _start -= count;
        _length += count;
        return _slab.AsSpan(_start, count);
    }

    /// <summary>Extends the packet at its end and returns the new bytes (not cleared).</summary>
    /// <exception cref="InvalidOperationException">Less than <paramref name="count"/> bytes behind: our own bug.</exception>
    public Span<byte> Append(int count)
    {
        if ((uint)count > (uint)FreeAfter) throw new InvalidOperationException($"{FreeAfter} bytes behind the packet cannot take {count}.");
        Span<byte> added = _slab.AsSpan(_start + _length, count);
        _length += count;
        return added;
    }

    /// <summary>Drops bytes from the front; they become headroom.</summary>
    public void TrimStart(int count)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)count, (uint)_length, nameof(count));
        _start += count;
        _length -= count;
    }

    /// <summary>Cuts the packet to its first <paramref name="length"/> bytes.</summary>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)length, (uint)_length, nameof(length));
        _length = length;
    }

    /// <summary>Empties the packet and restores the headroom, the segmentation and the checksum state of a fresh one.</summary>
    public void Reset()
    {
        _start = Headroom;
        _length = 0;
        Segmentation = default;
        Checksum = ChecksumState.Unverified;
    }

    /// <summary>Copies bytes behind the present ones.</summary>
    public void Write(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Append(bytes.Length));

    /// <summary>Gives the packet back to its pool. The caller must not touch it afterwards.</summary>
    public void Return() => Owner.Return(this);

    // Debug builds find what a release build would turn into somebody else's bytes: use after return, and spans kept too long.
    [Conditional("DEBUG")]
    internal void Poison() => _slab.AsSpan(_start, _length).Fill(0xDB);

    [Conditional("DEBUG")]
    private void RequireRented()
    {
        if (!Rented) throw new InvalidOperationException("A packet was used after it was returned.");
    }
}

/// <summary>The two classes of slab.</summary>
public enum PacketSize : byte
{
    /// <summary>Holds <see cref="PacketPool.SmallCapacity"/> bytes of packet: any frame of an Ethernet of MTU 1500.</summary>
    Small,
    /// <summary>Holds <see cref="PacketPool.SuperCapacity"/> bytes of packet: a super-segment of 64 KiB with its headers.</summary>
    Super,
}
