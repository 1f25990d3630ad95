using System.Globalization;
using System.Text;

namespace Ginnel.Macro;

/// <summary>Runs by peer, and the markdown that shows their medians, and the medians of the ratios of each round beside a base peer's.</summary>
internal sealed class Table(string title, string unit, string note)
{
    internal const string Base = "slirp4netns 1500";
    private readonly List<(string Peer, List<double> Values)> _rows = [];

    /// <summary>Adds a peer's next round; not a number where it failed, so that the rounds of all peers stay side by side.</summary>
    internal void Add(string peer, double value)
    {
        int row = _rows.FindIndex(entry => entry.Peer == peer);
        if (row < 0)
        {
            _rows.Add((peer, []));
            row = _rows.Count - 1;
        }
        _rows[row].Values.Add(value);
    }

    /// <summary>The median of a peer's rounds; not a number where there is none.</summary>
    internal double MedianOf(string peer) => Median(ValuesOf(peer));

    /// <summary>The median over the rounds of one peer's figure divided by another's of the same round.</summary>
    internal double RatioOf(string peer, string other) =>
        Median([.. ValuesOf(peer).Zip(ValuesOf(other), (mine, theirs) => theirs > 0 ? mine / theirs : double.NaN)]);

    internal void Write(StringBuilder output)
    {
        output.AppendLine().Append("### ").AppendLine(title).AppendLine().AppendLine(note).AppendLine();
        output.Append("| peer | median (").Append(unit).Append(") | min–max | ÷ ").Append(Base).AppendLine(" |").AppendLine("|---|---|---|---|");
        foreach ((string peer, List<double> all) in _rows)
        {
            double[] values = [.. all.Where(double.IsFinite)];
            string failures = values.Length == all.Count ? "" : values.Length == 0 ? "failed" : $" ({all.Count - values.Length} of {all.Count} failed)";
            output.AppendLine(CultureInfo.InvariantCulture, $"| {peer} | {Number(Median(values))}{failures} | {Range(values)} | {Number(RatioOf(peer, Base))} |");
        }
    }

    internal static string Number(double value) =>
        double.IsFinite(value) ? value.ToString(value >= 100 ? "N0" : value >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture) : "–";

    private List<double> ValuesOf(string peer) => _rows.Find(row => row.Peer == peer).Values ?? [];

    private static string Range(double[] values) => values.Length == 0 ? "–" : $"{Number(values.Min())}–{Number(values.Max())}";

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Where(double.IsFinite).Order()];
        if (sorted.Length == 0) return double.NaN;
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }
}
