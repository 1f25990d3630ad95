using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>Answers that we compose ourselves.</summary>
internal static class DnsAnswers
{
    // RFC 6891 section 6.2.5: what surely passes every network unfragmented.
    private const ushort OurPayloadSize = 1232;
    private const uint TimeToLive = 30;

    /// <summary>An answer without records: an error, or "no such type" with <see cref="DnsResponseCode.NoError"/>.</summary>
    public static int Empty(DnsQuery query, DnsResponseCode code, Span<byte> answer, bool isTruncated = false)
    {
        DnsWriter writer = new(Room(query, answer), HeaderOf(query, code));
        writer.TryAddQuestion(query.Name, query.Type, query.Class);
        if (isTruncated) writer.SetTruncated();
        End(query, ref writer);
        return writer.Length;
    }

    /// <summary>The addresses of a name, those of the family that was asked for.</summary>
    public static int Addresses(DnsQuery query, IEnumerable<IpAddress> addresses, Span<byte> answer)
    {
        DnsWriter writer = new(Room(query, answer), HeaderOf(query, DnsResponseCode.NoError));
        writer.TryAddQuestion(query.Name, query.Type, query.Class);
        foreach (IpAddress address in addresses)
        {
            bool wanted = query.Type == DnsType.Any || query.Type == (address.IsV4 ? DnsType.A : DnsType.Aaaa);
            if (wanted) writer.TryAddAddress(DnsSection.Answer, query.Name, TimeToLive, address);
        }
        End(query, ref writer);
        return writer.Length;
    }

    /// <summary>The name of an address.</summary>
    public static int Pointer(DnsQuery query, DnsName target, Span<byte> answer)
    {
        DnsWriter writer = new(Room(query, answer), HeaderOf(query, DnsResponseCode.NoError));
        writer.TryAddQuestion(query.Name, query.Type, query.Class);
        if (query.Type is DnsType.Ptr or DnsType.Any) writer.TryAddTarget(DnsSection.Answer, query.Name, DnsType.Ptr, TimeToLive, target);
        End(query, ref writer);
        return writer.Length;
    }

    /// <summary>An error for a message that is no question that could be repeated.</summary>
    public static int Bare(ReadOnlySpan<byte> message, DnsResponseCode code, Span<byte> answer)
    {
        DnsHeader header = new()
        {
            Id = BinaryPrimitives.ReadUInt16BigEndian(message),
            IsResponse = true,
            Opcode = (DnsOpcode)(message[2] >> 3 & 0xF),
            RecursionAvailable = true,
            ResponseCode = code,
        };
        return new DnsWriter(answer, header).Length;
    }

    private static DnsHeader HeaderOf(DnsQuery query, DnsResponseCode code) => new()
    {
        Id = query.Header.Id,
        IsResponse = true,
        RecursionDesired = query.Header.RecursionDesired,
        RecursionAvailable = true,
        CheckingDisabled = query.Header.CheckingDisabled,
        ResponseCode = code,
    };

    private static Span<byte> Room(DnsQuery query, Span<byte> answer) => answer[..Math.Min(answer.Length, query.MaxAnswer)];

    // RFC 6891 section 6.1.1: who asks with EDNS is answered with EDNS.
    private static void End(DnsQuery query, ref DnsWriter writer)
    {
        if (query.HasEdns) writer.TryAddEdns(OurPayloadSize, DnsResponseCode.NoError, query.DnssecOk);
    }
}
