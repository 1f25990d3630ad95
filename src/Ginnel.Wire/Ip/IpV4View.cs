using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// An IPv4 packet whose lengths and options have been checked: every accessor is safe. Bytes behind the total length
/// (Ethernet padding) are cut off. The header checksum is <em>not</em> yet verified; see <see cref="IsChecksumValid"/>.
/// </summary>
public readonly ref struct IpV4View
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly byte _headerLength;

    private IpV4View(ReadOnlySpan<byte> bytes, int headerLength, bool sourceRouted)
    {
        _bytes = bytes;
        _headerLength = (byte)headerLength;
        IsSourceRouted = sourceRouted;
    }

    /// <summary>The type-of-service byte: DSCP in the upper six bits, ECN in the lower two (RFC 2474, RFC 3168).</summary>
    public byte TrafficClass => _bytes[1];

    /// <summary>Bytes of header and payload, 20–65,535.</summary>
    public int TotalLength => BinaryPrimitives.ReadUInt16BigEndian(_bytes[2..]);

    /// <summary>The identification that fragments of one packet share.</summary>
    public ushort Identification => BinaryPrimitives.ReadUInt16BigEndian(_bytes[4..]);

    /// <summary>Whether no router may fragment the packet.</summary>
    public bool DontFragment => (_bytes[6] & 0x40) != 0;

    /// <summary>Whether fragments behind this one exist.</summary>
    public bool MoreFragments => (_bytes[6] & 0x20) != 0;

    /// <summary>Where the payload lies in the original packet's, in bytes, a multiple of 8.</summary>
    public int FragmentOffset => (BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]) & 0x1FFF) * 8;

    /// <summary>Whether this is one of several fragments.</summary>
    public bool IsFragment => (BinaryPrimitives.ReadUInt16BigEndian(_bytes[6..]) & 0x3FFF) != 0;

    /// <summary>The time to live.</summary>
    public byte HopLimit => _bytes[8];

    /// <summary>What the payload is.</summary>
    public IpProtocol Protocol => (IpProtocol)_bytes[9];

    /// <summary>The header checksum field.</summary>
    public ushort Checksum => BinaryPrimitives.ReadUInt16BigEndian(_bytes[10..]);

    /// <summary>The sender.</summary>
    public IpAddress Source => IpAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(_bytes[12..]));

    /// <summary>The receiver.</summary>
    public IpAddress Destination => IpAddress.FromV4(BinaryPrimitives.ReadUInt32BigEndian(_bytes[16..]));

    /// <summary>Bytes of the header with options, 20–60.</summary>
    public int HeaderLength => _headerLength;

    /// <summary>The options, 0–40 bytes, each of a checked length.</summary>
    public ReadOnlySpan<byte> Options => _bytes[IpV4Header.MinimumSize.._headerLength];

    /// <summary>The header with its options.</summary>
    public ReadOnlySpan<byte> Header => _bytes[.._headerLength];

    /// <summary>What the packet carries, without Ethernet padding.</summary>
    public ReadOnlySpan<byte> Payload => _bytes[_headerLength..];

    /// <summary>The whole packet, without Ethernet padding.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>Whether a loose or strict source route option is present, which a host drops (RFC 6274 section 3.13.2.3).</summary>
    public bool IsSourceRouted { get; }

    /// <summary>Whether the header sums to all ones (RFC 1122 section 3.2.1.2).</summary>
    public bool IsChecksumValid => Wire.Checksum.Fold(Wire.Checksum.Sum(Header)) == 0xFFFF;

    /// <summary>Checks version, lengths, options and the alignment of fragments.</summary>
    /// <param name="bytes">A packet as it came from a link; it may have padding behind it.</param>
    /// <param name="view">The packet; <c>default</c> unless the result is <see cref="DropReason.None"/>.</param>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out IpV4View view)
    {
        view = default;
        DropReason reason = ParseHeader(bytes, out int headerLength, out bool sourceRouted);
        if (reason != DropReason.None) return reason;
        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (totalLength < headerLength || totalLength > bytes.Length) return DropReason.BadLength;
        int fragment = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) & 0x3FFF;
        if (fragment != 0 && !IsSaneFragment(fragment, totalLength - headerLength)) return DropReason.BadFragment;
        view = new IpV4View(bytes[..totalLength], headerLength, sourceRouted);
        return DropReason.None;
    }

    /// <summary>
    /// Parses a packet as an ICMP error quotes it: the header whole, the payload cut anywhere (RFC 792, RFC 1812 section 4.3.2.3).
    /// <see cref="Payload"/> is what was quoted; <see cref="TotalLength"/> is the original's.
    /// </summary>
    public static DropReason TryParseQuoted(ReadOnlySpan<byte> bytes, out IpV4View view)
    {
        view = default;
        DropReason reason = ParseHeader(bytes, out int headerLength, out bool sourceRouted);
        if (reason != DropReason.None) return reason;
        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (totalLength < headerLength) return DropReason.BadLength;
        view = new IpV4View(bytes[..Math.Min(totalLength, bytes.Length)], headerLength, sourceRouted);
        return DropReason.None;
    }

    /// <summary>
    /// Parses a packet that <see cref="TryParse"/> has refused for an option, so that its sender can be told which octet is wrong
    /// (RFC 1122 section 3.2.2.5). Only addresses, protocol, fragment fields and checksum of the view may be used.
    /// </summary>
    /// <param name="bytes">The packet.</param>
    /// <param name="view">The packet; <c>default</c> if the result is false.</param>
    /// <param name="pointer">The offset of the wrong octet from the start of the header.</param>
    public static bool TryParseBadOption(ReadOnlySpan<byte> bytes, out IpV4View view, out byte pointer)
    {
        view = default;
        pointer = 0;
        if (ParseHeader(bytes, out int headerLength, out _) != DropReason.BadOption) return false;
        int totalLength = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (totalLength < headerLength || totalLength > bytes.Length) return false;
        CheckOptions(bytes[IpV4Header.MinimumSize..headerLength], out _, out int wrong);
        pointer = (byte)(IpV4Header.MinimumSize + wrong);
        view = new IpV4View(bytes[..totalLength], headerLength, sourceRouted: false);
        return true;
    }

    private static DropReason ParseHeader(ReadOnlySpan<byte> bytes, out int headerLength, out bool sourceRouted)
    {
        sourceRouted = false;
        headerLength = 0;
        if (bytes.Length < IpV4Header.MinimumSize) return DropReason.Truncated;
        if (bytes[0] >> 4 != 4) return DropReason.BadVersion;
        headerLength = (bytes[0] & 0xF) * 4;
        if (headerLength < IpV4Header.MinimumSize || headerLength > bytes.Length) return DropReason.BadLength;
        return headerLength == IpV4Header.MinimumSize
            ? DropReason.None
            : CheckOptions(bytes[IpV4Header.MinimumSize..headerLength], out sourceRouted, out _);
    }

    // All fragments but the last are multiples of 8 (RFC 791 section 3.2); nothing reaches past the longest packet (ping of death).
    private static bool IsSaneFragment(int fragment, int payloadLength)
    {
        int offset = (fragment & 0x1FFF) * 8;
        bool more = (fragment & 0x2000) != 0;
        return payloadLength > 0 && (!more || payloadLength % 8 == 0) && IpV4Header.MinimumSize + offset + payloadLength <= 65535;
    }

    private static DropReason CheckOptions(ReadOnlySpan<byte> options, out bool sourceRouted, out int wrong)
    {
        const byte EndOfOptions = 0, NoOperation = 1, LooseSourceRoute = 131, StrictSourceRoute = 137;
        sourceRouted = false;
        int all = options.Length;
        wrong = 0;
        while (!options.IsEmpty)
        {
            wrong = all - options.Length;
            byte kind = options[0];
            if (kind == EndOfOptions) return DropReason.None;
            if (kind == NoOperation) { options = options[1..]; continue; }
            if (options.Length < 2) return DropReason.BadOption;
            int length = options[1];
            wrong++;
            if (length < 2 || length > options.Length) return DropReason.BadOption;
            sourceRouted |= kind is LooseSourceRoute or StrictSourceRoute;
            options = options[length..];
        }
        return DropReason.None;
    }
}
