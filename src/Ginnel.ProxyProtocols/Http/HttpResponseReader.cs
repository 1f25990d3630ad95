namespace Ginnel.ProxyProtocols;

/// <summary>A server's answer.</summary>
internal readonly ref struct HttpProxyResponse
{
    internal int Status { get; init; }

    internal bool IsHttp10 { get; init; }

    /// <summary>As sent; may be empty.</summary>
    internal ReadOnlySpan<byte> Reason { get; init; }

    internal HttpFields Fields { get; init; }

    internal HttpFraming Body { get; init; }
}

/// <summary>Reads heads of answers (RFC 9112 sections 4 and 6). Takes any bytes, never throws.</summary>
internal static class HttpResponseReader
{
    /// <summary>Reads a head.</summary>
    /// <param name="head">Everything up to and including the empty line.</param>
    /// <param name="isToHead">Whether it answers HEAD, and so has no body whatever it says.</param>
    /// <param name="response">The answer.</param>
    /// <returns>False for what cannot be forwarded: malformed, of doubtful length, or a change of protocol that nobody asked for.</returns>
    internal static bool TryRead(ReadOnlySpan<byte> head, bool isToHead, out HttpProxyResponse response)
    {
        response = default;
        if (!HttpSyntax.TryTakeLine(ref head, out ReadOnlySpan<byte> line) || line.Length < 12) return false;
        bool isHttp10 = line.StartsWith("HTTP/1.0 "u8);
        if (!isHttp10 && !line.StartsWith("HTTP/1.1 "u8)) return false;
        if (!HttpSyntax.TryReadNumber(line.Slice(9, 3), out long status) || status < 100) return false;
        // Section 4: the blank before an empty reason is often left out.
        ReadOnlySpan<byte> reason = line[12..];
        if (!reason.IsEmpty && reason[0] != ' ') return false;
        if (!HttpSyntax.IsFieldValue(reason) || !HttpFields.TryRead(head, out HttpFields fields)) return false;
        // 101: Upgrade was not passed on. 407: a server beyond asks for the credentials of this proxy.
        if (status is 101 or 407) return false;
        if (HttpFraming.Read(fields, isHttp10, HttpBodyKind.UntilClose, out HttpFraming body) != 0) return false;
        // Section 6.3, first and second rule.
        bool isBodiless = isToHead || status is < 200 or 204 or 304;
        response = new HttpProxyResponse
        {
            Status = (int)status, IsHttp10 = isHttp10, Reason = reason.IsEmpty ? reason : reason[1..], Fields = fields,
            Body = isBodiless ? new HttpFraming(HttpBodyKind.None) : body,
        };
        return true;
    }
}
