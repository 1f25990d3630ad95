using System.Globalization;
using System.Text;

namespace Ginnel.Tunnels;

/// <summary>Runs by row and way, and the table of their medians.</summary>
internal sealed class Rows
{
    internal const string InProcess = "in one process";
    private static readonly string[] Columns = ["ginnel proxy", "wireguard-go, TUN", InProcess, "veth", "loopback"];

    // Of wireproxy: measured on another day, by the same loads.
    private static readonly Dictionary<string, double> Wireproxy = new()
    {
        ["bulk up, 1 stream"] = 0.44, ["bulk down, 1 stream"] = 0.41, ["bulk up, 8 streams"] = 0.43, ["bulk down, 8 streams"] = 0.45,
        ["one byte there and back, p50"] = 309, ["one byte there and back, p99"] = 556,
        ["short connections, 4 threads"] = 2_020, ["short connections, p99"] = 16_000,
        ["memory per idle connection of 10000, near end"] = 78,
    };

    private readonly List<(string Name, string Unit, Dictionary<string, List<double>> Values)> _rows = [];

    internal void Add(string row, string unit, string way, double value)
    {
        int index = _rows.FindIndex(entry => entry.Name == row);
        if (index < 0)
        {
            index = _rows.Count;
            _rows.Add((row, unit, []));
        }
        if (!_rows[index].Values.TryGetValue(way, out List<double>? values)) _rows[index].Values[way] = values = [];
        values.Add(value);
    }

    internal void Clear() => _rows.Clear();

    internal double Median(string row, string way)
    {
        double[] sorted = [.. _rows.First(entry => entry.Name == row).Values[way].Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    internal string Write()
    {
        StringBuilder text = new();
        text.AppendLine(CultureInfo.InvariantCulture, $"| what | {string.Join(" | ", Columns)} | wireproxy |").Append('|').Insert(text.Length, "---|", Columns.Length + 2).AppendLine();
        foreach ((string name, string unit, var values) in _rows.OrderBy(row => row.Name.StartsWith("CPU", StringComparison.Ordinal)))
        {
            IEnumerable<string> cells = Columns.Select(way => !values.TryGetValue(way, out List<double>? all) ? "–"
                : name.EndsWith("failed", StringComparison.Ordinal) ? $"{all.Count}" : all.Count == 1 ? Number(all[0]) : $"{Number(Median(name, way))} ({Number(all.Min())}–{Number(all.Max())})");
            text.AppendLine(CultureInfo.InvariantCulture, $"| {name}{(unit.Length > 0 ? ", " : "")}{unit} | {string.Join(" | ", cells)} | {(Wireproxy.TryGetValue(name, out double quoted) ? Number(quoted) : "–")} |");
        }
        return text.ToString();
    }

    internal static string Number(double value) => value.ToString(value >= 100 ? "N0" : value >= 10 ? "F1" : "F2", CultureInfo.InvariantCulture);
}
