using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// Writes ICMPv6 messages, checksum included, for which source and destination must be those of the packet. Each method returns
/// the bytes written. An error quotes as much of the offending packet as <see cref="QuoteLimit"/> allows.
/// </summary>
public static class IcmpV6Message
{
    /// <summary>Most bytes quoted: the error with its IP header stays within the minimum MTU (RFC 4443 section 2.4 c).</summary>
    public const int QuoteLimit = IpV6Header.MinimumMtu - IpV6Header.Size - IcmpMessage.HeaderSize;

    /// <summary>Bytes that an error about a packet of this length takes.</summary>
    public static int ErrorSize(int offendingLength) => IcmpMessage.HeaderSize + Math.Min(offendingLength, QuoteLimit);

    /// <summary>An echo request or reply; <paramref name="data"/> may already stand in its place in the message.</summary>
    public static int WriteEcho(Span<byte> message, IpAddress source, IpAddress destination, IcmpV6Type type, ushort identifier,
        ushort sequence, ReadOnlySpan<byte> data)
    {
        data.CopyTo(message[IcmpMessage.HeaderSize..]);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], (uint)identifier << 16 | sequence);
        return Finish(message[..(IcmpMessage.HeaderSize + data.Length)], source, destination, type, 0);
    }

    /// <summary>Destination unreachable.</summary>
    public static int WriteUnreachable(Span<byte> message, IpAddress source, IpAddress destination, IcmpV6UnreachableCode code,
        ReadOnlySpan<byte> offending) =>
        WriteError(message, source, destination, IcmpV6Type.DestinationUnreachable, (byte)code, 0, offending);

    /// <summary>Packet too big, with the next hop's MTU.</summary>
    public static int WritePacketTooBig(Span<byte> message, IpAddress source, IpAddress destination, uint mtu,
        ReadOnlySpan<byte> offending) =>
        WriteError(message, source, destination, IcmpV6Type.PacketTooBig, 0, mtu, offending);

    /// <summary>Time exceeded.</summary>
    public static int WriteTimeExceeded(Span<byte> message, IpAddress source, IpAddress destination, TimeExceededCode code,
        ReadOnlySpan<byte> offending) =>
        WriteError(message, source, destination, IcmpV6Type.TimeExceeded, (byte)code, 0, offending);

    /// <summary>
    /// Parameter problem; code and pointer come from <see cref="IpV6Problem"/> or <see cref="IpV6View.NextHeaderOffset"/>.
    /// </summary>
    public static int WriteParameterProblem(Span<byte> message, IpAddress source, IpAddress destination, IpV6ProblemCode code, uint pointer,
        ReadOnlySpan<byte> offending) =>
        WriteError(message, source, destination, IcmpV6Type.ParameterProblem, (byte)code, pointer, offending);

    private static int WriteError(Span<byte> message, IpAddress source, IpAddress destination, IcmpV6Type type, byte code, uint rest,
        ReadOnlySpan<byte> offending)
    {
        int size = ErrorSize(offending.Length);
        offending[..(size - IcmpMessage.HeaderSize)].CopyTo(message[IcmpMessage.HeaderSize..]);
        BinaryPrimitives.WriteUInt32BigEndian(message[4..], rest);
        return Finish(message[..size], source, destination, type, code);
    }

    /// <summary>Fills in type, code and checksum of a message whose body from octet 4 on is in place.</summary>
    internal static int Finish(Span<byte> message, IpAddress source, IpAddress destination, IcmpV6Type type, byte code)
    {
        message[0] = (byte)type;
        message[1] = code;
        message[2] = message[3] = 0;
        ulong sum = Checksum.Sum(message, Checksum.PseudoHeader(source, destination, IpProtocol.IcmpV6, message.Length));
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], (ushort)~Checksum.Fold(sum));
        return message.Length;
    }
}
