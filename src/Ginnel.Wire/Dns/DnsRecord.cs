using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// One record of a message. The typed accessors answer false when the record is of another type or its data are malformed.
/// </summary>
public readonly ref struct DnsRecord
{
    private readonly ReadOnlySpan<byte> _message;
    private readonly int _fixedAt;
    private readonly int _dataLength;

    internal DnsRecord(ReadOnlySpan<byte> message, DnsNameView name, DnsSection section, int fixedAt, int dataLength)
    {
        _message = message;
        Name = name;
        Section = section;
        _fixedAt = fixedAt;
        _dataLength = dataLength;
    }

    /// <summary>The section that the record stands in.</summary>
    public DnsSection Section { get; }

    /// <summary>The owner.</summary>
    public DnsNameView Name { get; }

    /// <summary>The type.</summary>
    public DnsType Type => (DnsType)BinaryPrimitives.ReadUInt16BigEndian(_message[_fixedAt..]);

    /// <summary>The class; of an EDNS record the payload size instead.</summary>
    public DnsClass Class => (DnsClass)BinaryPrimitives.ReadUInt16BigEndian(_message[(_fixedAt + 2)..]);

    /// <summary>Seconds for which the record may be kept; a value with the highest bit set counts as 0 (RFC 2181 section 8).</summary>
    public uint TtlSeconds => RawTtl > int.MaxValue ? 0 : RawTtl;

    /// <summary>The data as they stand; names in them may be compressed.</summary>
    public ReadOnlySpan<byte> Data => _message.Slice(DataAt, _dataLength);

    private uint RawTtl => BinaryPrimitives.ReadUInt32BigEndian(_message[(_fixedAt + 4)..]);
    private int DataAt => _fixedAt + 10;
    private int DataEnd => DataAt + _dataLength;

    /// <summary>The address of an A or AAAA record. An IPv4-mapped address in an AAAA record counts as malformed.</summary>
    public bool TryGetAddress(out IpAddress address)
    {
        address = default;
        int size = Type switch { DnsType.A => 4, DnsType.Aaaa => 16, _ => 0 };
        if (size == 0 || _dataLength != size) return false;
        address = IpAddress.Read(Data);
        return address.IsV4 == (size == 4);
    }

    /// <summary>The name that a CNAME, NS or PTR record points to.</summary>
    public bool TryGetTarget(out DnsNameView target)
    {
        target = default;
        return Type is DnsType.Cname or DnsType.Ns or DnsType.Ptr && TryReadLastName(0, compressed: true, out target);
    }

    /// <summary>The preference and host of an MX record.</summary>
    public bool TryGetMailExchange(out ushort preference, out DnsNameView exchange)
    {
        exchange = default;
        preference = 0;
        if (Type != DnsType.Mx || _dataLength < 3) return false;
        preference = BinaryPrimitives.ReadUInt16BigEndian(Data);
        return TryReadLastName(2, compressed: true, out exchange);
    }

    /// <summary>The fields of an SRV record.</summary>
    public bool TryGetService(out DnsService service)
    {
        service = default;
        // RFC 2782 forbids compression of the target; everyone reads it anyway (RFC 3597 section 4).
        if (Type != DnsType.Srv || _dataLength < 7) return false;
        if (!TryReadLastName(6, compressed: true, out DnsNameView target)) return false;
        service = new DnsService(BinaryPrimitives.ReadUInt16BigEndian(Data), BinaryPrimitives.ReadUInt16BigEndian(Data[2..]),
            BinaryPrimitives.ReadUInt16BigEndian(Data[4..]), target.ToName());
        return true;
    }

    /// <summary>The fields of an SOA record.</summary>
    public bool TryGetAuthority(out DnsAuthority authority)
    {
        authority = default;
        if (Type != DnsType.Soa) return false;
        if (!DnsNameView.TryRead(_message, DataAt, DataEnd, compressed: true, out int first, out DnsNameView server)) return false;
        int mailboxAt = DataAt + first;
        if (!DnsNameView.TryRead(_message, mailboxAt, DataEnd, compressed: true, out int second, out DnsNameView mailbox)) return false;
        if (first + second + 20 != _dataLength) return false;
        ReadOnlySpan<byte> numbers = Data[(first + second)..];
        authority = new DnsAuthority(server.ToName(), mailbox.ToName(), BinaryPrimitives.ReadUInt32BigEndian(numbers),
            BinaryPrimitives.ReadUInt32BigEndian(numbers[4..]), BinaryPrimitives.ReadUInt32BigEndian(numbers[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(numbers[12..]), BinaryPrimitives.ReadUInt32BigEndian(numbers[16..]));
        return true;
    }

    /// <summary>The strings of a TXT record, each 0–255 octets.</summary>
    public bool TryGetText(out DnsStrings strings)
    {
        strings = default;
        if (Type != DnsType.Txt || _dataLength == 0) return false;
        for (ReadOnlySpan<byte> rest = Data; !rest.IsEmpty; rest = rest[(rest[0] + 1)..])
            if (rest[0] >= rest.Length) return false;
        strings = new DnsStrings(Data);
        return true;
    }

    /// <summary>The fields of an SVCB or HTTPS record (RFC 9460 section 2.2).</summary>
    public bool TryGetServiceBinding(out DnsServiceBinding binding)
    {
        binding = default;
        if (Type is not (DnsType.Svcb or DnsType.Https) || _dataLength < 3) return false;
        if (!DnsNameView.TryRead(_message, DataAt + 2, DataEnd, compressed: false, out int size, out DnsNameView target)) return false;
        ReadOnlySpan<byte> parameters = Data[(2 + size)..];
        if (!DnsServiceParameters.AreWellFormed(parameters)) return false;
        binding = new DnsServiceBinding(BinaryPrimitives.ReadUInt16BigEndian(Data), target, parameters);
        return true;
    }

    /// <summary>The fields of an EDNS record (RFC 6891 section 6.1.2), whose owner must be the root.</summary>
    public bool TryGetEdns(out DnsEdns edns)
    {
        edns = default;
        if (Type != DnsType.Opt || Name.Size != 1) return false;
        for (ReadOnlySpan<byte> rest = Data; !rest.IsEmpty;)
        {
            if (rest.Length < 4 || rest.Length < 4 + BinaryPrimitives.ReadUInt16BigEndian(rest[2..])) return false;
            rest = rest[(4 + BinaryPrimitives.ReadUInt16BigEndian(rest[2..]))..];
        }
        edns = new DnsEdns((ushort)Class, (byte)(RawTtl >> 24), (byte)(RawTtl >> 16), (RawTtl & 0x8000) != 0, Data);
        return true;
    }

    /// <summary>
    /// Writes the data with every name in them uncompressed, so that they can be kept and put into another message.
    /// </summary>
    /// <param name="destination">Where to; 65,535 bytes always suffice.</param>
    /// <param name="written">Bytes written.</param>
    /// <returns>False when the data of a type that may hold compressed names (RFC 3597 section 4) are malformed or do not fit.</returns>
    public bool TryCopyData(Span<byte> destination, out int written)
    {
        (int before, int names, int after) = Type switch
        {
            DnsType.Cname or DnsType.Ns or DnsType.Ptr => (0, 1, 0),
            DnsType.Mx => (2, 1, 0),
            DnsType.Srv => (6, 1, 0),
            DnsType.Soa => (0, 2, 20),
            _ => (_dataLength, 0, 0),
        };
        written = 0;
        if (before > _dataLength || before > destination.Length) return false;
        Data[..before].CopyTo(destination);
        int at = DataAt + before;
        written = before;
        for (int i = 0; i < names; i++)
        {
            if (!DnsNameView.TryRead(_message, at, DataEnd, compressed: true, out int size, out DnsNameView name)) return false;
            if (destination.Length - written < name.Size) return false;
            written += name.CopyTo(destination[written..]);
            at += size;
        }
        if (DataEnd - at != after || destination.Length - written < after) return false;
        _message.Slice(at, after).CopyTo(destination[written..]);
        written += after;
        return true;
    }

    private bool TryReadLastName(int offset, bool compressed, out DnsNameView name) =>
        DnsNameView.TryRead(_message, DataAt + offset, DataEnd, compressed, out int size, out name) && offset + size == _dataLength;
}
