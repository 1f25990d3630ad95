namespace Ginnel.Wire;

/// <summary>A name inside a message, perhaps compressed, that has been walked once and found sound.</summary>
public readonly ref struct DnsNameView
{
    // RFC 9267 section 2: a pointer that is not strictly backwards can loop; the chain is bounded besides.
    private const int PointerLimit = 64;

    private readonly ReadOnlySpan<byte> _message;
    private readonly int _offset;

    private DnsNameView(ReadOnlySpan<byte> message, int offset, int wireLength)
    {
        _message = message;
        _offset = offset;
        Size = wireLength;
    }

    /// <summary>Octets of the name without compression, 1–255.</summary>
    public int Size { get; }

    /// <summary>Writes the name uncompressed.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    /// <returns>Bytes written: <see cref="Size"/>.</returns>
    public int CopyTo(Span<byte> destination)
    {
        int written = 0;
        for (int at = _offset; ;)
        {
            byte length = _message[at];
            if (length >= 0xC0) { at = Target(_message, at); continue; }
            _message.Slice(at, length + 1).CopyTo(destination[written..]);
            written += length + 1;
            if (length == 0) return written;
            at += length + 1;
        }
    }

    /// <summary>The name as a value; allocates.</summary>
    public DnsName ToName()
    {
        Span<byte> wire = stackalloc byte[DnsName.MaximumSize];
        return DnsName.FromChecked(wire[..CopyTo(wire)]);
    }

    /// <summary>Whether this is that name, without regard to case; does not allocate.</summary>
    public bool Is(DnsName name)
    {
        if (name.Wire.Length != Size) return false;
        Span<byte> wire = stackalloc byte[DnsName.MaximumSize];
        return DnsName.EqualOctets(wire[..CopyTo(wire)], name.Wire);
    }

    /// <inheritdoc/>
    public override string ToString() => ToName().ToString();

    /// <summary>Walks a name once.</summary>
    /// <param name="message">The whole message, for pointers.</param>
    /// <param name="offset">Where the name begins.</param>
    /// <param name="end">Where its octets in place must end at the latest: the end of the message or of the record's data.</param>
    /// <param name="compressed">Whether pointers are allowed (not in service bindings, RFC 9460 section 2.2).</param>
    /// <param name="size">Octets in place.</param>
    /// <param name="view">The name.</param>
    internal static bool TryRead(ReadOnlySpan<byte> message, int offset, int end, bool compressed, out int size, out DnsNameView view)
    {
        view = default;
        size = 0;
        int at = offset, limit = end, runStart = offset, wireLength = 1, pointers = 0;
        while (true)
        {
            if (at >= limit) return false;
            byte length = message[at];
            if (length <= DnsName.MaximumLabel)
            {
                if (length == 0) break;
                wireLength += length + 1;
                at += length + 1;
                if (wireLength > DnsName.MaximumSize) return false;
                continue;
            }
            // 01 and 10 are label types that no one uses (RFC 6891 section 5).
            if (!compressed || length < 0xC0 || at + 1 >= limit || ++pointers > PointerLimit) return false;
            if (pointers == 1) size = at + 2 - offset;
            int target = Target(message, at);
            if (target < DnsHeader.Size || target >= runStart) return false;
            (at, runStart, limit) = (target, target, message.Length);
        }
        if (pointers == 0) size = at + 1 - offset;
        view = new DnsNameView(message, offset, wireLength);
        return true;
    }

    private static int Target(ReadOnlySpan<byte> message, int at) => (message[at] & 0x3F) << 8 | message[at + 1];
}
