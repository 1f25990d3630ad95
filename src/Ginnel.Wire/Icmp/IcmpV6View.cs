using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>An ICMPv6 message with its first eight bytes: every accessor is safe. The checksum is <em>not</em> yet verified.</summary>
public readonly ref struct IcmpV6View
{
    private readonly ReadOnlySpan<byte> _bytes;

    private IcmpV6View(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>What the message is.</summary>
    public IcmpV6Type Type => (IcmpV6Type)_bytes[0];

    /// <summary>The type's code.</summary>
    public byte Code => _bytes[1];

    /// <summary>The identifier of an echo.</summary>
    public ushort Identifier => BinaryPrimitives.ReadUInt16BigEndian(_bytes[4..]);

    /// <summary>The sequence number of an echo.</summary>
    public ushort Sequence => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    /// <summary>The MTU of the next hop in a "packet too big".</summary>
    public uint Mtu => BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);

    /// <summary>The octet that a parameter problem complains of.</summary>
    public uint Pointer => BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);

    /// <summary>An echo's data, or what an error quotes of the packet that caused it; see <see cref="IpV6View.TryParseQuoted"/>.</summary>
    public ReadOnlySpan<byte> Body => _bytes[IcmpMessage.HeaderSize..];

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Whether the message is an error: about such no error is ever sent (RFC 4443 section 2.4 e.1).</summary>
    public bool IsError => _bytes[0] < 128;

    /// <summary>Whether message and pseudo-header sum to all ones (RFC 4443 section 2.3).</summary>
    public bool IsChecksumValid(IpAddress source, IpAddress destination) =>
        Checksum.Verify(source, destination, IpProtocol.IcmpV6, _bytes);

    /// <summary>Checks the length: no message in use is shorter than eight bytes.</summary>
    /// <param name="bytes">The payload of the IP packet, no more.</param>
    /// <param name="view">The message; <c>default</c> unless the result is <see cref="DropReason.None"/>.</param>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out IcmpV6View view)
    {
        view = default;
        if (bytes.Length < IcmpMessage.HeaderSize) return DropReason.Truncated;
        view = new IcmpV6View(bytes);
        return DropReason.None;
    }
}
