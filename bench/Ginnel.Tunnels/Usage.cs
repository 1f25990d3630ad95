using System.Diagnostics;
using System.Globalization;

namespace Ginnel.Tunnels;

/// <summary>What processes have used, from /proc.</summary>
internal static class Usage
{
    /// <summary>User and system time of all of them, in seconds: fields 14 and 15 of proc_pid_stat(5), in ticks of 10 ms.</summary>
    internal static double CpuSeconds(Process[] processes) => processes.Sum(process =>
    {
        string stat = File.ReadAllText($"/proc/{process.Id}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
    });

    /// <summary>A line of /proc/PID/status in KiB, of each process.</summary>
    internal static double[] Kibibytes(Process[] processes, string name) => [.. processes.Select(process =>
        double.Parse(File.ReadLines($"/proc/{process.Id}/status").First(line => line.StartsWith(name, StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture))];
}
