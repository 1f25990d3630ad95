using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>A UDP datagram whose length has been checked: every accessor is safe. The checksum is <em>not</em> yet verified.</summary>
public readonly ref struct UdpView
{
    private readonly ReadOnlySpan<byte> _bytes;

    private UdpView(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>The sender's port; 0 when no answer is expected.</summary>
    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_bytes);

    /// <summary>The receiver's port.</summary>
    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]);

    /// <summary>Bytes of header and payload, 8–65,535.</summary>
    public int Length => _bytes.Length;

    /// <summary>The checksum field; 0 means none (IPv4 only).</summary>
    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]);

    /// <summary>The data.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[UdpHeader.Size..];

    /// <summary>The whole datagram, for the checksum.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>
    /// Whether the checksum is acceptable: right, or absent over IPv4 (RFC 768); absent over IPv6 is not (RFC 8200 section 8.1).
    /// </summary>
    public bool IsChecksumValid(IpAddress source, IpAddress destination) =>
        Checksum == 0 ? source.IsV4 : Wire.Checksum.Verify(source, destination, IpProtocol.Udp, _bytes);

    /// <summary>Checks the length. Bytes behind the datagram's own length are cut off.</summary>
    /// <param name="bytes">The payload of the IP packet, no more.</param>
    /// <param name="view">The datagram; <c>default</c> unless the result is <see cref="DropReason.None"/>.</param>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out UdpView view)
    {
        view = default;
        if (bytes.Length < UdpHeader.Size) return DropReason.Truncated;
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (length < UdpHeader.Size || length > bytes.Length) return DropReason.BadLength;
        view = new UdpView(bytes[..length]);
        return DropReason.None;
    }
}
