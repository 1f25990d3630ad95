using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>Where a service is (RFC 2782).</summary>
/// <param name="Priority">Lower is tried first.</param>
/// <param name="Weight">Share among those of one priority.</param>
/// <param name="Port">The port.</param>
/// <param name="Target">The host; the root when the service is not there.</param>
public readonly record struct DnsService(ushort Priority, ushort Weight, ushort Port, DnsName Target);

/// <summary>Start of a zone of authority (RFC 1035 section 3.3.13).</summary>
/// <param name="Server">The primary server.</param>
/// <param name="Mailbox">The mailbox of the one responsible.</param>
/// <param name="Serial">The zone's version.</param>
/// <param name="RefreshSeconds">When secondaries ask again.</param>
/// <param name="RetrySeconds">When they retry after a failure.</param>
/// <param name="ExpireSeconds">When they give up.</param>
/// <param name="MinimumSeconds">How long a negative answer may be kept, with the record's own TTL as bound (RFC 2308 section 5).</param>
public readonly record struct DnsAuthority(
    DnsName Server, DnsName Mailbox, uint Serial, uint RefreshSeconds, uint RetrySeconds, uint ExpireSeconds, uint MinimumSeconds);

/// <summary>What EDNS adds to a message (RFC 6891).</summary>
public readonly ref struct DnsEdns
{
    internal DnsEdns(ushort payloadSize, byte extendedCode, byte version, bool dnssecOk, ReadOnlySpan<byte> options)
    {
        PayloadSize = payloadSize;
        ExtendedResponseCode = extendedCode;
        Version = version;
        DnssecOk = dnssecOk;
        Options = options;
    }

    /// <summary>The longest UDP message that the sender takes; below 512 counts as 512 (RFC 6891 section 6.2.3).</summary>
    public ushort PayloadSize { get; }

    /// <summary>The upper eight bits of the response code.</summary>
    public byte ExtendedResponseCode { get; }

    /// <summary>The version; 0 is the only one there is.</summary>
    public byte Version { get; }

    /// <summary>DO: the asker wants DNSSEC records.</summary>
    public bool DnssecOk { get; }

    /// <summary>The options as they stand: code, length, data; lengths checked.</summary>
    public ReadOnlySpan<byte> Options { get; }
}

/// <summary>Enumerates the strings of a TXT record.</summary>
public ref struct DnsStrings
{
    private ReadOnlySpan<byte> _rest;
    private ReadOnlySpan<byte> _current;

    internal DnsStrings(ReadOnlySpan<byte> data) => _rest = data;

    /// <summary>The present string, 0–255 octets.</summary>
    public readonly ReadOnlySpan<byte> Current => _current;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly DnsStrings GetEnumerator() => this;

    /// <summary>Moves to the next string.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty) return false;
        _current = _rest.Slice(1, _rest[0]);
        _rest = _rest[(_rest[0] + 1)..];
        return true;
    }
}

/// <summary>How a service is bound to endpoints (RFC 9460).</summary>
public readonly ref struct DnsServiceBinding
{
    private readonly ReadOnlySpan<byte> _parameters;

    internal DnsServiceBinding(ushort priority, DnsNameView target, ReadOnlySpan<byte> parameters)
    {
        Priority = priority;
        Target = target;
        _parameters = parameters;
    }

    /// <summary>0 for an alias; otherwise lower is tried first.</summary>
    public ushort Priority { get; }

    /// <summary>The alias or endpoint; the root stands for the owner.</summary>
    public DnsNameView Target { get; }

    /// <summary>The parameters, in ascending order of their keys.</summary>
    public DnsServiceParameters Parameters => new(_parameters);
}

/// <summary>Enumerates the parameters of a service binding.</summary>
public ref struct DnsServiceParameters
{
    private ReadOnlySpan<byte> _rest;

    internal DnsServiceParameters(ReadOnlySpan<byte> bytes) => _rest = bytes;

    /// <summary>The present parameter's key.</summary>
    public DnsServiceKey Key { get; private set; }

    /// <summary>The present parameter's value.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>The present parameter, for <c>foreach</c>.</summary>
    public readonly DnsServiceParameters Current => this;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly DnsServiceParameters GetEnumerator() => this;

    /// <summary>Moves to the next parameter.</summary>
    public bool MoveNext()
    {
        if (_rest.IsEmpty) return false;
        int length = BinaryPrimitives.ReadUInt16BigEndian(_rest[2..]);
        Key = (DnsServiceKey)BinaryPrimitives.ReadUInt16BigEndian(_rest);
        Value = _rest.Slice(4, length);
        _rest = _rest[(4 + length)..];
        return true;
    }

    // Keys strictly ascend, so that none stands twice (RFC 9460 section 2.2).
    internal static bool AreWellFormed(ReadOnlySpan<byte> bytes)
    {
        int last = -1;
        while (!bytes.IsEmpty)
        {
            if (bytes.Length < 4) return false;
            int key = BinaryPrimitives.ReadUInt16BigEndian(bytes);
            int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            if (key <= last || bytes.Length < 4 + length) return false;
            last = key;
            bytes = bytes[(4 + length)..];
        }
        return true;
    }
}
