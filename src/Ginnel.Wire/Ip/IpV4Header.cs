using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// What an IPv4 header means (RFC 791 section 3.1). Options are seen through <see cref="IpV4View.Options"/> only; we send none of our
/// own.
/// </summary>
public struct IpV4Header
{
    /// <summary>Bytes of the header without options.</summary>
    public const int MinimumSize = 20;

    /// <summary>Bytes of the longest header.</summary>
    public const int MaximumSize = 60;

    /// <summary>The largest packet, header included.</summary>
    public const int MaximumTotalLength = 65535;

    /// <summary>DSCP and ECN.</summary>
    public byte TrafficClass;

    /// <summary>Bytes of header and payload, 20–65,535.</summary>
    public ushort TotalLength;

    /// <summary>The identification that fragments of one packet share; free to be anything on atomic packets (RFC 6864).</summary>
    public ushort Identification;

    /// <summary>Whether no router may fragment the packet.</summary>
    public bool DontFragment;

    /// <summary>Whether fragments behind this one exist.</summary>
    public bool MoreFragments;

    /// <summary>Where the payload lies in the original packet's, in bytes, a multiple of 8.</summary>
    public ushort FragmentOffset;

    /// <summary>The time to live.</summary>
    public byte HopLimit;

    /// <summary>What the payload is.</summary>
    public IpProtocol Protocol;

    /// <summary>The sender, an IPv4 address.</summary>
    public IpAddress Source;

    /// <summary>The receiver, an IPv4 address.</summary>
    public IpAddress Destination;

    /// <summary>The fields of a parsed packet.</summary>
    public static IpV4Header Read(in IpV4View view) => new()
    {
        TrafficClass = view.TrafficClass,
        TotalLength = (ushort)view.TotalLength,
        Identification = view.Identification,
        DontFragment = view.DontFragment,
        MoreFragments = view.MoreFragments,
        FragmentOffset = (ushort)view.FragmentOffset,
        HopLimit = view.HopLimit,
        Protocol = view.Protocol,
        Source = view.Source,
        Destination = view.Destination,
    };

    /// <summary>Writes 20 bytes, the header checksum included.</summary>
    /// <returns>Bytes written.</returns>
    public readonly int Write(Span<byte> destination) => Write(destination, []);

    /// <summary>Writes the header with options, checksum included.</summary>
    /// <param name="destination">At least 20 bytes and the options'.</param>
    /// <param name="options">0–40 bytes, a multiple of 4; the caller pads.</param>
    /// <returns>Bytes written.</returns>
    public readonly int Write(Span<byte> destination, ReadOnlySpan<byte> options)
    {
        int size = MinimumSize + options.Length;
        if (size > MaximumSize || size % 4 != 0) throw new ArgumentException("Options take 0–40 bytes, a multiple of 4.", nameof(options));
        destination = destination[..size];
        destination[0] = (byte)(0x40 | size / 4);
        destination[1] = TrafficClass;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], TotalLength);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], Identification);
        int fragment = FragmentOffset >> 3 | (MoreFragments ? 0x2000 : 0) | (DontFragment ? 0x4000 : 0);
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], (ushort)fragment);
        destination[8] = HopLimit;
        destination[9] = (byte)Protocol;
        destination[10] = destination[11] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(destination[12..], Source.V4);
        BinaryPrimitives.WriteUInt32BigEndian(destination[16..], Destination.V4);
        options.CopyTo(destination[MinimumSize..]);
        BinaryPrimitives.WriteUInt16BigEndian(destination[10..], Checksum.Compute(destination));
        return size;
    }
}
