namespace Ginnel.ProxyProtocols;

/// <summary>The header section of a message (RFC 9112 section 5): its lines, checked, where they stand.</summary>
internal readonly ref struct HttpFields
{
    /// <summary>Most fields that a head may have.</summary>
    internal const int MaxFields = 256;

    private readonly ReadOnlySpan<byte> _lines;

    private HttpFields(ReadOnlySpan<byte> lines) => _lines = lines;

    /// <summary>Checks every line of a head after its first, up to and including the empty one.</summary>
    /// <returns>False when a line is none, or there are too many.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> bytes, out HttpFields fields)
    {
        fields = new HttpFields(bytes);
        ReadOnlySpan<byte> rest = bytes;
        for (int count = 0; HttpSyntax.TryTakeLine(ref rest, out ReadOnlySpan<byte> line); count++)
        {
            if (line.IsEmpty) return rest.IsEmpty;
            int colon = line.IndexOf((byte)':');
            // Section 5.1: no blank before the colon. Section 5.2: a folded line begins with a blank, which no name does.
            if (count == MaxFields || colon < 0 || !HttpSyntax.IsToken(line[..colon]) || !HttpSyntax.IsFieldValue(line[(colon + 1)..])) return false;
        }
        return false;
    }

    public Enumerator GetEnumerator() => new(_lines);

    /// <summary>How many fields bear the name, and the value of the first.</summary>
    internal int Count(ReadOnlySpan<byte> name, out ReadOnlySpan<byte> first)
    {
        first = default;
        int count = 0;
        foreach (HttpField field in this)
        {
            if (!HttpSyntax.Same(field.Name, name)) continue;
            if (count++ == 0) first = field.Value;
        }
        return count;
    }

    /// <summary>Whether a list, over all fields of the name, has a member.</summary>
    internal bool Lists(ReadOnlySpan<byte> name, ReadOnlySpan<byte> wanted)
    {
        foreach (HttpField field in this)
        {
            if (!HttpSyntax.Same(field.Name, name)) continue;
            ReadOnlySpan<byte> list = field.Value;
            while (HttpSyntax.TryTakeMember(ref list, out ReadOnlySpan<byte> member))
                if (HttpSyntax.Same(member, wanted)) return true;
        }
        return false;
    }

    internal ref struct Enumerator(ReadOnlySpan<byte> rest)
    {
        private ReadOnlySpan<byte> _rest = rest;

        public HttpField Current { get; private set; }

        public bool MoveNext()
        {
            if (!HttpSyntax.TryTakeLine(ref _rest, out ReadOnlySpan<byte> line) || line.IsEmpty) return false;
            int colon = line.IndexOf((byte)':');
            Current = new HttpField(line[..colon], HttpSyntax.Trim(line[(colon + 1)..]));
            return true;
        }
    }
}

/// <summary>One field.</summary>
internal readonly ref struct HttpField(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
{
    internal ReadOnlySpan<byte> Name { get; } = name;

    /// <summary>Without blanks at its ends.</summary>
    internal ReadOnlySpan<byte> Value { get; } = value;
}
