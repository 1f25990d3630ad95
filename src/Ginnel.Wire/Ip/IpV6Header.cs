using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>The fixed IPv6 header (RFC 8200 section 3).</summary>
public struct IpV6Header
{
    /// <summary>Bytes of the fixed header.</summary>
    public const int Size = 40;

    /// <summary>The smallest MTU that a link may have for IPv6 (RFC 8200 section 5).</summary>
    public const int MinimumMtu = 1280;

    /// <summary>DSCP and ECN.</summary>
    public byte TrafficClass;

    /// <summary>The flow label; its upper 12 bits are ignored.</summary>
    public uint FlowLabel;

    /// <summary>Bytes behind the fixed header, extension headers included.</summary>
    public ushort PayloadLength;

    /// <summary>What stands behind the fixed header.</summary>
    public IpProtocol NextHeader;

    /// <summary>The hop limit.</summary>
    public byte HopLimit;

    /// <summary>The sender, an IPv6 address.</summary>
    public IpAddress Source;

    /// <summary>The receiver, an IPv6 address.</summary>
    public IpAddress Destination;

    /// <summary>The fixed header of a parsed packet; its extension headers are not part of it.</summary>
    public static IpV6Header Read(in IpV6View view) => new()
    {
        TrafficClass = view.TrafficClass,
        FlowLabel = view.FlowLabel,
        PayloadLength = (ushort)view.PayloadLength,
        NextHeader = (IpProtocol)view.Bytes[6],
        HopLimit = view.HopLimit,
        Source = view.Source,
        Destination = view.Destination,
    };

    /// <summary>Writes 40 bytes.</summary>
    /// <returns>Bytes written.</returns>
    public readonly int Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt32BigEndian(destination, 0x6000_0000u | (uint)TrafficClass << 20 | FlowLabel & 0xF_FFFF);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], PayloadLength);
        destination[6] = (byte)NextHeader;
        destination[7] = HopLimit;
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Source.High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], Source.Low);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], Destination.High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[32..], Destination.Low);
        return Size;
    }
}

/// <summary>The IPv6 fragment header (RFC 8200 section 4.5).</summary>
public struct IpV6FragmentHeader
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 8;

    /// <summary>What the original packet has behind its unfragmentable part.</summary>
    public IpProtocol NextHeader;

    /// <summary>Where this part lies in the fragmentable part, in bytes, a multiple of 8.</summary>
    public ushort FragmentOffset;

    /// <summary>Whether fragments behind this one exist.</summary>
    public bool MoreFragments;

    /// <summary>The identification that fragments of one packet share.</summary>
    public uint Identification;

    /// <summary>Writes 8 bytes.</summary>
    /// <returns>Bytes written.</returns>
    public readonly int Write(Span<byte> destination)
    {
        destination[0] = (byte)NextHeader;
        destination[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)(FragmentOffset & 0xFFF8 | (MoreFragments ? 1 : 0)));
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], Identification);
        return Size;
    }
}
