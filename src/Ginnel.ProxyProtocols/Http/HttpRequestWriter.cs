using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>Writes heads of requests as they are sent on: origin form, Host from the URI, nothing that was for this hop (RFC 9112 section 3.2).</summary>
internal static class HttpRequestWriter
{
    /// <summary>The rewritten head; null when the request may go no further (Max-Forwards).</summary>
    internal static byte[]? Rewrite(in HttpProxyRequest request, ReadOnlySpan<byte> viaName)
    {
        bool isOptions = request.Method.SequenceEqual("OPTIONS"u8);
        ArrayBufferWriter<byte> head = new(512);
        head.Write(request.Method);
        head.Write(" "u8);
        // Section 3.2.4: OPTIONS of a URI without a path asks about the server as a whole.
        if (request.PathAndQuery.IsEmpty) head.Write(isOptions ? "*"u8 : "/"u8);
        else if (request.PathAndQuery[0] != '/') head.Write("/"u8);
        head.Write(request.PathAndQuery);
        head.Write(" HTTP/1.1\r\nHost: "u8);
        // Section 3.2.2: what the client's Host said is replaced, not compared.
        head.Write(request.Authority);
        head.Write("\r\n"u8);
        foreach (HttpField field in request.Fields)
        {
            if (HttpHopFields.EndsHere(request.Fields, field.Name)) continue;
            ReadOnlySpan<byte> value = field.Value;
            if (isOptions && HttpSyntax.Same(field.Name, "Max-Forwards"u8) && HttpSyntax.TryReadNumber(value, out long left))
            {
                // RFC 9110 section 7.6.2.
                if (left == 0) return null;
                value = Encoding.ASCII.GetBytes((left - 1).ToString(CultureInfo.InvariantCulture));
            }
            WriteField(head, field.Name, value);
        }
        WriteFraming(head, request.Body, request.Fields.Count("Content-Length"u8, out _) > 0);
        WriteVia(head, request.IsHttp10, viaName);
        head.Write("\r\n"u8);
        return head.WrittenSpan.ToArray();
    }

    internal static void WriteField(ArrayBufferWriter<byte> head, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        head.Write(name);
        head.Write(": "u8);
        head.Write(value);
        head.Write("\r\n"u8);
    }

    /// <param name="head">The head.</param>
    /// <param name="body">The framing that follows.</param>
    /// <param name="isEmptyStated">Whether a body of no bytes is to be named.</param>
    internal static void WriteFraming(ArrayBufferWriter<byte> head, HttpFraming body, bool isEmptyStated)
    {
        if (body.Kind == HttpBodyKind.Chunked) head.Write("Transfer-Encoding: chunked\r\n"u8);
        else if (body.Kind == HttpBodyKind.Length || (body.Kind == HttpBodyKind.None && isEmptyStated))
            WriteField(head, "Content-Length"u8, Encoding.ASCII.GetBytes(body.Length.ToString(CultureInfo.InvariantCulture)));
    }

    // RFC 9110 section 7.6.3.
    internal static void WriteVia(ArrayBufferWriter<byte> head, bool isHttp10, ReadOnlySpan<byte> viaName)
    {
        head.Write(isHttp10 ? "Via: 1.0 "u8 : "Via: 1.1 "u8);
        head.Write(viaName);
        head.Write("\r\n"u8);
    }
}
