using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Ginnel.Wire;

/// <summary>
/// Writes a DNS message into a buffer, names compressed. What does not fit is not written and answered with false; the message stays
/// well-formed and can be finished, with TC set, at any time. Questions come first, then records section by section.
/// </summary>
public ref struct DnsWriter
{
    private const int RememberedNames = 64;
    private const int PointerReach = 0x4000;

    private readonly Span<byte> _buffer;
    private int _at;
    private int _remembered;
    private RememberedOffsets _offsets;

    /// <summary>Begins a message.</summary>
    /// <param name="buffer">At least 12 bytes; its length is the limit of the message, at most 65,535.</param>
    /// <param name="header">Id, flags and code.</param>
    public DnsWriter(Span<byte> buffer, in DnsHeader header)
    {
        _buffer = buffer.Length > ushort.MaxValue ? buffer[..ushort.MaxValue] : buffer;
        _buffer[..DnsHeader.Size].Clear();
        header.Write(_buffer);
        _at = DnsHeader.Size;
    }

    /// <summary>Bytes written so far: the message is <c>buffer[..Length]</c>.</summary>
    public readonly int Length => _at;

    /// <summary>Sets TC: the message was cut.</summary>
    public readonly void SetTruncated() => _buffer[2] |= 0x02;

    /// <summary>Adds a question.</summary>
    public bool TryAddQuestion(DnsName name, DnsType type, DnsClass @class = DnsClass.In)
    {
        Mark before = new(_at, _remembered);
        if (!TryWriteName(name) || !TryWriteUInt16((ushort)type) || !TryWriteUInt16((ushort)@class)) return Undo(before);
        CountUp(4);
        return true;
    }

    /// <summary>Adds an A or AAAA record.</summary>
    public bool TryAddAddress(DnsSection section, DnsName owner, uint ttlSeconds, IpAddress address)
    {
        Span<byte> data = stackalloc byte[16];
        address.Write(data);
        return TryAddRecord(section, owner, address.IsV4 ? DnsType.A : DnsType.Aaaa, DnsClass.In, ttlSeconds, data[..address.Size]);
    }

    /// <summary>Adds a CNAME, NS or PTR record.</summary>
    public bool TryAddTarget(DnsSection section, DnsName owner, DnsType type, uint ttlSeconds, DnsName target)
    {
        Mark before = new(_at, _remembered);
        return TryBegin(owner, type, DnsClass.In, ttlSeconds, out int dataAt) && TryWriteName(target) && End(section, dataAt)
            || Undo(before);
    }

    /// <summary>Adds an MX record.</summary>
    public bool TryAddMailExchange(DnsSection section, DnsName owner, uint ttlSeconds, ushort preference, DnsName exchange)
    {
        Mark before = new(_at, _remembered);
        return TryBegin(owner, DnsType.Mx, DnsClass.In, ttlSeconds, out int dataAt) && TryWriteUInt16(preference) && TryWriteName(exchange)
            && End(section, dataAt) || Undo(before);
    }

    /// <summary>Adds an SOA record.</summary>
    public bool TryAddAuthority(DnsSection section, DnsName owner, uint ttlSeconds, in DnsAuthority authority)
    {
        Mark before = new(_at, _remembered);
        return TryBegin(owner, DnsType.Soa, DnsClass.In, ttlSeconds, out int dataAt) && TryWriteName(authority.Server)
            && TryWriteName(authority.Mailbox) && TryWriteUInt32(authority.Serial) && TryWriteUInt32(authority.RefreshSeconds)
            && TryWriteUInt32(authority.RetrySeconds) && TryWriteUInt32(authority.ExpireSeconds)
            && TryWriteUInt32(authority.MinimumSeconds) && End(section, dataAt) || Undo(before);
    }

    /// <summary>Adds an SRV record; its target is not compressed (RFC 2782).</summary>
    public bool TryAddService(DnsSection section, DnsName owner, uint ttlSeconds, in DnsService service)
    {
        Mark before = new(_at, _remembered);
        return TryBegin(owner, DnsType.Srv, DnsClass.In, ttlSeconds, out int dataAt) && TryWriteUInt16(service.Priority)
            && TryWriteUInt16(service.Weight) && TryWriteUInt16(service.Port) && TryWriteBytes(service.Target.Wire)
            && End(section, dataAt) || Undo(before);
    }

    /// <summary>Adds a TXT record; text of more than 255 octets becomes several strings.</summary>
    public bool TryAddText(DnsSection section, DnsName owner, uint ttlSeconds, scoped ReadOnlySpan<byte> text)
    {
        Mark before = new(_at, _remembered);
        if (!TryBegin(owner, DnsType.Txt, DnsClass.In, ttlSeconds, out int dataAt)) return Undo(before);
        do
        {
            int length = Math.Min(text.Length, 255);
            if (!TryWriteBytes([(byte)length]) || !TryWriteBytes(text[..length])) return Undo(before);
            text = text[length..];
        }
        while (!text.IsEmpty);
        return End(section, dataAt);
    }

    /// <summary>
    /// Adds a record with data as they are to stand; names in them must be uncompressed, as <see cref="DnsRecord.TryCopyData"/> gives
    /// them. SVCB and HTTPS records and all unknown types go this way.
    /// </summary>
    public bool TryAddRecord(DnsSection section, DnsName owner, DnsType type, DnsClass @class, uint ttlSeconds,
        scoped ReadOnlySpan<byte> data)
    {
        Mark before = new(_at, _remembered);
        return TryBegin(owner, type, @class, ttlSeconds, out int dataAt) && TryWriteBytes(data) && End(section, dataAt) || Undo(before);
    }

    /// <summary>Adds the EDNS record (RFC 6891).</summary>
    /// <param name="payloadSize">The longest UDP message that we take.</param>
    /// <param name="code">The response code, whose upper bits go here; its lower four stand in the header.</param>
    /// <param name="dnssecOk">The DO bit.</param>
    /// <param name="options">Options as they are to stand.</param>
    public bool TryAddEdns(ushort payloadSize, DnsResponseCode code = DnsResponseCode.NoError, bool dnssecOk = false,
        scoped ReadOnlySpan<byte> options = default)
    {
        uint fields = (uint)((int)code >> 4) << 24 | (dnssecOk ? 0x8000u : 0);
        return TryAddRecord(DnsSection.Additional, DnsName.Root, DnsType.Opt, (DnsClass)payloadSize, fields, options);
    }

    private bool TryBegin(DnsName owner, DnsType type, DnsClass @class, uint ttlSeconds, out int dataAt)
    {
        bool fits = TryWriteName(owner) && TryWriteUInt16((ushort)type) && TryWriteUInt16((ushort)@class) && TryWriteUInt32(ttlSeconds)
            && TryWriteUInt16(0);
        dataAt = _at;
        return fits;
    }

    private readonly bool End(DnsSection section, int dataAt)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[(dataAt - 2)..], (ushort)(_at - dataAt));
        CountUp(6 + 2 * (int)section);
        return true;
    }

    private bool Undo(Mark before)
    {
        (_at, _remembered) = (before.At, before.Remembered);
        return false;
    }

    private readonly void CountUp(int field) =>
        BinaryPrimitives.WriteUInt16BigEndian(_buffer[field..], (ushort)(BinaryPrimitives.ReadUInt16BigEndian(_buffer[field..]) + 1));

    // Every suffix already in the message that is remembered becomes a pointer; case must match too, so that the asker sees his own.
    private bool TryWriteName(DnsName name)
    {
        ReadOnlySpan<byte> rest = name.Wire;
        while (rest[0] != 0)
        {
            int found = FindSuffix(rest);
            if (found > 0) return TryWriteUInt16((ushort)(0xC000 | found));
            if (_at < PointerReach && _remembered < RememberedNames) _offsets[_remembered++] = (ushort)_at;
            int length = rest[0] + 1;
            if (!TryWriteBytes(rest[..length])) return false;
            rest = rest[length..];
        }
        return TryWriteBytes([0]);
    }

    private readonly int FindSuffix(ReadOnlySpan<byte> suffix)
    {
        for (int i = 0; i < _remembered; i++)
            if (IsNameAt(_offsets[i], suffix)) return _offsets[i];
        return 0;
    }

    private readonly bool IsNameAt(int at, ReadOnlySpan<byte> name)
    {
        // Suffixes of the name being written now are remembered before it is complete: they end where writing stands.
        while (at < _at)
        {
            byte length = _buffer[at];
            if (length >= 0xC0) { at = (length & 0x3F) << 8 | _buffer[at + 1]; continue; }
            if (length != name[0] || at + length >= _at) return false;
            if (length == 0) return true;
            if (!_buffer.Slice(at + 1, length).SequenceEqual(name.Slice(1, length))) return false;
            at += length + 1;
            name = name[(length + 1)..];
        }
        return false;
    }

    private bool TryWriteBytes(scoped ReadOnlySpan<byte> bytes)
    {
        if (!bytes.TryCopyTo(_buffer[_at..])) return false;
        _at += bytes.Length;
        return true;
    }

    private bool TryWriteUInt16(ushort value)
    {
        if (!BinaryPrimitives.TryWriteUInt16BigEndian(_buffer[_at..], value)) return false;
        _at += 2;
        return true;
    }

    private bool TryWriteUInt32(uint value)
    {
        if (!BinaryPrimitives.TryWriteUInt32BigEndian(_buffer[_at..], value)) return false;
        _at += 4;
        return true;
    }

    private readonly record struct Mark(int At, int Remembered);

    [InlineArray(RememberedNames)]
    private struct RememberedOffsets
    {
        private ushort _first;
    }
}
