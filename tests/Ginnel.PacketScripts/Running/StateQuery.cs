using System.Globalization;
using System.Text.RegularExpressions;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// The one question to a system that can be answered without it: how many connections are in a state, as FreeBSD's scripts ask
/// (<c>sockstat … | grep -c TIME_WAIT | grep 1</c>). There is one connection, the latest.
/// </summary>
internal sealed partial class StateQuery(string state, int count)
{
    internal static bool TryParse(string command, out StateQuery? query)
    {
        Match match = Pattern().Match(command);
        query = match.Success ? new StateQuery(match.Groups[1].Value, int.Parse(match.Groups[2].ValueSpan, CultureInfo.InvariantCulture)) : null;
        return match.Success;
    }

    internal void Check(int line, InfoFields fields)
    {
        double actual = fields.Find("tcpi_state") ?? 0;
        if (!Names.TryGetValue(state, out int number)) throw new ScriptException(line, $"the state '{state}' is not known");
        int found = actual == number ? 1 : 0;
        if (found != count) throw new ScriptException(line, $"{found} connections are in {state}, not {count} (tcpi_state = {actual})");
    }

    private static readonly Dictionary<string, int> Names = new()
    {
        ["ESTABLISHED"] = 1, ["SYN_SENT"] = 2, ["SYN_RCVD"] = 3, ["FIN_WAIT_1"] = 4, ["FIN_WAIT_2"] = 5, ["TIME_WAIT"] = 6, ["CLOSED"] = 7, ["CLOSE_WAIT"] = 8,
        ["LAST_ACK"] = 9, ["LISTEN"] = 10, ["CLOSING"] = 11,
    };

    [GeneratedRegex(@"^\s*sockstat\b[^|]*(?:\|\s*grep\s+packetdril\w*\s*)?\|\s*grep\s+-c\s+(\w+)\s*\|\s*grep\s+(\d+)\s*$")]
    private static partial Regex Pattern();
}
