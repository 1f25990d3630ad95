using System.Globalization;
using System.Text;

namespace Ginnel.Versus.Tables;

/// <summary>How flows share a bottleneck.</summary>
internal static class ShareTable
{
    internal const double LeastIndex = 0.95;

    /// <summary>Jain's index: 1 where all have the same, 1/n where one has all.</summary>
    internal static double Index(IReadOnlyCollection<Sample> flows) =>
        Math.Pow(flows.Sum(flow => flow.Value), 2) / (flows.Count * flows.Sum(flow => flow.Value * flow.Value));

    internal static string Summary(List<Sample> flows) => string.Create(CultureInfo.InvariantCulture,
        $"{flows[0].What} round {flows[0].Round}: Jain {Index(flows):0.000}, ours have {Ours(flows):P0}: {string.Join(' ', flows.Select(flow => (flow.Value / 1e6).ToString("0.0", CultureInfo.InvariantCulture)))} Mbit/s");

    /// <summary>False where flows of ours do not share as they should.</summary>
    internal static bool Append(StringBuilder report, ILookup<string, Sample> byCase)
    {
        bool isMet = true;
        report.AppendLine("| flows | Jain's index | Mbit/s together | share of ours | |").AppendLine("|---|---|---|---|---|");
        foreach (ShareCase one in ShareCase.All)
        {
            List<List<Sample>> rounds = [.. byCase[one.Name].GroupBy(sample => sample.Round).Select(round => round.ToList())];
            if (rounds.Count == 0) continue;
            int ours = one.Owns.Count(own => own);
            double index = GoodputTables.Median(rounds.Select(Index)), sum = GoodputTables.Median(rounds.Select(round => round.Sum(flow => flow.Value)));
            bool isPure = ours == one.Owns.Length, isLow = isPure && index < LeastIndex;
            isMet &= !isLow;
            string what = isPure ? $"{ours} of ours" : ours == 0 ? $"{one.Owns.Length} of the kernel's" : $"{ours} of ours beside {one.Owns.Length - ours} of the kernel's";
            string share = ours == 0 || isPure ? "" : string.Create(CultureInfo.InvariantCulture, $"{GoodputTables.Median(rounds.Select(Ours)):P0} ({rounds.Min(Ours):P0} to {rounds.Max(Ours):P0})");
            report.AppendLine(CultureInfo.InvariantCulture, $"| {what} | {index:0.000} | {sum / 1e6:0.0} | {share} | {(isPure ? isLow ? "**missed**" : "met" : "")} |");
        }
        report.AppendLine();
        return isMet;
    }

    private static double Ours(List<Sample> flows) =>
        flows.Where(flow => flow.Who.StartsWith("ours", StringComparison.Ordinal)).Sum(flow => flow.Value) / flows.Sum(flow => flow.Value);
}
