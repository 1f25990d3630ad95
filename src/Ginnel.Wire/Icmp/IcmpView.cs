using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// An ICMP message for IPv4 with its eight fixed bytes: every accessor is safe. The checksum is <em>not</em> yet verified.
/// </summary>
public readonly ref struct IcmpView
{
    private readonly ReadOnlySpan<byte> _bytes;

    private IcmpView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>What the message is.</summary>
    public IcmpType Type => (IcmpType)_bytes[0];

    /// <summary>The type's code.</summary>
    public byte Code => _bytes[1];

    /// <summary>The identifier of an echo.</summary>
    public ushort Identifier => BinaryPrimitives.ReadUInt16BigEndian(_bytes[4..]);

    /// <summary>The sequence number of an echo.</summary>
    public ushort Sequence => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    /// <summary>The MTU of the next hop in a "fragmentation needed"; 0 from routers older than RFC 1191.</summary>
    public ushort Mtu => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    /// <summary>The octet that a parameter problem complains of.</summary>
    public byte Pointer => _bytes[4];

    /// <summary>An echo's data, or what an error quotes of the packet that caused it; see <see cref="IpV4View.TryParseQuoted"/>.</summary>
    public ReadOnlySpan<byte> Body => _bytes[IcmpMessage.HeaderSize..];

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Whether the message is an error: about such no error is ever sent (RFC 1122 section 3.2.2).</summary>
    public bool IsError => Type is IcmpType.DestinationUnreachable or IcmpType.SourceQuench or IcmpType.Redirect
        or IcmpType.TimeExceeded or IcmpType.ParameterProblem;

    /// <summary>Whether the message sums to all ones.</summary>
    public bool IsChecksumValid => Checksum.Fold(Checksum.Sum(_bytes)) == 0xFFFF;

    /// <summary>Checks the length.</summary>
    /// <param name="bytes">The payload of the IP packet, no more.</param>
    /// <param name="view">The message; <c>default</c> unless the result is <see cref="DropReason.None"/>.</param>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out IcmpView view)
    {
        view = default;
        if (bytes.Length < IcmpMessage.HeaderSize) return DropReason.Truncated;
        view = new IcmpView(bytes);
        return DropReason.None;
    }
}
