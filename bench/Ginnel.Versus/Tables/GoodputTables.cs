using System.Globalization;
using System.Text;

namespace Ginnel.Versus.Tables;

/// <summary>Goodput of ours and of the kernel's by cell.</summary>
internal static class GoodputTables
{
    internal const double LeastRatio = 0.9;

    internal static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length == 0 ? double.NaN : (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    internal static string Summary(Cell cell, List<Sample> samples) => string.Create(CultureInfo.InvariantCulture,
        $"{cell,-10} kernel {Of(samples, Field.Both) / 1e6:0.00} Mbit/s, ours sends {Ratio(samples, Field.Sending).Median:0.00} of it ({Spread(Ratio(samples, Field.Sending))}), ours receives {Ratio(samples, Field.Receiving).Median:0.00} ({Spread(Ratio(samples, Field.Receiving))})");

    /// <summary>A table for loss and one for late packets; false where a cell misses the target.</summary>
    internal static bool Append(StringBuilder report, ILookup<string, Sample> byCell, string who)
    {
        bool isMet = true;
        report.Append("| path |").AppendJoin("", Cell.RoundTrips.Select(roundTrip => $" {roundTrip} ms: kernel | ours | ratio |")).AppendLine();
        report.AppendLine("|---|" + string.Concat(Enumerable.Repeat("---|---|---|", Cell.RoundTrips.Length)));
        foreach (IGrouping<(double Loss, double Late), Cell> row in Cell.All.GroupBy(cell => (cell.LossPercent, cell.LatePercent)))
        {
            report.Append(CultureInfo.InvariantCulture, $"| {(row.Key.Loss > 0 ? $"{row.Key.Loss} % lost" : $"{row.Key.Late} % late")} |");
            foreach (Cell cell in row)
            {
                List<Sample> samples = [.. byCell[cell.ToString()]];
                (double ratio, double low, double high) = Ratio(samples, who);
                bool isLow = !(ratio >= LeastRatio);
                isMet &= !isLow;
                string mark = isLow ? "**" : "";
                report.Append(CultureInfo.InvariantCulture, $" {Of(samples, Field.Both) / 1e6:0.00} | {Of(samples, who) / 1e6:0.00} | {mark}{ratio:0.00}{mark} ({low:0.00}–{high:0.00}) |");
            }
            report.AppendLine();
        }
        report.AppendLine();
        return isMet;
    }

    private static double Of(List<Sample> samples, string who) => Median(samples.Where(sample => sample.Who == who).Select(sample => sample.Value));

    // The median of the rounds' ratios, between the quartiles.
    private static (double Median, double Low, double High) Ratio(List<Sample> samples, string who)
    {
        Dictionary<int, double> kernel = samples.Where(sample => sample.Who == Field.Both).ToDictionary(sample => sample.Round, sample => sample.Value);
        double[] ratios = [.. samples.Where(sample => sample.Who == who).Select(sample => sample.Value / kernel[sample.Round]).Order()];
        return ratios.Length == 0 ? (double.NaN, double.NaN, double.NaN) : (Median(ratios), ratios[ratios.Length / 4], ratios[ratios.Length - 1 - (ratios.Length / 4)]);
    }

    private static string Spread((double Median, double Low, double High) ratio) => string.Create(CultureInfo.InvariantCulture, $"{ratio.Low:0.00} to {ratio.High:0.00}");
}
