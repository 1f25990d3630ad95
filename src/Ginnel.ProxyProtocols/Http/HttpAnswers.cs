using System.Globalization;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>What the proxy says of itself. Each answer closes, and its body says in words what happened.</summary>
internal static class HttpAnswers
{
    /// <summary>RFC 9110 section 9.3.6: a 2xx, no body, and the tunnel begins after the empty line.</summary>
    internal static readonly ReadOnlyMemory<byte> Established = "HTTP/1.1 200 Connection established\r\n\r\n"u8.ToArray();

    /// <summary>The one table between failures of a dial and status codes (RFC 9110 section 15.6).</summary>
    internal static int StatusOf(DialFailureKind kind) => kind switch
    {
        DialFailureKind.Denied => 403,
        DialFailureKind.TimedOut => 504,
        DialFailureKind.Limit => 503,
        _ => 502,
    };

    /// <summary>A dial that failed; names the failure in words and as RFC 9209 section 2.3 has it.</summary>
    internal static byte[] Of(DialFailure failure, string proxy)
    {
        string error = failure.Kind switch
        {
            DialFailureKind.Refused => "connection_refused",
            DialFailureKind.Reset => "connection_terminated",
            DialFailureKind.NameNotFound => "dns_error",
            DialFailureKind.TimedOut => "connection_timeout",
            DialFailureKind.Denied => "http_request_denied",
            DialFailureKind.Limit => "connection_limit_reached",
            DialFailureKind.HostUnreachable or DialFailureKind.NetworkUnreachable => "destination_ip_unroutable",
            _ => "destination_unavailable",
        };
        return Of(StatusOf(failure.Kind), $"{DialFailures.ToText(failure)}", $"Proxy-Status: {proxy}; error={error}\r\n");
    }

    /// <summary>An answer of one line.</summary>
    /// <param name="status">Status code.</param>
    /// <param name="line">The body.</param>
    /// <param name="fields">Further fields, each ended by CR LF; trusted.</param>
    /// <param name="isHead">Whether the request was HEAD, whose answer has no body.</param>
    internal static byte[] Of(int status, string line, string fields = "", bool isHead = false)
    {
        byte[] body = Encoding.UTF8.GetBytes(line + "\n");
        string head = string.Create(CultureInfo.InvariantCulture,
            $"HTTP/1.1 {status} {Reason(status)}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {body.Length}\r\n"
            + $"Connection: close\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n{fields}\r\n");
        byte[] bytes = Encoding.ASCII.GetBytes(head);
        return isHead ? bytes : [.. bytes, .. body];
    }

    private static string Reason(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        405 => "Method Not Allowed",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        508 => "Loop Detected",
        _ => "Error",
    };
}
