namespace Ginnel.Wire;

/// <summary>What a super-segment is made of.</summary>
public enum SegmentationKind : byte
{
    /// <summary>An ordinary packet.</summary>
    None,
    /// <summary>A TCP segment over IPv4 that stands for several.</summary>
    TcpV4,
    /// <summary>A TCP segment over IPv6 that stands for several.</summary>
    TcpV6,
    /// <summary>A UDP datagram that stands for several of the same flow (IPv4 or IPv6).</summary>
    Udp,
}

/// <summary>How a packet is to be cut before it reaches a wire. Travels with the packet and is checked like a header.</summary>
/// <param name="Kind">TCP or UDP, or none.</param>
/// <param name="SegmentSize">Payload bytes of each segment but the last; 0 exactly when <paramref name="Kind"/> is none.</param>
public readonly record struct Segmentation(SegmentationKind Kind, ushort SegmentSize)
{
    /// <summary>An ordinary packet.</summary>
    public static Segmentation None => default;

    /// <summary>How many segments a payload of this many bytes is worth: at least 1.</summary>
    public int Count(int payloadLength) =>
        Kind == SegmentationKind.None || payloadLength <= SegmentSize ? 1 : (payloadLength + SegmentSize - 1) / SegmentSize;
}

/// <summary>What is known about the transport checksum of a packet.</summary>
public enum ChecksumState : byte
{
    /// <summary>The checksum stands in the packet and must be verified by the receiver.</summary>
    Unverified,
    /// <summary>The checksum was verified, or the bytes never left memory we trust.</summary>
    Verified,
    /// <summary>
    /// The checksum field holds the folded sum of the pseudo-header only; whoever puts the packet on a wire completes it.
    /// Believed only from the kernel's own devices and from stacks in this process.
    /// </summary>
    Partial,
}
