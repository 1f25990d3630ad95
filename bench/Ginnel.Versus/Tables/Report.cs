using System.Globalization;
using System.Text;
using Ginnel.Versus.Ends;

namespace Ginnel.Versus.Tables;

/// <summary>What the file of samples holds, as a document.</summary>
internal static class Report
{
    internal static (string Text, bool IsMet) Of(List<Sample> samples)
    {
        ILookup<string, Sample> byWhat = samples.ToLookup(sample => sample.What);
        StringBuilder report = new();
        report.AppendLine("# Beside the kernel's TCP on the same bad path").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"`bench/Ginnel.Versus` (`cells`, `shares`, then `report`), {DateTime.UtcNow:yyyy-MM-dd}, {File.ReadAllText("/proc/sys/kernel/ostype").Trim()} {File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}, {Environment.ProcessorCount} cores. Real time, both ends, no");
        report.AppendLine("offload: the path stands between TUN devices in network namespaces, and our stack stands where a device would. MTU 1500, 50 Mbit/s behind a queue of");
        report.AppendLine("128 KiB that drops at its tail; loss strikes both directions; late packets are held back by up to a quarter of the round trip while others pass.");
        report.AppendLine(CultureInfo.InvariantCulture, $"Congestion control {KernelHost.CongestionControl} at all ends, buffers up to {OwnHost.Buffer >> 20} MiB at all ends; the kernel's namespaces have {string.Join(", ", KernelHost.Settings.Select(setting => $"`{setting.Name}={setting.Value}`"))}");
        report.AppendLine("and its defaults otherwise; ours has its defaults, and no ECN either. Mbit/s of goodput from the handshake on, medians; the ratio is the median of the rounds' ratios, between");
        report.AppendLine(CultureInfo.InvariantCulture, $"the quartiles. The kernel's connection and ours run at the same time, each on its own path with the same seed. Rounds: {Rounds(byWhat)}.").AppendLine();
        report.AppendLine("## Ours sends, the kernel receives").AppendLine();
        bool isMet = GoodputTables.Append(report, byWhat, Field.Sending);
        report.AppendLine("## The kernel sends, ours receives").AppendLine();
        isMet &= GoodputTables.Append(report, byWhat, Field.Receiving);
        report.AppendLine(CultureInfo.InvariantCulture, $"## Sharing a bottleneck").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"The same path, {ShareCase.RoundTripMilliseconds} ms, without loss but that of its queue; all flows begin together, and are measured after a third of the time.").AppendLine();
        isMet &= ShareTable.Append(report, byWhat);
        report.AppendLine(CultureInfo.InvariantCulture, $"Targets: {GoodputTables.LeastRatio} in each cell, Jain's index {ShareTable.LeastIndex} among ours: {(isMet ? "met" : "**not all met**")}.");
        report.AppendLine().Append(Explanation.Text);
        return (report.ToString(), isMet);
    }

    private static string Rounds(ILookup<string, Sample> byWhat)
    {
        int[] counts = [.. Cell.All.Select(cell => byWhat[cell.ToString()].Select(sample => sample.Round).Distinct().Count())];
        return string.Create(CultureInfo.InvariantCulture, $"{counts.Min()} to {counts.Max()} for a cell");
    }
}
