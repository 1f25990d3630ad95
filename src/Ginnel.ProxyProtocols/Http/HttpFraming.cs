namespace Ginnel.ProxyProtocols;

/// <summary>How the end of a body is known.</summary>
internal enum HttpBodyKind : byte
{
    None,
    Length,
    Chunked,
    UntilClose,
}

/// <summary>How long a body is (RFC 9112 section 6.3).</summary>
/// <param name="Kind">How its end is known.</param>
/// <param name="Length">With <see cref="HttpBodyKind.Length"/>: its bytes.</param>
internal readonly record struct HttpFraming(HttpBodyKind Kind, long Length = 0)
{
    /// <summary>Reads what the fields say of the body. Whatever two servers could read differently is refused.</summary>
    /// <param name="fields">The message's fields.</param>
    /// <param name="isHttp10">Whether it is of HTTP/1.0, which has no transfer codings.</param>
    /// <param name="absent">What it means when they say nothing.</param>
    /// <param name="framing">The framing when the status is 0.</param>
    /// <returns>0; 400 for a contradiction; 501 for a coding other than chunked.</returns>
    internal static int Read(in HttpFields fields, bool isHttp10, HttpBodyKind absent, out HttpFraming framing)
    {
        framing = new HttpFraming(absent);
        int codings = fields.Count("Transfer-Encoding"u8, out ReadOnlySpan<byte> coding);
        int lengths = fields.Count("Content-Length"u8, out ReadOnlySpan<byte> first);
        if (codings > 0)
        {
            // Section 6.1: with both it is an attempt to smuggle; in HTTP/1.0 it is faulty.
            if (lengths > 0 || codings > 1 || isHttp10) return 400;
            if (!HttpSyntax.Same(coding, "chunked"u8)) return 501;
            framing = new HttpFraming(HttpBodyKind.Chunked);
            return 0;
        }
        if (lengths == 0) return 0;
        if (!TryReadLength(fields, out long length)) return 400;
        framing = new HttpFraming(length == 0 ? HttpBodyKind.None : HttpBodyKind.Length, length);
        return 0;
    }

    // Section 6.3: repeated and equal is one; anything else is unrecoverable.
    private static bool TryReadLength(in HttpFields fields, out long length)
    {
        length = -1;
        foreach (HttpField field in fields)
        {
            if (!HttpSyntax.Same(field.Name, "Content-Length"u8)) continue;
            ReadOnlySpan<byte> list = field.Value;
            if (list.IsEmpty) return false;
            while (!list.IsEmpty)
            {
                int comma = list.IndexOf((byte)',');
                if (!HttpSyntax.TryReadNumber(HttpSyntax.Trim(comma < 0 ? list : list[..comma]), out long next) || (length >= 0 && next != length)) return false;
                length = next;
                if (comma == list.Length - 1) return false;
                list = comma < 0 ? default : list[(comma + 1)..];
            }
        }
        return length >= 0;
    }
}
