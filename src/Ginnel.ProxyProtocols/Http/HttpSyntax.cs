using System.Buffers;

namespace Ginnel.ProxyProtocols;

/// <summary>The characters of HTTP (RFC 9110 section 5.6, RFC 9112 section 2.2). Never throws.</summary>
internal static class HttpSyntax
{
    private static readonly SearchValues<byte> TokenBytes =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>RFC 9110 section 5.6.2.</summary>
    internal static bool IsToken(ReadOnlySpan<byte> bytes) => !bytes.IsEmpty && !bytes.ContainsAnyExcept(TokenBytes);

    /// <summary>Visible characters, blanks and bytes above ASCII (RFC 9110 section 5.5): no control characters, above all no CR, LF or NUL.</summary>
    internal static bool IsFieldValue(ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes)
            if ((b < 0x20 && b != '\t') || b == 0x7F) return false;
        return true;
    }

    /// <summary>Without blanks at the ends.</summary>
    internal static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> bytes) => bytes.Trim(" \t"u8);

    /// <summary>
    /// Where the head ends, its empty line included; -1 when it does not end here. An end by line feeds alone is found too, so that who
    /// reads the head can refuse it at once.
    /// </summary>
    internal static int EndOfHead(ReadOnlySpan<byte> bytes)
    {
        int proper = bytes.IndexOf("\n\r\n"u8), bare = bytes.IndexOf("\n\n"u8);
        if (proper >= 0 && (bare < 0 || proper < bare)) return proper + 3;
        return bare < 0 ? -1 : bare + 2;
    }

    /// <summary>
    /// Takes a line off. It ends with CR LF and nothing else: a lone CR or LF is read differently by different servers, which is what
    /// smuggling lives on (RFC 9112 section 2.2 lets a recipient refuse them).
    /// </summary>
    internal static bool TryTakeLine(scoped ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> line)
    {
        int end = bytes.IndexOfAny((byte)'\r', (byte)'\n');
        line = default;
        if (end < 0 || bytes[end] != '\r' || end + 1 >= bytes.Length || bytes[end + 1] != '\n') return false;
        line = bytes[..end];
        bytes = bytes[(end + 2)..];
        return true;
    }

    /// <summary>Compares names and tokens as HTTP does, without case.</summary>
    internal static bool Same(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) => System.Text.Ascii.EqualsIgnoreCase(left, right);

    /// <summary>Takes the next member of a list off (RFC 9110 section 5.6.1); empty members are skipped. False at its end.</summary>
    internal static bool TryTakeMember(scoped ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> member)
    {
        while (!list.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            member = Trim(comma < 0 ? list : list[..comma]);
            list = comma < 0 ? default : list[(comma + 1)..];
            if (!member.IsEmpty) return true;
        }
        member = default;
        return false;
    }

    /// <summary>Digits only; false beyond 18 of them.</summary>
    internal static bool TryReadNumber(ReadOnlySpan<byte> digits, out long number)
    {
        number = 0;
        if (digits.IsEmpty || digits.Length > 18) return false;
        foreach (byte b in digits)
        {
            if (b is < (byte)'0' or > (byte)'9') return false;
            number = number * 10 + (b - '0');
        }
        return true;
    }
}
