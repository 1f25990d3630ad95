using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>The header of a DNS message (RFC 1035 section 4.1.1) without its counts, which the writer knows.</summary>
public struct DnsHeader
{
    /// <summary>Bytes on the wire, counts included.</summary>
    public const int Size = 12;

    /// <summary>Pairs a response with its query.</summary>
    public ushort Id;

    /// <summary>Whether this is a response.</summary>
    public bool IsResponse;

    /// <summary>The kind of query.</summary>
    public DnsOpcode Opcode;

    /// <summary>AA: the server has authority over the name.</summary>
    public bool IsAuthoritative;

    /// <summary>TC: the message was cut; ask again over TCP.</summary>
    public bool IsTruncated;

    /// <summary>RD: the asker wants recursion.</summary>
    public bool RecursionDesired;

    /// <summary>RA: the server does recursion.</summary>
    public bool RecursionAvailable;

    /// <summary>AD: the server has verified the data (RFC 4035).</summary>
    public bool IsAuthenticData;

    /// <summary>CD: the asker wants unverified data too (RFC 4035).</summary>
    public bool CheckingDisabled;

    /// <summary>The lower four bits of the response code; EDNS has the upper ones.</summary>
    public DnsResponseCode ResponseCode;

    internal static DnsHeader Read(ReadOnlySpan<byte> message)
    {
        int flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        return new DnsHeader
        {
            Id = BinaryPrimitives.ReadUInt16BigEndian(message),
            IsResponse = (flags & 0x8000) != 0,
            Opcode = (DnsOpcode)(flags >> 11 & 0xF),
            IsAuthoritative = (flags & 0x0400) != 0,
            IsTruncated = (flags & 0x0200) != 0,
            RecursionDesired = (flags & 0x0100) != 0,
            RecursionAvailable = (flags & 0x0080) != 0,
            IsAuthenticData = (flags & 0x0020) != 0,
            CheckingDisabled = (flags & 0x0010) != 0,
            ResponseCode = (DnsResponseCode)(flags & 0xF),
        };
    }

    internal readonly void Write(Span<byte> message)
    {
        int flags = (IsResponse ? 0x8000 : 0) | ((int)Opcode & 0xF) << 11 | (IsAuthoritative ? 0x0400 : 0) | (IsTruncated ? 0x0200 : 0)
            | (RecursionDesired ? 0x0100 : 0) | (RecursionAvailable ? 0x0080 : 0) | (IsAuthenticData ? 0x0020 : 0)
            | (CheckingDisabled ? 0x0010 : 0) | (int)ResponseCode & 0xF;
        BinaryPrimitives.WriteUInt16BigEndian(message, Id);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], (ushort)flags);
    }
}
