using System.Buffers.Binary;
using System.Globalization;

namespace Ginnel.Wire;

/// <summary>A 48-bit Ethernet address.</summary>
/// <param name="Value">The address in the lower 48 bits, first byte on the wire highest.</param>
public readonly record struct MacAddress(ulong Value)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 6;

    /// <summary>ff:ff:ff:ff:ff:ff.</summary>
    public static MacAddress Broadcast => new(0xFFFF_FFFF_FFFF);

    /// <summary>Whether the group bit is set: multicast or broadcast.</summary>
    public bool IsGroup => (Value >> 40 & 1) != 0;

    /// <summary>00:00:00:00:00:00, never a valid address of a station.</summary>
    public bool IsZero => Value == 0;

    /// <summary>
    /// The group address that frames for an IP multicast address go to: 01:00:5e and 23 bits (RFC 1112 section 6.4), or 33:33 and
    /// 32 bits (RFC 2464 section 7).
    /// </summary>
    public static MacAddress ForMulticast(IpAddress group) => group.IsV4
        ? new(0x0100_5E00_0000UL | group.V4 & 0x7F_FFFF)
        : new(0x3333_0000_0000UL | group.Low & 0xFFFF_FFFF);

    /// <summary>Reads 6 bytes.</summary>
    public static MacAddress Read(ReadOnlySpan<byte> bytes) =>
        new((ulong)BinaryPrimitives.ReadUInt16BigEndian(bytes) << 32 | BinaryPrimitives.ReadUInt32BigEndian(bytes[2..]));

    /// <summary>Writes 6 bytes.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)(Value >> 32));
        BinaryPrimitives.WriteUInt32BigEndian(destination[2..], (uint)Value);
    }

    /// <summary>Parses six pairs of hexadecimal digits joined by colons.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out MacAddress address)
    {
        address = default;
        if (text.Length != 17) return false;
        ulong value = 0;
        for (int i = 0; i < 17; i += 3)
        {
            if (i > 0 && text[i - 1] != ':') return false;
            if (!byte.TryParse(text.Slice(i, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte part)) return false;
            value = value << 8 | part;
        }
        address = new MacAddress(value);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{(byte)(Value >> 40):x2}:{(byte)(Value >> 32):x2}:{(byte)(Value >> 24):x2}:{(byte)(Value >> 16):x2}:{(byte)(Value >> 8):x2}:{(byte)Value:x2}");
}
