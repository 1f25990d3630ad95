using System.Globalization;
using System.Text;

namespace Ginnel.Macro;

/// <summary>What we want to be able to say, beside what was measured.</summary>
internal sealed class Targets
{
    private readonly List<(string What, double Figure, double Bound, bool AtLeast)> _rows = [];

    /// <summary>A peer's figure must be at least so many times another's, round by round.</summary>
    internal void AtLeast(string what, Table table, string peer, double factor, string other) =>
        _rows.Add(($"{what}: {peer} ÷ {other}", table.RatioOf(peer, other), factor, true));

    /// <summary>A peer's figure must be at most so many times another's, round by round.</summary>
    internal void AtMost(string what, Table table, string peer, double factor, string other) =>
        _rows.Add(($"{what}: {peer} ÷ {other}", table.RatioOf(peer, other), factor, false));

    /// <summary>A peer's figure must be at most so much.</summary>
    internal void AtMost(string what, Table table, string peer, double bound) => _rows.Add(($"{what}: {peer}", table.MedianOf(peer), bound, false));

    internal void Write(StringBuilder output)
    {
        output.AppendLine().AppendLine("## Targets").AppendLine();
        output.AppendLine("| target | figure | bound | |").AppendLine("|---|---|---|---|");
        foreach ((string what, double figure, double bound, bool atLeast) in _rows)
        {
            string verdict = !double.IsFinite(figure) ? "not measured" : (atLeast ? figure >= bound : figure <= bound) ? "met" : "**missed**";
            output.AppendLine(CultureInfo.InvariantCulture, $"| {what} | {Table.Number(figure)} | {(atLeast ? "≥" : "≤")} {Table.Number(bound)} | {verdict} |");
        }
    }
}
