using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>The UDP header (RFC 768).</summary>
public struct UdpHeader
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 8;

    /// <summary>The sender's port.</summary>
    public ushort SourcePort;

    /// <summary>The receiver's port.</summary>
    public ushort DestinationPort;

    /// <summary>Bytes of header and payload, 8–65,535.</summary>
    public ushort Length;

    /// <summary>The fields of a parsed datagram.</summary>
    public static UdpHeader Read(in UdpView view) => new()
    {
        SourcePort = view.SourcePort,
        DestinationPort = view.DestinationPort,
        Length = (ushort)view.Length,
    };

    /// <summary>Writes 8 bytes with a zero checksum, which the caller replaces; over IPv4 zero means "none".</summary>
    /// <returns>Bytes written.</returns>
    public readonly int Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, SourcePort);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], DestinationPort);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], Length);
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], 0);
        return Size;
    }

    /// <summary>
    /// Computes and stores the checksum of a datagram whose header and payload stand in <paramref name="datagram"/>;
    /// a sum of zero is sent as all ones (RFC 768).
    /// </summary>
    public static void WriteChecksum(Span<byte> datagram, IpAddress source, IpAddress destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(datagram[6..], 0);
        ulong sum = Checksum.Sum(datagram, Checksum.PseudoHeader(source, destination, IpProtocol.Udp, datagram.Length));
        ushort checksum = (ushort)~Checksum.Fold(sum);
        BinaryPrimitives.WriteUInt16BigEndian(datagram[6..], checksum == 0 ? (ushort)0xFFFF : checksum);
    }
}
