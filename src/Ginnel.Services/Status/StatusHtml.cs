using System.Globalization;
using System.Net;
using System.Text;

namespace Ginnel.Services.Status;

/// <summary>The page for browsers: no script, nothing loaded from elsewhere, everything that came from the network encoded.</summary>
internal static class StatusHtml
{
    private const string Style = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fbfaf7}"
        + "h1{font-size:1.4rem;margin:0 0 .2rem}p{margin:.2rem 0 1.5rem;color:#5a6472}table{border-collapse:collapse;width:100%;margin:0 0 1.5rem}"
        + "th,td{text-align:left;padding:.3rem .8rem .3rem 0;border-bottom:1px solid #e4e0d6;vertical-align:top}th{font-weight:600;white-space:nowrap}"
        + "td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
        + "@media(prefers-color-scheme:dark){body{color:#dfe4ea;background:#15191f}p{color:#98a3b0}th,td{border-color:#2b323b}}";

    public static byte[] Write(StatusSnapshot snapshot)
    {
        StringBuilder text = new();
        text.Append("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"3\">");
        text.Append("<meta name=\"viewport\" content=\"width=device-width\"><title>Ginnel</title><style>").Append(Style).Append("</style></head><body>");
        text.Append($"<h1>Ginnel</h1><p>{Html(snapshot.Version)}, up {Readable.Duration(snapshot.Uptime)} · <a href=\"/json\">JSON</a></p><table>");
        foreach (StatusLine line in snapshot.Network)
        {
            text.Append($"<tr><th>{Html(line.Title)}</th><td>{string.Join("<br>", line.Values.Select(Html))}</td></tr>");
        }
        text.Append(CultureInfo.InvariantCulture, $"</table><h1>Flows</h1><p>{snapshot.Flows.Count} live, {snapshot.EndedFlows} ended, {Readable.Bytes(snapshot.BytesUp)} up, {Readable.Bytes(snapshot.BytesDown)} down</p>");
        if (snapshot.Flows.Count > 0)
        {
            text.Append("<table><tr><th>Flow</th><th>Protocol</th><th>To</th><th>Up</th><th>Down</th><th>Age</th></tr>");
            foreach (StatusFlow flow in snapshot.Flows)
            {
                text.Append(CultureInfo.InvariantCulture, $"<tr><td>{flow.Id}</td><td>{Html(flow.Protocol)}</td><td>{Html(Readable.Target(flow))}</td><td class=\"n\">{Readable.Bytes(flow.BytesUp)}</td>");
                text.Append($"<td class=\"n\">{Readable.Bytes(flow.BytesDown)}</td><td class=\"n\">{Readable.Duration(flow.Age)}</td></tr>");
            }
            text.Append("</table>");
        }
        text.Append("</body></html>\n");
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Html(string text) => WebUtility.HtmlEncode(Readable.Plain(text));
}
