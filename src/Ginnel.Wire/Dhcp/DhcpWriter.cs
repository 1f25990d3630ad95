using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>The fixed part of a DHCPv4 message for Ethernet (RFC 2131 section 2).</summary>
public struct DhcpHeader
{
    /// <summary>Whether a server sends it.</summary>
    public bool IsReply;

    /// <summary>Pairs a reply with its request.</summary>
    public uint TransactionId;

    /// <summary>Seconds since the client began.</summary>
    public ushort Seconds;

    /// <summary>Whether the reply must be broadcast.</summary>
    public bool IsBroadcast;

    /// <summary><c>ciaddr</c>, an IPv4 address; <c>default</c> counts as 0.0.0.0, here and below.</summary>
    public IpAddress ClientAddress;

    /// <summary><c>yiaddr</c>.</summary>
    public IpAddress YourAddress;

    /// <summary><c>siaddr</c>.</summary>
    public IpAddress ServerAddress;

    /// <summary><c>giaddr</c>.</summary>
    public IpAddress RelayAddress;

    /// <summary><c>chaddr</c>.</summary>
    public MacAddress ClientMac;
}

/// <summary>
/// Writes a DHCPv4 message into a buffer. An option that does not fit is not written and answered with false; the buffer's length is
/// the limit, which a server takes from the client's maximum message size. <see cref="Finish"/> ends the message.
/// </summary>
public ref struct DhcpWriter
{
    /// <summary>Bytes of the shortest message: BOOTP relays discard shorter ones (RFC 1542 section 2.1).</summary>
    public const int MinimumSize = 300;

    private const int OptionsAt = 240;
    private readonly Span<byte> _buffer;
    private int _at;

    /// <summary>Begins a message.</summary>
    /// <param name="buffer">At least <see cref="MinimumSize"/> bytes.</param>
    /// <param name="header">The fixed part.</param>
    /// <param name="type">The kind of message, which becomes the first option.</param>
    public DhcpWriter(Span<byte> buffer, in DhcpHeader header, DhcpMessageType type)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(buffer.Length, MinimumSize, nameof(buffer));
        _buffer = buffer;
        buffer[..OptionsAt].Clear();
        buffer[0] = header.IsReply ? (byte)2 : (byte)1;
        buffer[1] = 1;
        buffer[2] = MacAddress.Size;
        BinaryPrimitives.WriteUInt32BigEndian(buffer[4..], header.TransactionId);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[8..], header.Seconds);
        buffer[10] = header.IsBroadcast ? (byte)0x80 : (byte)0;
        BinaryPrimitives.WriteUInt32BigEndian(buffer[12..], header.ClientAddress.V4);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[16..], header.YourAddress.V4);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[20..], header.ServerAddress.V4);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[24..], header.RelayAddress.V4);
        header.ClientMac.Write(buffer[28..]);
        BinaryPrimitives.WriteUInt32BigEndian(buffer[236..], 0x6382_5363);
        _at = OptionsAt;
        TryAddOption(DhcpOption.MessageType, [(byte)type]);
    }

    /// <summary>Adds an option; a value of more than 255 bytes goes in pieces (RFC 3396 section 7).</summary>
    public bool TryAddOption(DhcpOption option, scoped ReadOnlySpan<byte> value)
    {
        int pieces = Math.Max(1, (value.Length + 254) / 255);
        // One byte stays free for the end option.
        if (_buffer.Length - _at - 1 < 2 * pieces + value.Length) return false;
        do
        {
            int length = Math.Min(value.Length, 255);
            _buffer[_at] = (byte)option;
            _buffer[_at + 1] = (byte)length;
            value[..length].CopyTo(_buffer[(_at + 2)..]);
            _at += 2 + length;
            value = value[length..];
        }
        while (!value.IsEmpty);
        return true;
    }

    /// <summary>Adds an option of one or more IPv4 addresses.</summary>
    public bool TryAddAddresses(DhcpOption option, params scoped ReadOnlySpan<IpAddress> addresses)
    {
        int length = 4 * addresses.Length;
        if (length is 0 or > 252 || _buffer.Length - _at - 1 < 2 + length) return false;
        _buffer[_at] = (byte)option;
        _buffer[_at + 1] = (byte)length;
        _at += 2;
        foreach (IpAddress address in addresses)
        {
            BinaryPrimitives.WriteUInt32BigEndian(_buffer[_at..], address.V4);
            _at += 4;
        }
        return true;
    }

    /// <summary>Adds an option of four bytes, such as a time in seconds.</summary>
    public bool TryAddUInt32(DhcpOption option, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return TryAddOption(option, bytes);
    }

    /// <summary>Adds an option of two bytes, such as the MTU.</summary>
    public bool TryAddUInt16(DhcpOption option, ushort value) => TryAddOption(option, [(byte)(value >> 8), (byte)value]);

    /// <summary>Ends the options and pads the message.</summary>
    /// <returns>Bytes of the message: <c>buffer[..n]</c>.</returns>
    public int Finish()
    {
        _buffer[_at++] = (byte)DhcpOption.End;
        if (_at >= MinimumSize) return _at;
        _buffer[_at..MinimumSize].Clear();
        return _at = MinimumSize;
    }
}
