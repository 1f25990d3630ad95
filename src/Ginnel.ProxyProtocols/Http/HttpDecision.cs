using System.Net;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>What to do about a request: answer it, open a tunnel, or forward it.</summary>
/// <param name="Answer">The proxy's own answer; null for none.</param>
/// <param name="Tunnel">Where a tunnel leads; null for none.</param>
/// <param name="Forward">The request to forward; null for none.</param>
/// <param name="Incident">Why the proxy answers itself; null where nothing is amiss.</param>
internal readonly record struct HttpDecision(byte[]? Answer = null, EndPoint? Tunnel = null, HttpForward? Forward = null, ProxyIncident? Incident = null);

/// <summary>A request as it is sent on.</summary>
/// <param name="Target">Where to.</param>
/// <param name="Head">Rewritten, in origin form.</param>
/// <param name="Body">How the client frames its body, and how it is framed on.</param>
/// <param name="IsHead">Whether it is HEAD, whose answer has no body.</param>
/// <param name="IsHttp10">Whether the client speaks HTTP/1.0.</param>
/// <param name="Persists">Whether the client wants to go on after it.</param>
/// <param name="IsRepeatable">Whether it may be sent again when a kept connection turns out to be closed (RFC 9110 section 9.2.2).</param>
internal sealed record HttpForward(EndPoint Target, byte[] Head, HttpFraming Body, bool IsHead, bool IsHttp10, bool Persists, bool IsRepeatable);

/// <summary>Decides about heads of requests. Pure.</summary>
internal sealed class HttpJudge(HttpProxyOptions options, string viaName)
{
    private readonly byte[] _viaName = Encoding.ASCII.GetBytes(viaName);

    /// <summary>Decides.</summary>
    /// <param name="head">Up to and including the empty line.</param>
    /// <param name="reached">The proxy's own endpoint that the client reached; asking for it would go round in a circle.</param>
    internal HttpDecision Decide(ReadOnlySpan<byte> head, IPEndPoint? reached)
    {
        int status = HttpRequestReader.Read(head, out HttpProxyRequest request, out string why);
        if (status != 0) return Refuse(status, why, status is 501 or 505 ? ProxyIncident.Unsupported : ProxyIncident.Malformed);
        bool isHead = request.Method.SequenceEqual("HEAD"u8);
        if (options.Credentials is { } credentials && !HttpAuthorization.IsGranted(request.Fields, credentials))
            return new HttpDecision(HttpAnswers.Of(407, "This proxy needs a user and a password.", HttpAuthorization.Challenge, isHead), Incident: ProxyIncident.Unauthorized);
        // RFC 9110 section 7.6.3: a proxy must not forward in an endless loop.
        if (HasPassed(request.Fields) || request.Target.Equals(reached)) return Refuse(508, "The request leads back to this proxy.", ProxyIncident.Forbidden, isHead);
        if (request.IsConnect)
        {
            int port = request.Target is IPEndPoint ip ? ip.Port : ((DnsEndPoint)request.Target).Port;
            return options.AllowedConnectPorts?.Invoke(port) ?? true
                ? new HttpDecision(Tunnel: request.Target)
                : Refuse(403, $"CONNECT to port {port} is not allowed here.", ProxyIncident.Forbidden);
        }
        // TRACE would echo what the way has added to it, credentials of other proxies included.
        if (request.Method.SequenceEqual("TRACE"u8)) return Refuse(405, "TRACE is not forwarded.", ProxyIncident.Unsupported);
        return HttpRequestWriter.Rewrite(request, _viaName) is { } rewritten
            ? new HttpDecision(Forward: Describe(request, rewritten, isHead))
            : new HttpDecision(HttpAnswers.Of(200, "Max-Forwards is used up: this is a proxy.", isHead: isHead));
    }

    internal static HttpDecision Refuse(int status, string why, ProxyIncident incident, bool isHead = false) =>
        new(HttpAnswers.Of(status, why, isHead: isHead), Incident: incident);

    private static HttpForward Describe(in HttpProxyRequest request, byte[] rewritten, bool isHead)
    {
        // RFC 9112 section 9.3; HTTP/1.0's keep-alive is not offered, for its clients cannot be told how long a chunked answer is.
        bool persists = !request.IsHttp10 && !request.Fields.Lists("Connection"u8, "close"u8) && !request.Fields.Lists("Proxy-Connection"u8, "close"u8);
        bool isRepeatable = request.Body.Kind == HttpBodyKind.None && (isHead || request.Method.SequenceEqual("GET"u8) || request.Method.SequenceEqual("OPTIONS"u8));
        return new HttpForward(request.Target, rewritten, request.Body, isHead, request.IsHttp10, persists, isRepeatable);
    }

    // Via = received-protocol RWS received-by [ RWS comment ], in a list.
    private bool HasPassed(in HttpFields fields)
    {
        foreach (HttpField field in fields)
        {
            if (!HttpSyntax.Same(field.Name, "Via"u8)) continue;
            ReadOnlySpan<byte> list = field.Value;
            while (HttpSyntax.TryTakeMember(ref list, out ReadOnlySpan<byte> member))
            {
                int blank = member.IndexOfAny((byte)' ', (byte)'\t');
                if (blank < 0) continue;
                ReadOnlySpan<byte> by = HttpSyntax.Trim(member[blank..]);
                int end = by.IndexOfAny((byte)' ', (byte)'\t', (byte)'(');
                if (HttpSyntax.Same(end < 0 ? by : by[..end], _viaName)) return true;
            }
        }
        return false;
    }
}
