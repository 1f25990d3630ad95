using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>Where the headers of a TCP, UDP or ICMP packet stand in its frame. Exists only for packets whose lengths agree.</summary>
internal readonly struct TransportLayout
{
    /// <summary>Where the IP header begins: bytes of link header.</summary>
    public required int IpOffset { get; init; }

    /// <summary>Where the transport header begins.</summary>
    public required int TransportOffset { get; init; }

    /// <summary>Where the payload begins.</summary>
    public required int PayloadOffset { get; init; }

    /// <summary>Where the segment, datagram or message ends; the frame may have padding behind it.</summary>
    public required int End { get; init; }

    /// <summary>Whether the IP packet goes on behind a UDP datagram's own length (RFC 9868), which the checksum does not cover.</summary>
    public required bool HasSurplus { get; init; }

    public required IpProtocol Protocol { get; init; }
    public required IpAddress Source { get; init; }
    public required IpAddress Destination { get; init; }

    public int PayloadLength => End - PayloadOffset;
    public int TransportLength => End - TransportOffset;
    public bool IsV4 => Source.IsV4;

    /// <summary>Where the transport checksum stands; −1 for a protocol that we do not know.</summary>
    public int ChecksumOffset => Protocol switch
    {
        IpProtocol.Tcp => TransportOffset + 16,
        IpProtocol.Udp => TransportOffset + 6,
        IpProtocol.Icmp or IpProtocol.IcmpV6 => TransportOffset + 2,
        _ => -1,
    };

    /// <summary>The pseudo-header's sum for a transport packet of this length; ICMP for IPv4 has none.</summary>
    public ulong PseudoHeader(int transportLength) =>
        Protocol == IpProtocol.Icmp ? 0 : Checksum.PseudoHeader(Source, Destination, Protocol, transportLength);

    /// <summary>Reads the layout. A fragment, whose transport checksum no one can know, is <see cref="DropReason.BadFragment"/>.</summary>
    public static DropReason Read(ReadOnlySpan<byte> frame, int ipOffset, out TransportLayout layout)
    {
        layout = default;
        if ((uint)ipOffset > (uint)frame.Length) return DropReason.Truncated;
        DropReason reason = IpView.TryParse(frame[ipOffset..], out IpView ip);
        if (reason != DropReason.None) return reason;
        if (ip.IsFragment) return DropReason.BadFragment;
        reason = ReadLengths(ip.Protocol, ip.Payload, out int headerLength, out int length);
        if (reason != DropReason.None) return reason;
        int transport = ipOffset + ip.HeaderLength;
        layout = new TransportLayout
        {
            IpOffset = ipOffset,
            TransportOffset = transport,
            PayloadOffset = transport + headerLength,
            End = transport + length,
            HasSurplus = length != ip.Payload.Length,
            Protocol = ip.Protocol,
            Source = ip.Source,
            Destination = ip.Destination,
        };
        return DropReason.None;
    }

    /// <summary>
    /// Stores the IP header's length field, and for IPv4 the header checksum, for a packet that now ends at <paramref name="end"/>.
    /// </summary>
    public void WriteIpLength(Span<byte> frame, int end)
    {
        if (!IsV4)
        {
            BinaryPrimitives.WriteUInt16BigEndian(frame[(IpOffset + 4)..], (ushort)(end - IpOffset - IpV6Header.Size));
            return;
        }
        Span<byte> header = frame[IpOffset..TransportOffset];
        BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)(end - IpOffset));
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(header[10..], Checksum.Compute(header));
    }

    private static DropReason ReadLengths(IpProtocol protocol, ReadOnlySpan<byte> transport, out int headerLength, out int length)
    {
        headerLength = 0;
        length = transport.Length;
        DropReason reason;
        switch (protocol)
        {
            case IpProtocol.Tcp:
                reason = TcpView.TryParse(transport, out TcpView tcp);
                if (reason == DropReason.None) headerLength = tcp.HeaderLength;
                return reason;
            case IpProtocol.Udp:
                reason = UdpView.TryParse(transport, out UdpView udp);
                headerLength = UdpHeader.Size;
                if (reason == DropReason.None) length = udp.Length;
                return reason;
            case IpProtocol.Icmp or IpProtocol.IcmpV6:
                headerLength = IcmpMessage.HeaderSize;
                return length < headerLength ? DropReason.Truncated : DropReason.None;
            default:
                return DropReason.UnknownProtocol;
        }
    }
}
