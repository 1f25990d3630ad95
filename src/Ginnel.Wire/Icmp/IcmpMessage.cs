using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// Writes ICMP messages for IPv4, checksum included. Each method returns the bytes written. An error quotes as much of the
/// offending packet as <see cref="QuoteLimit"/> and the destination's length allow, which must be at least 8 bytes and the quote's.
/// </summary>
public static class IcmpMessage
{
    /// <summary>Bytes in front of the body, in both families.</summary>
    public const int HeaderSize = 8;

    /// <summary>Most bytes quoted: the error with its IP header stays within 576 bytes (RFC 1812 section 4.3.2.3).</summary>
    public const int QuoteLimit = 576 - IpV4Header.MinimumSize - HeaderSize;

    /// <summary>Bytes that an error about a packet of this length takes.</summary>
    public static int ErrorSize(int offendingLength) => HeaderSize + Math.Min(offendingLength, QuoteLimit);

    /// <summary>An echo request or reply; <paramref name="data"/> may already stand in its place in the destination.</summary>
    public static int WriteEcho(Span<byte> destination, IcmpType type, ushort identifier, ushort sequence, ReadOnlySpan<byte> data)
    {
        data.CopyTo(destination[HeaderSize..]);
        return Finish(destination[..(HeaderSize + data.Length)], type, 0, (uint)identifier << 16 | sequence);
    }

    /// <summary>Destination unreachable.</summary>
    public static int WriteUnreachable(Span<byte> destination, IcmpUnreachableCode code, ReadOnlySpan<byte> offending) =>
        WriteError(destination, IcmpType.DestinationUnreachable, (byte)code, 0, offending);

    /// <summary>Fragmentation needed and DF set, with the next hop's MTU (RFC 1191 section 4).</summary>
    public static int WriteFragmentationNeeded(Span<byte> destination, ushort mtu, ReadOnlySpan<byte> offending) =>
        WriteError(destination, IcmpType.DestinationUnreachable, (byte)IcmpUnreachableCode.FragmentationNeeded, mtu, offending);

    /// <summary>Time exceeded.</summary>
    public static int WriteTimeExceeded(Span<byte> destination, TimeExceededCode code, ReadOnlySpan<byte> offending) =>
        WriteError(destination, IcmpType.TimeExceeded, (byte)code, 0, offending);

    /// <summary>Parameter problem, code 0: <paramref name="pointer"/> is the offset of the octet complained of.</summary>
    public static int WriteParameterProblem(Span<byte> destination, byte pointer, ReadOnlySpan<byte> offending) =>
        WriteError(destination, IcmpType.ParameterProblem, 0, (uint)pointer << 24, offending);

    private static int WriteError(Span<byte> destination, IcmpType type, byte code, uint rest, ReadOnlySpan<byte> offending)
    {
        int size = ErrorSize(offending.Length);
        offending[..(size - HeaderSize)].CopyTo(destination[HeaderSize..]);
        return Finish(destination[..size], type, code, rest);
    }

    private static int Finish(Span<byte> message, IcmpType type, byte code, uint rest)
    {
        message[0] = (byte)type;
        message[1] = code;
        message[2] = message[3] = 0;
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], rest);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum.Compute(message));
        return message.Length;
    }
}
