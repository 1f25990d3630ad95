using System.Buffers.Binary;

namespace Ginnel.Wire;

/// <summary>
/// A DNS message whose names, lengths and counts have all been checked: walking it cannot fail. What a record's data mean is
/// checked when it is asked for.
/// </summary>
public readonly ref struct DnsView
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _recordsAt;

    private DnsView(ReadOnlySpan<byte> bytes, int recordsAt)
    {
        _bytes = bytes;
        _recordsAt = recordsAt;
    }

    /// <summary>Id, flags and code.</summary>
    public DnsHeader Header => DnsHeader.Read(_bytes);

    /// <summary>Questions, most often one.</summary>
    public int QuestionCount => Count(4);

    /// <summary>Records in the answer section.</summary>
    public int AnswerCount => Count(6);

    /// <summary>Records in the authority section.</summary>
    public int AuthorityCount => Count(8);

    /// <summary>Records in the additional section.</summary>
    public int AdditionalCount => Count(10);

    /// <summary>The whole message.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes;

    /// <summary>The questions, one after the other.</summary>
    public DnsQuestions Questions => new(_bytes, QuestionCount);

    /// <summary>The records of all sections, one after the other.</summary>
    public DnsRecords Records => new(_bytes, _recordsAt, AnswerCount, AuthorityCount, AdditionalCount);

    /// <summary>The first question; false when there is none.</summary>
    public bool TryGetQuestion(out DnsQuestion question)
    {
        DnsQuestions questions = Questions;
        bool any = questions.MoveNext();
        question = questions.Current;
        return any;
    }

    /// <summary>The EDNS record; false when there is none, or more than one, which is an error (RFC 6891 section 6.1.1).</summary>
    public bool TryGetEdns(out DnsEdns edns)
    {
        edns = default;
        int found = 0;
        foreach (DnsRecord record in Records)
        {
            if (record.Section != DnsSection.Additional || record.Type != DnsType.Opt) continue;
            if (++found > 1 || !record.TryGetEdns(out edns)) return false;
        }
        return found == 1;
    }

    /// <summary>Walks the message once.</summary>
    /// <returns>
    /// <see cref="DropReason.None"/>; <see cref="DropReason.Truncated"/> when the counts announce more than there is;
    /// <see cref="DropReason.BadField"/> for a malformed name; <see cref="DropReason.BadLength"/> for bytes behind the last record or a
    /// message beyond 65,535 bytes.
    /// </returns>
    public static DropReason TryParse(ReadOnlySpan<byte> bytes, out DnsView view)
    {
        view = default;
        if (bytes.Length < DnsHeader.Size) return DropReason.Truncated;
        if (bytes.Length > ushort.MaxValue) return DropReason.BadLength;
        int at = DnsHeader.Size;
        for (int questions = BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]); questions > 0; questions--)
        {
            if (at >= bytes.Length) return DropReason.Truncated;
            if (!DnsNameView.TryRead(bytes, at, bytes.Length, compressed: true, out int size, out _)) return DropReason.BadField;
            at += size + 4;
            if (at > bytes.Length) return DropReason.Truncated;
        }
        int recordsAt = at;
        int records = BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]) + BinaryPrimitives.ReadUInt16BigEndian(bytes[8..])
            + BinaryPrimitives.ReadUInt16BigEndian(bytes[10..]);
        for (; records > 0; records--)
        {
            if (at >= bytes.Length) return DropReason.Truncated;
            if (!DnsNameView.TryRead(bytes, at, bytes.Length, compressed: true, out int size, out _)) return DropReason.BadField;
            at += size + 10;
            if (at > bytes.Length) return DropReason.Truncated;
            at += BinaryPrimitives.ReadUInt16BigEndian(bytes[(at - 2)..]);
            if (at > bytes.Length) return DropReason.Truncated;
        }
        if (at != bytes.Length) return DropReason.BadLength;
        view = new DnsView(bytes, recordsAt);
        return DropReason.None;
    }

    private int Count(int at) => BinaryPrimitives.ReadUInt16BigEndian(_bytes[at..]);
}

/// <summary>One question of a message.</summary>
public readonly ref struct DnsQuestion
{
    /// <summary>The name asked about.</summary>
    public required DnsNameView Name { get; init; }

    /// <summary>The type asked for.</summary>
    public required DnsType Type { get; init; }

    /// <summary>The class asked for.</summary>
    public required DnsClass Class { get; init; }
}

/// <summary>Enumerates the questions of a checked message.</summary>
public ref struct DnsQuestions
{
    private readonly ReadOnlySpan<byte> _message;
    private int _at;
    private int _left;
    private DnsQuestion _current;

    internal DnsQuestions(ReadOnlySpan<byte> message, int count)
    {
        _message = message;
        _at = DnsHeader.Size;
        _left = count;
    }

    /// <summary>The present question.</summary>
    public readonly DnsQuestion Current => _current;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly DnsQuestions GetEnumerator() => this;

    /// <summary>Moves to the next question.</summary>
    public bool MoveNext()
    {
        if (_left == 0) return false;
        _left--;
        if (!DnsNameView.TryRead(_message, _at, _message.Length, compressed: true, out int size, out DnsNameView name)) return false;
        _at += size + 4;
        _current = new DnsQuestion
        {
            Name = name,
            Type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(_message[(_at - 4)..]),
            Class = (DnsClass)BinaryPrimitives.ReadUInt16BigEndian(_message[(_at - 2)..]),
        };
        return true;
    }
}

/// <summary>Enumerates the records of a checked message.</summary>
public ref struct DnsRecords
{
    private readonly ReadOnlySpan<byte> _message;
    private readonly int _answers;
    private readonly int _authorities;
    private readonly int _total;
    private int _at;
    private int _index;
    private DnsRecord _current;

    internal DnsRecords(ReadOnlySpan<byte> message, int at, int answers, int authorities, int additional)
    {
        _message = message;
        _at = at;
        _answers = answers;
        _authorities = authorities;
        _total = answers + authorities + additional;
    }

    /// <summary>The present record.</summary>
    public readonly DnsRecord Current => _current;

    /// <summary>For <c>foreach</c>.</summary>
    public readonly DnsRecords GetEnumerator() => this;

    /// <summary>Moves to the next record.</summary>
    public bool MoveNext()
    {
        if (_index == _total) return false;
        if (!DnsNameView.TryRead(_message, _at, _message.Length, compressed: true, out int size, out DnsNameView name)) return false;
        int fixedAt = _at + size;
        DnsSection section = _index < _answers ? DnsSection.Answer
            : _index < _answers + _authorities ? DnsSection.Authority : DnsSection.Additional;
        int length = BinaryPrimitives.ReadUInt16BigEndian(_message[(fixedAt + 8)..]);
        _current = new DnsRecord(_message, name, section, fixedAt, length);
        _at = fixedAt + 10 + length;
        _index++;
        return true;
    }
}
