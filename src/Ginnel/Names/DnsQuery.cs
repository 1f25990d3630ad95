using Ginnel.Wire;

namespace Ginnel;

/// <summary>How a question reached us, hence how long the answer may be.</summary>
internal enum DnsTransport : byte
{
    Udp,
    Tcp,
}

/// <summary>A question that was checked: one query, one question.</summary>
internal sealed class DnsQuery
{
    /// <summary>The longest answer over UDP without EDNS (RFC 1035 section 4.2.1).</summary>
    public const int PlainUdpAnswer = 512;

    private DnsQuery(byte[] message, DnsTransport transport, in DnsView view, in DnsQuestion question)
    {
        Message = message;
        Transport = transport;
        Header = view.Header;
        Name = question.Name.ToName();
        Type = question.Type;
        Class = question.Class;
        HasEdns = view.TryGetEdns(out DnsEdns edns);
        MaxAnswer = transport == DnsTransport.Tcp ? ushort.MaxValue : HasEdns ? Math.Max(PlainUdpAnswer, (int)edns.PayloadSize) : PlainUdpAnswer;
        DnssecOk = HasEdns && edns.DnssecOk;
    }

    public byte[] Message { get; }
    public DnsTransport Transport { get; }
    public DnsHeader Header { get; }
    public DnsName Name { get; }
    public DnsType Type { get; }
    public DnsClass Class { get; }
    public bool HasEdns { get; }
    public bool DnssecOk { get; }

    /// <summary>Bytes that the asker can take.</summary>
    public int MaxAnswer { get; }

    /// <summary>Reads a question; what cannot be one is answered by an error, or not at all.</summary>
    /// <param name="message">The bytes.</param>
    /// <param name="transport">Where they came from.</param>
    /// <param name="query">The question, or null.</param>
    /// <returns>The error to answer with where there is no question; <see cref="DnsResponseCode.NoError"/> for silence.</returns>
    public static DnsResponseCode Read(ReadOnlySpan<byte> message, DnsTransport transport, out DnsQuery? query)
    {
        query = null;
        // Answering a response could start an endless exchange between two servers.
        if (message.Length < DnsHeader.Size || (message[2] & 0x80) != 0) return DnsResponseCode.NoError;
        if ((message[2] >> 3 & 0xF) != (int)DnsOpcode.Query) return DnsResponseCode.NotImplemented;
        // RFC 9619: a query has exactly one question.
        if (DnsView.TryParse(message, out DnsView view) != DropReason.None || view.QuestionCount != 1 || !view.TryGetQuestion(out DnsQuestion question)) return DnsResponseCode.FormatError;
        query = new DnsQuery(message.ToArray(), transport, view, question);
        return DnsResponseCode.NoError;
    }

    /// <summary>Whether a message answers this question as it was sent with the given id (RFC 5452 section 9.1).</summary>
    public bool IsAnsweredBy(ReadOnlySpan<byte> message, ushort id, out DnsHeader header)
    {
        header = default;
        if (DnsView.TryParse(message, out DnsView view) != DropReason.None) return false;
        header = view.Header;
        if (!header.IsResponse || header.Id != id || header.Opcode != DnsOpcode.Query) return false;
        // Servers that could not read the question may leave it out.
        if (view.QuestionCount == 0) return header.ResponseCode is DnsResponseCode.FormatError or DnsResponseCode.NotImplemented;
        return view.QuestionCount == 1 && view.TryGetQuestion(out DnsQuestion question) && question.Type == Type && question.Class == Class && question.Name.Is(Name);
    }
}
