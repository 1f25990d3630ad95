using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// An IPv6 packet whose lengths and extension headers have been checked: every accessor is safe. Bytes behind the payload length
/// (Ethernet padding) are cut off. Of a true fragment the payload is what stands behind the fragment header; an atomic
/// fragment (RFC 6946) is a whole packet.
/// </summary>
public readonly ref struct IpV6View
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly ushort _upperOffset;
    private readonly ushort _nextHeaderOffset;
    private readonly ushort _fragmentHeaderOffset;
    private readonly ushort _fragmentPredecessorOffset;
    private readonly short _routingType;

    private IpV6View(ReadOnlySpan<byte> bytes, scoped in IpV6ExtensionWalker walker)
    {
        _bytes = bytes;
        Protocol = (IpProtocol)walker.NextHeader;
        _upperOffset = (ushort)walker.Offset;
        _nextHeaderOffset = (ushort)walker.NextHeaderOffset;
        _fragmentHeaderOffset = (ushort)walker.FragmentHeaderOffset;
        _fragmentPredecessorOffset = (ushort)walker.FragmentPredecessorOffset;
        _routingType = (short)walker.RoutingType;
    }

    /// <summary>DSCP in the upper six bits, ECN in the lower two.</summary>
    public byte TrafficClass => (byte)(BinaryPrimitives.ReadUInt16BigEndian(_bytes) >> 4);

    /// <summary>The flow label, 20 bits (RFC 6437).</summary>
    public uint FlowLabel => BinaryPrimitives.ReadUInt32BigEndian(_bytes) & 0xF_FFFF;

    /// <summary>Bytes behind the fixed header, extension headers included.</summary>
    public int PayloadLength => BinaryPrimitives.ReadUInt16BigEndian(_bytes[4..]);

    /// <summary>Bytes of the packet with its fixed header, 40–65,575.</summary>
    public int TotalLength => IpV6Header.Size + PayloadLength;

    /// <summary>The hop limit.</summary>
    public byte HopLimit => _bytes[7];

    /// <summary>The sender; never an IPv4-mapped address.</summary>
    public IpAddress Source => IpAddress.Read(_bytes[8..24]);

    /// <summary>The receiver; never an IPv4-mapped address.</summary>
    public IpAddress Destination => IpAddress.Read(_bytes[24..40]);

    /// <summary>What <see cref="Payload"/> is: the upper-layer protocol, or the Next Header of a true fragment's fragment header.</summary>
    public IpProtocol Protocol { get; }

    /// <summary>Where <see cref="Payload"/> begins: bytes of the fixed and the extension headers.</summary>
    public int HeaderLength => _upperOffset;

    /// <summary>
    /// Where the octet stands that named <see cref="Protocol"/>: the pointer of a Parameter Problem about an unknown one.
    /// </summary>
    public int NextHeaderOffset => _nextHeaderOffset;

    /// <summary>Whether a fragment header is present, be it atomic.</summary>
    public bool HasFragmentHeader => _fragmentHeaderOffset != 0;

    /// <summary>Where the fragment header stands, which is the length of the unfragmentable part; 0 without one.</summary>
    public int FragmentHeaderOffset => _fragmentHeaderOffset;

    /// <summary>
    /// Where the octet stands that announced the fragment header: reassembly puts its Next Header there (RFC 8200 section 4.5).
    /// </summary>
    public int FragmentPredecessorOffset => _fragmentPredecessorOffset;

    /// <summary>Whether this is one of several fragments. False for an atomic fragment.</summary>
    public bool IsFragment => HasFragmentHeader && (FragmentField & 0xFFF9) != 0;

    /// <summary>Whether fragments behind this one exist.</summary>
    public bool MoreFragments => HasFragmentHeader && (FragmentField & 1) != 0;

    /// <summary>Where the payload lies in the original packet's fragmentable part, in bytes, a multiple of 8.</summary>
    public int FragmentOffset => HasFragmentHeader ? FragmentField & 0xFFF8 : 0;

    /// <summary>The identification that fragments of one packet share; 0 without a fragment header.</summary>
    public uint Identification => HasFragmentHeader ? BinaryPrimitives.ReadUInt32BigEndian(_bytes[(_fragmentHeaderOffset + 4)..]) : 0;

    /// <summary>Type of the last routing header, all of whose segments are spent; −1 without one.</summary>
    public int RoutingType => _routingType;

    /// <summary>The fixed header and the extension headers.</summary>
    public ReadOnlySpan<byte> Header => _bytes[.._upperOffset];

    /// <summary>What the packet carries, without Ethernet padding.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[_upperOffset..];

    /// <summary>The whole packet, without Ethernet padding.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    private int FragmentField => BinaryPrimitives.ReadUInt16BigEndian(_bytes[(_fragmentHeaderOffset + 2)..]);

    /// <summary>Checks version, lengths, addresses and extension headers.</summary>
    /// <param name="bytes">A packet as it came from a link; it may have padding behind it.</param>
    /// <param name="view">The packet; <c>default</c> unless the result is <see cref="DropReason.None"/>.</param>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out IpV6View view)
    {
        DropReason reason = TryParse(bytes, out view, out _);
        if (reason != DropReason.None) view = default;
        return reason;
    }

    /// <summary>
    /// As <see cref="TryParse(ReadOnlySpan{byte}, out IpV6View)"/>, and says which ICMPv6 error a refused packet asks for.
    /// </summary>
    /// <param name="bytes">A packet as it came from a link; it may have padding behind it.</param>
    /// <param name="view">
    /// The packet. When the result is not <see cref="DropReason.None"/> but <paramref name="problem"/> is present, every accessor is
    /// still safe, for the sender of the error needs the addresses; the payload is then whatever the walk had not reached.
    /// </param>
    /// <param name="problem">The Parameter Problem to send, if any.</param>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out IpV6View view, out IpV6Problem problem)
    {
        view = default;
        problem = default;
        DropReason reason = CheckFixedHeader(bytes);
        if (reason != DropReason.None) return reason;
        int payloadLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        if (payloadLength > bytes.Length - IpV6Header.Size) return DropReason.BadLength;
        bytes = bytes[..(IpV6Header.Size + payloadLength)];
        IpV6ExtensionWalker walker = new(bytes, isQuoted: false);
        reason = walker.Walk();
        problem = walker.Problem;
        if (reason == DropReason.None || problem.IsPresent) view = new IpV6View(bytes, walker);
        return reason;
    }

    /// <summary>
    /// Parses a packet as an ICMPv6 error quotes it: the headers whole, the payload cut anywhere (RFC 4443 section 2.4).
    /// <see cref="Payload"/> is what was quoted; <see cref="PayloadLength"/> is the original's.
    /// </summary>
    public static DropReason TryParseQuoted(ReadOnlySpan<byte> bytes, out IpV6View view)
    {
        view = default;
        DropReason reason = CheckFixedHeader(bytes);
        if (reason != DropReason.None) return reason;
        int payloadLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]);
        bytes = bytes[..Math.Min(bytes.Length, IpV6Header.Size + payloadLength)];
        IpV6ExtensionWalker walker = new(bytes, isQuoted: true);
        reason = walker.Walk();
        if (reason == DropReason.None) view = new IpV6View(bytes, walker);
        return reason;
    }

    // An IPv4-mapped address on the wire would become an IPv4 address behind the parser, past every rule for it.
    private static DropReason CheckFixedHeader(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < IpV6Header.Size) return DropReason.Truncated;
        if (bytes[0] >> 4 != 6) return DropReason.BadVersion;
        if (IpAddress.Read(bytes[8..24]).IsV4) return DropReason.BadSource;
        return IpAddress.Read(bytes[24..40]).IsV4 ? DropReason.BadDestination : DropReason.None;
    }
}
