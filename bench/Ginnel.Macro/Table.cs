using System.Globalization;
using System.Text;

namespace Ginnel.Macro;

/// <summary>Runs by peer, and the markdown that shows their medians beside a base peer's.</summary>
internal sealed class Table(string title, string unit, string note)
{
    private readonly List<(string Peer, List<double> Values)> _rows = [];

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

    internal void Write(StringBuilder output)
    {
        double reference = _rows.Where(row => row.Peer.StartsWith("slirp4netns", StringComparison.Ordinal))
            .Select(row => Median(row.Values)).FirstOrDefault();
        output.AppendLine().Append("### ").AppendLine(title).AppendLine().AppendLine(note).AppendLine();
        output.Append("| peer | median (").Append(unit).AppendLine(") | min–max | ÷ slirp4netns 1500 |").AppendLine("|---|---|---|---|");
        foreach ((string peer, List<double> values) in _rows)
        {
            string ratio = reference > 0 && values.Count > 0 ? Number(Median(values) / reference) : "–";
            output.AppendLine(CultureInfo.InvariantCulture,
                $"| {peer} | {(values.Count == 0 ? "failed" : Number(Median(values)))} | {Range(values)} | {ratio} |");
        }
    }

    private static string Range(List<double> values) => values.Count == 0 ? "–" : $"{Number(values.Min())}–{Number(values.Max())}";

    private static double Median(List<double> values)
    {
        if (values.Count == 0) return 0;
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static string Number(double value) => value.ToString(value >= 100 ? "N0" : value >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture);
}
