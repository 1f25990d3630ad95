using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// A DHCPv4 message (RFC 2131 section 2) whose options, those in the overloaded fields included, have been walked once: every
/// accessor is safe. An option that occurs several times is one long option in pieces (RFC 3396).
/// </summary>
public readonly ref struct DhcpView
{
    private const int ServerNameAt = 44, BootFileAt = 108, CookieAt = 236;
    private const uint Cookie = 0x6382_5363;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly byte _overload;

    private DhcpView(ReadOnlySpan<byte> bytes, byte overload)
    {
        _bytes = bytes;
        _overload = overload;
    }

    /// <summary>Whether a server sent it.</summary>
    public bool IsReply => _bytes[0] == 2;

    /// <summary>Pairs a reply with its request.</summary>
    public uint TransactionId => BinaryPrimitives.ReadUInt32BigEndian(_bytes[4..]);

    /// <summary>Seconds since the client began.</summary>
    public ushort Seconds => BinaryPrimitives.ReadUInt16BigEndian(_bytes[8..]);

    /// <summary>Whether the client cannot yet receive unicast, so that the reply must be broadcast.</summary>
    public bool IsBroadcast => (_bytes[10] & 0x80) != 0;

    /// <summary><c>ciaddr</c>: the client's address when it has one.</summary>
    public IpAddress ClientAddress => IpAddress.Read(_bytes[12..16]);

    /// <summary><c>yiaddr</c>: the address given to the client.</summary>
    public IpAddress YourAddress => IpAddress.Read(_bytes[16..20]);

    /// <summary><c>siaddr</c>: the server for the next step of booting.</summary>
    public IpAddress ServerAddress => IpAddress.Read(_bytes[20..24]);

    /// <summary><c>giaddr</c>: the relay that forwarded the message; 0.0.0.0 on the client's own link.</summary>
    public IpAddress RelayAddress => IpAddress.Read(_bytes[24..28]);

    /// <summary><c>chaddr</c>: the client's station.</summary>
    public MacAddress ClientMac => MacAddress.Read(_bytes[28..]);

    /// <summary>Kind of message.</summary>
    public DhcpMessageType MessageType =>
        TryGetSingle(DhcpOption.MessageType, out ReadOnlySpan<byte> value) && value is [>= 1 and <= 8]
            ? (DhcpMessageType)value[0]
            : DhcpMessageType.None;

    /// <summary>Every option, piece by piece, in the order of RFC 3396 section 5: options, <c>file</c>, <c>sname</c>.</summary>
    public DhcpOptions Options => new(
        _bytes[(CookieAt + 4)..],
        (_overload & 1) != 0 ? _bytes[BootFileAt..CookieAt] : default,
        (_overload & 2) != 0 ? _bytes[ServerNameAt..BootFileAt] : default);

    /// <summary>The value of an option, its pieces joined.</summary>
    /// <param name="option">The code.</param>
    /// <param name="buffer">Where pieces are joined if there are several: the limit of what a long option may be.</param>
    /// <param name="value">The value: a part of the message or of the buffer.</param>
    /// <returns>False when the option is absent or longer than the buffer.</returns>
    public bool TryGetOption(DhcpOption option, Span<byte> buffer, out ReadOnlySpan<byte> value)
    {
        value = default;
        int pieces = 0, length = 0;
        foreach (DhcpOptionPiece piece in Options)
        {
            if (piece.Option != option) continue;
            if (++pieces == 1) { value = piece.Value; continue; }
            if (pieces == 2)
            {
                if (!value.TryCopyTo(buffer)) return false;
                length = value.Length;
            }
            if (!piece.Value.TryCopyTo(buffer[length..])) return false;
            length += piece.Value.Length;
            value = buffer[..length];
        }
        return pieces > 0;
    }

    /// <summary>The value of an option that stands in one piece; false when it is absent or in several.</summary>
    public bool TryGetSingle(DhcpOption option, out ReadOnlySpan<byte> value) => TryGetOption(option, [], out value);

    /// <summary>The address in an option of four bytes.</summary>
    public bool TryGetAddress(DhcpOption option, out IpAddress address)
    {
        address = default;
        if (!TryGetSingle(option, out ReadOnlySpan<byte> value) || value.Length != 4) return false;
        address = IpAddress.Read(value);
        return true;
    }

    /// <summary>The number in an option of one, two or four bytes.</summary>
    public bool TryGetNumber(DhcpOption option, out uint number)
    {
        number = 0;
        if (!TryGetSingle(option, out ReadOnlySpan<byte> value) || value.Length is not (1 or 2 or 4)) return false;
        foreach (byte part in value) number = number << 8 | part;
        return true;
    }

    /// <summary>Checks the fixed part, for Ethernet, and walks the options.</summary>
    /// <returns>
    /// <see cref="DropReason.None"/>, <see cref="DropReason.Truncated"/>, <see cref="DropReason.BadField"/> (operation, hardware type or
    /// magic cookie) or <see cref="DropReason.BadOption"/> (an option reaches past its field).
    /// </returns>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out DhcpView view)
    {
        view = default;
        if (bytes.Length < CookieAt + 4) return DropReason.Truncated;
        bool isEthernet = bytes[1] == 1 && bytes[2] == MacAddress.Size;
        bool hasCookie = BinaryPrimitives.ReadUInt32BigEndian(bytes[CookieAt..]) == Cookie;
        if (bytes[0] is not (1 or 2) || !isEthernet || !hasCookie) return DropReason.BadField;
        if (!DhcpOptions.AreWellFormed(bytes[(CookieAt + 4)..], out byte overload)) return DropReason.BadOption;
        if (overload > 3) return DropReason.BadOption;
        // An overload option inside an overloaded field has no meaning and is not followed (RFC 2131 section 4.1).
        if ((overload & 1) != 0 && !DhcpOptions.AreWellFormed(bytes[BootFileAt..CookieAt], out _)) return DropReason.BadOption;
        if ((overload & 2) != 0 && !DhcpOptions.AreWellFormed(bytes[ServerNameAt..BootFileAt], out _)) return DropReason.BadOption;
        view = new DhcpView(bytes, overload);
        return DropReason.None;
    }
}

/// <summary>One option, or one piece of a long one.</summary>
public readonly ref struct DhcpOptionPiece
{
    internal DhcpOptionPiece(DhcpOption option, ReadOnlySpan<byte> value)
    {
        Option = option;
        Value = value;
    }

    /// <summary>The code.</summary>
    public DhcpOption Option { get; }

    /// <summary>0–255 bytes.</summary>
    public ReadOnlySpan<byte> Value { get; }
}

/// <summary>Enumerates the options of a checked message.</summary>
public ref struct DhcpOptions
{
    private ReadOnlySpan<byte> _rest;
    private ReadOnlySpan<byte> _second;
    private ReadOnlySpan<byte> _third;
    private DhcpOptionPiece _current;

    internal DhcpOptions(ReadOnlySpan<byte> options, ReadOnlySpan<byte> bootFile, ReadOnlySpan<byte> serverName)
    {
        _rest = options;
        _second = bootFile;
        _third = serverName;
    }

    /// <summary>The present piece.</summary>
    public readonly DhcpOptionPiece Current => _current;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly DhcpOptions GetEnumerator() => this;

    /// <summary>Moves to the next piece, through the overloaded fields too.</summary>
    public bool MoveNext()
    {
        while (true)
        {
            _rest = _rest.TrimStart((byte)DhcpOption.Pad);
            if (!_rest.IsEmpty && _rest[0] != (byte)DhcpOption.End) break;
            if (_second.IsEmpty && _third.IsEmpty) return false;
            _rest = _second;
            _second = _third;
            _third = default;
        }
        int length = _rest[1];
        _current = new DhcpOptionPiece((DhcpOption)_rest[0], _rest.Slice(2, length));
        _rest = _rest[(2 + length)..];
        return true;
    }

    // A missing end option is forgiven; an option that reaches past its field is not.
    internal static bool AreWellFormed(ReadOnlySpan<byte> options, out byte overload)
    {
        overload = 0;
        while (true)
        {
            options = options.TrimStart((byte)DhcpOption.Pad);
            if (options.IsEmpty || options[0] == (byte)DhcpOption.End) return true;
            if (options.Length < 2 || options.Length < 2 + options[1]) return false;
            if (options[0] == (byte)DhcpOption.Overload)
            {
                if (options[1] != 1) return false;
                overload = options[2];
            }
            options = options[(2 + options[1])..];
        }
    }
}
