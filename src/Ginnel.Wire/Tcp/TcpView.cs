using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>A TCP segment whose lengths have been checked: every accessor is safe. The checksum is <em>not</em> yet verified.</summary>
public readonly ref struct TcpView
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _headerLength;

    private TcpView(ReadOnlySpan<byte> bytes, int headerLength)
    {
        _bytes = bytes;
        _headerLength = headerLength;
    }

    /// <summary>The sender's port.</summary>
    public ushort SourcePort => BinaryPrimitives.ReadUInt16BigEndian(_bytes);

    /// <summary>The receiver's port.</summary>
    public ushort DestinationPort => BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]);

    /// <summary>Sequence number.</summary>
    public SequenceNumber Sequence => new(BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]));

    /// <summary>Acknowledgment number.</summary>
    public SequenceNumber Acknowledgment => new(BinaryPrimitives.ReadUInt32BigEndian(_bytes[8..]));

    /// <summary>Control bits.</summary>
    public TcpFlags Flags => (TcpFlags)_bytes[13];

    /// <summary>Window before scaling.</summary>
    public ushort Window => BinaryPrimitives.ReadUInt16BigEndian(_bytes[14..]);

    /// <summary>The checksum field.</summary>
    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_bytes[16..]);

    /// <summary>Urgent pointer.</summary>
    public ushort UrgentPointer => BinaryPrimitives.ReadUInt16BigEndian(_bytes[18..]);

    /// <summary>Bytes of the header, 20–60.</summary>
    public int HeaderLength => _headerLength;

    /// <summary>The options, 0–40 bytes.</summary>
    public ReadOnlySpan<byte> Options => _bytes[TcpHeader.MinimumSize.._headerLength];

    /// <summary>The data behind the header.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[_headerLength..];

    /// <summary>The whole segment, for the checksum.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Checks the lengths. <paramref name="bytes"/> is the payload of the IP packet, no more.</summary>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out TcpView view)
    {
        view = default;
        if (bytes.Length < TcpHeader.MinimumSize) return DropReason.Truncated;
        int headerLength = (bytes[12] >> 4) * 4;
        if (headerLength < TcpHeader.MinimumSize || headerLength > bytes.Length) return DropReason.BadLength;
        view = new TcpView(bytes, headerLength);
        return DropReason.None;
    }
}
