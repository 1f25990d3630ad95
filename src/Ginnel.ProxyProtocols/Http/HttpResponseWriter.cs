using System.Buffers;
using System.Globalization;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>An answer as it is sent on.</summary>
/// <param name="Head">Rewritten.</param>
/// <param name="Status">Status code.</param>
/// <param name="From">How the server frames its body.</param>
/// <param name="To">How the client is told its end.</param>
/// <param name="IsServerKept">Whether the server's connection can be used again.</param>
/// <param name="IsClientKept">Whether the client's can.</param>
internal sealed record HttpAnswerForward(byte[] Head, int Status, HttpFraming From, HttpBodyKind To, bool IsServerKept, bool IsClientKept);

/// <summary>Writes heads of answers as they are sent on (RFC 9110 section 7.6, RFC 9112 section 6).</summary>
internal static class HttpResponseWriter
{
    /// <summary>Reads and rewrites an answer; null for one that cannot be forwarded.</summary>
    internal static HttpAnswerForward? Rewrite(ReadOnlySpan<byte> head, HttpForward request, ReadOnlySpan<byte> viaName)
    {
        if (!HttpResponseReader.TryRead(head, request.IsHead, out HttpProxyResponse response)) return null;
        bool isServerKept = !response.IsHttp10 && response.Body.Kind != HttpBodyKind.UntilClose && !response.Fields.Lists("Connection"u8, "close"u8);
        // HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
        HttpBodyKind to = response.Body.Kind == HttpBodyKind.Chunked && request.IsHttp10 ? HttpBodyKind.UntilClose : response.Body.Kind;
        bool isClientKept = request.Persists && to != HttpBodyKind.UntilClose;
        ArrayBufferWriter<byte> rewritten = new(512);
        rewritten.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {response.Status} ")));
        rewritten.Write(response.Reason);
        rewritten.Write("\r\n"u8);
        foreach (HttpField field in response.Fields)
            if (!HttpHopFields.EndsHere(response.Fields, field.Name)) HttpRequestWriter.WriteField(rewritten, field.Name, field.Value);
        if (response.Status >= 200 && response.Status != 204)
        {
            // What HEAD and 304 say of a length is about a body that does not come (RFC 9110 section 8.6).
            if (response.Body.Kind == HttpBodyKind.None && response.Fields.Count("Content-Length"u8, out ReadOnlySpan<byte> length) > 0)
                HttpRequestWriter.WriteField(rewritten, "Content-Length"u8, length);
            else HttpRequestWriter.WriteFraming(rewritten, new HttpFraming(to, response.Body.Length), isEmptyStated: false);
        }
        HttpRequestWriter.WriteVia(rewritten, response.IsHttp10, viaName);
        if (response.Status >= 200 && !isClientKept) rewritten.Write("Connection: close\r\n"u8);
        rewritten.Write("\r\n"u8);
        return new HttpAnswerForward(rewritten.WrittenSpan.ToArray(), response.Status, response.Body, to, isServerKept, isClientKept);
    }
}
