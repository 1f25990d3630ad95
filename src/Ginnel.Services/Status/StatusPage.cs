using System.Net;
using Ginnel.Services.Http;

namespace Ginnel.Services.Status;

/// <summary>Answers requests for the status page: text, HTML or JSON of one snapshot. Read-only.</summary>
public sealed class StatusPage(Func<StatusSnapshot> take, string hostName = "ginnel.internal")
{
    private const string HtmlHeaders = "Vary: Accept\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\nReferrer-Policy: no-referrer\r\n";

    /// <summary>Answers one request.</summary>
    public HttpAnswer Answer(HttpRequestHead request)
    {
        // A page of elsewhere whose name was made to point here must not read what the program is doing (DNS rebinding).
        if (!IsOurs(request.Host)) return HttpAnswer.Plain(421, $"This is http://{hostName}/ and nothing else.");
        return request.Path switch
        {
            "/" when Prefers(request.Accept, "application/json") => Json(),
            "/" when Prefers(request.Accept, "text/html") => new HttpAnswer(200, "text/html; charset=utf-8", StatusHtml.Write(take()), HtmlHeaders),
            "/" => new HttpAnswer(200, "text/plain; charset=utf-8", StatusText.Write(take()), "Vary: Accept\r\n"),
            "/json" => Json(),
            _ => HttpAnswer.Plain(404, $"There is http://{hostName}/ and http://{hostName}/json."),
        };
    }

    private HttpAnswer Json() => new(200, "application/json", StatusJson.Write(take()), "Vary: Accept\r\n");

    private bool IsOurs(string host) =>
        host.Length == 0 || host.TrimEnd('.') == hostName || IPAddress.TryParse(host.Trim('[', ']'), out _);

    private static bool Prefers(string accept, string type)
    {
        foreach (string part in accept.Split(','))
        {
            if (part.AsSpan().Trim().StartsWith(type, StringComparison.OrdinalIgnoreCase)) return true;
        }
        return false;
    }
}
