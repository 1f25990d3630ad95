using System.Globalization;
using System.Text;

namespace Ginnel.Memory;

/// <summary>The table of all rows, in markdown.</summary>
internal static class StackTable
{
    internal static void Write(StringBuilder text, IEnumerable<Row> rows)
    {
        text.AppendLine("| what | median (least–greatest) | of a whole core | target | | allocated | collections |").AppendLine("|---|---|---|---|---|---|---|");
        foreach (Row row in rows.Where(row => row.Samples.Count > 0))
        {
            double[] rates = row.Rates;
            string target = row.Target == 0 ? "–" : Number(row.Target);
            string verdict = row.Target == 0 ? "" : row.Median >= row.Target ? "met" : "**missed**";
            text.Append(CultureInfo.InvariantCulture, $"| {row.Title}, {row.Unit} | {Number(row.Median)} ({Number(rates[0])}–{Number(rates[^1])}) ");
            text.Append(CultureInfo.InvariantCulture, $"| {Number(row.MedianPerCpuSecond)} | {target} | {verdict} ");
            text.AppendLine(CultureInfo.InvariantCulture, $"| {Number(row.Allocated)} B per {row.Packet} | {row.Collections} |");
        }
    }

    private static string Number(double value) => value.ToString(value >= 100 ? "N0" : value >= 10 ? "F1" : "0.##", CultureInfo.InvariantCulture);
}
