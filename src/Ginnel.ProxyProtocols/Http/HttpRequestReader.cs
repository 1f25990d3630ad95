using System.Globalization;
using System.Net;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>A request to a proxy.</summary>
internal readonly ref struct HttpProxyRequest
{
    /// <summary>As sent.</summary>
    internal ReadOnlySpan<byte> Method { get; init; }

    internal bool IsConnect { get; init; }

    internal bool IsHttp10 { get; init; }

    /// <summary>Where to dial.</summary>
    internal EndPoint Target { get; init; }

    /// <summary>The URI's host and port as they stand: what Host says from here on. For CONNECT the target as it stands.</summary>
    internal ReadOnlySpan<byte> Authority { get; init; }

    /// <summary>Path and query as they stand; empty for the root or, with OPTIONS, for the server as a whole.</summary>
    internal ReadOnlySpan<byte> PathAndQuery { get; init; }

    internal HttpFields Fields { get; init; }

    internal HttpFraming Body { get; init; }
}

/// <summary>Reads heads of requests to a proxy (RFC 9112 sections 2 to 6). Takes any bytes, never throws.</summary>
internal static class HttpRequestReader
{
    private const int HttpPort = 80;

    /// <summary>Reads a head.</summary>
    /// <param name="head">Everything up to and including the empty line.</param>
    /// <param name="request">The request, when the status is 0.</param>
    /// <param name="why">What is wrong, for the client.</param>
    /// <returns>0, or the status with which to refuse it.</returns>
    internal static int Read(ReadOnlySpan<byte> head, out HttpProxyRequest request, out string why)
    {
        request = default;
        why = "The request line is malformed.";
        if (!HttpSyntax.TryTakeLine(ref head, out ReadOnlySpan<byte> line)) return 400;
        int first = line.IndexOf((byte)' '), last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last <= first + 1) return 400;
        ReadOnlySpan<byte> method = line[..first], target = line[(first + 1)..last], version = line[(last + 1)..];
        if (!HttpSyntax.IsToken(method) || target.ContainsAnyExceptInRange((byte)0x21, (byte)0x7E)) return 400;
        bool isHttp10 = version.SequenceEqual("HTTP/1.0"u8);
        if (!isHttp10 && !version.SequenceEqual("HTTP/1.1"u8))
        {
            why = "HTTP/1.1 and HTTP/1.0 are spoken here.";
            return version.StartsWith("HTTP/"u8) ? 505 : 400;
        }
        why = "A header field is malformed, or there are too many.";
        if (!HttpFields.TryRead(head, out HttpFields fields)) return 400;
        // RFC 9112 section 3.2: exactly one Host, which HTTP/1.0 may leave out.
        why = "Exactly one Host field is needed.";
        int hosts = fields.Count("Host"u8, out ReadOnlySpan<byte> _);
        if (hosts > 1 || (hosts == 0 && !isHttp10)) return 400;
        why = "Content-Length and Transfer-Encoding contradict each other, or are malformed.";
        int status = HttpFraming.Read(fields, isHttp10, HttpBodyKind.None, out HttpFraming body);
        if (status != 0) return status;
        HttpProxyRequest common = new() { Method = method, IsHttp10 = isHttp10, Fields = fields, Body = body };
        return method.SequenceEqual("CONNECT"u8) ? ReadConnect(common, target, out request, out why) : ReadAbsolute(common, target, out request, out why);
    }

    // RFC 9112 section 3.2.3 and RFC 9110 section 9.3.6: host and port, both.
    private static int ReadConnect(scoped in HttpProxyRequest common, ReadOnlySpan<byte> target, out HttpProxyRequest request, out string why)
    {
        request = default;
        why = "CONNECT needs host:port, an IPv6 address in brackets.";
        if (!TryReadAuthority(target, 0, out EndPoint where)) return 400;
        // RFC 9110 section 9.3.6: content of a CONNECT has no meaning. What it would be is the tunnel's first bytes to one, a body to the other.
        why = "CONNECT has no body.";
        if (common.Body.Kind != HttpBodyKind.None || common.Fields.Count("Content-Length"u8, out _) > 0) return 400;
        request = new HttpProxyRequest
        {
            Method = common.Method, IsConnect = true, IsHttp10 = common.IsHttp10, Fields = common.Fields, Body = common.Body, Target = where, Authority = target,
        };
        return 0;
    }

    // RFC 9112 section 3.2.2.
    private static int ReadAbsolute(scoped in HttpProxyRequest common, ReadOnlySpan<byte> target, out HttpProxyRequest request, out string why)
    {
        request = default;
        // What a page in a browser sends to this port as if it were a server is not acted on.
        why = "This is a proxy: it takes CONNECT and absolute http:// targets, and serves nothing itself.";
        if (target[0] is (byte)'/' or (byte)'*') return 400;
        why = "Only http:// is forwarded; other schemes go by CONNECT.";
        if (target.Length < 7 || !HttpSyntax.Same(target[..7], "http://"u8)) return 400;
        ReadOnlySpan<byte> rest = target[7..];
        int end = rest.IndexOfAny((byte)'/', (byte)'?', (byte)'#');
        ReadOnlySpan<byte> authority = end < 0 ? rest : rest[..end], path = end < 0 ? default : rest[end..];
        // RFC 9110 section 4.2.4: user information in an http URI is for deceiving people; section 7.1: a fragment is never sent.
        why = "The target's host is malformed, or has user information or a fragment.";
        if (path.Contains((byte)'#') || authority.Contains((byte)'@') || !TryReadAuthority(authority, HttpPort, out EndPoint where)) return 400;
        request = new HttpProxyRequest
        {
            Method = common.Method, IsHttp10 = common.IsHttp10, Fields = common.Fields, Body = common.Body, Target = where, Authority = authority, PathAndQuery = path,
        };
        return 0;
    }

    private static bool TryReadAuthority(ReadOnlySpan<byte> authority, int defaultPort, out EndPoint target)
    {
        target = null!;
        int bracket = authority.LastIndexOf((byte)']'), colon = authority.LastIndexOf((byte)':');
        int port = defaultPort;
        ReadOnlySpan<byte> host = authority;
        if (colon > bracket)
        {
            ReadOnlySpan<byte> digits = authority[(colon + 1)..];
            // RFC 3986 section 3.2.3: an empty port is the scheme's.
            if (digits.Length > 5) return false;
            if (digits.IsEmpty ? defaultPort == 0 : !int.TryParse(Encoding.ASCII.GetString(digits), NumberStyles.None, CultureInfo.InvariantCulture, out port)) return false;
            host = authority[..colon];
        }
        // Without brackets a colon is the port's, so that an address of IPv6 must have them (RFC 3986 section 3.2.2).
        return (host.IndexOf((byte)':') < 0 || bracket == host.Length - 1) && ProxyTargets.TryRead(host, port, out target);
    }
}
