using System.Diagnostics;
using System.Globalization;
using System.Text;
using Ginnel.Netstack;

namespace Ginnel.Attacks;

/// <summary>One row for each attack, in its own virtual network beside the same network in peace.</summary>
internal static class AttackTable
{
    private sealed record Row(string Name, string Id, Func<Attacker> Attacker, bool AnyIp = false, int ComesAfter = 200);

    private sealed record Outcome(double CoreShare, double NanosecondsPerPacket, long Thrown, double Up, double Down, Siege Siege);

    private static readonly Row[] Rows =
    [
        new("SYN flood at a listener", "D1", () => new SynFlood()),
        new("SYN flood and guesses at cookies", "D1", () => new SynFlood { Acknowledgments = 2 }),
        new("SYN flood in any-IP mode, dials of 30 ms", "D1, D16", () => new SynFlood(), AnyIp: true),
        new("one octet beyond a hole, 10 connections", "C11", () => new SegmentSmack { Count = 10 }),
        new("one octet far beyond, 5,000 connections", "C11", () => new FarOctets { Count = 5_000 }),
        new("SACKs of single octets, 10 connections", "C10", () => new SackStorm { Count = 10 }),
        new("closed windows, 3,000 connections", "C12", () => new ZeroWindowHoarder { Count = 3_000, Window = 0, Rate = 3_000 }),
        new("first fragments", "D5", () => new FragmentBomb()),
        new("fragments of eight octets", "D5", () => new FragmentBomb { Length = 8 }),
    ];

    internal static string Measure(int seconds)
    {
        // Once for the compiler.
        foreach (Row row in Rows) Run(row, row.Attacker(), 2);
        StringBuilder report = new();
        report.AppendLine("# What attacks cost, and what they leave").AppendLine();
        report.AppendLine(CultureInfo.InvariantCulture, $"`dotnet run -c Release --project bench/Ginnel.Attacks -- attacks {seconds}`, {Environment.ProcessorCount} cores. The network is virtual: the victim's device holds");
        report.AppendLine("1,024 packets and the victim takes 200,000 a second from it, the attack brings 100,000 (closed windows: 3,000 and what probes it answers). An honest client");
        report.AppendLine("connects while it goes on, 10 ms away with buffers of 64 KiB, and sends and receives as much as it can; beside it the same in peace. Processor time is");
        report.AppendLine("this machine's, of the victim's stack with its application alone; the cost of a packet is what the attack adds, by its packets.").AppendLine();
        report.AppendLine("| attack | case | a packet | share of one core | memory at most, of 256 MiB | sockets | honest client | up, of peace | down, of peace |");
        report.AppendLine("|---|---|---|---|---|---|---|---|---|");
        foreach (Row row in Rows)
        {
            Outcome peace = Run(row, null, seconds), war = Run(row, row.Attacker(), seconds);
            double cost = (war.CoreShare - peace.CoreShare) * seconds * 1e9 / Math.Max(1, war.Thrown);
            report.AppendLine(CultureInfo.InvariantCulture, $"| {row.Name} | {row.Id} | {Math.Max(0, cost):N0} ns | {war.CoreShare:P0} (peace {peace.CoreShare:P0}) | {war.Siege.MostMemory / 1048576.0:N1} MiB | {war.Siege.MostSockets:N0} | {(war.Siege.IsHonestConnected ? "connects" : "does not connect")} | {Part(war.Up, peace.Up)} | {Part(war.Down, peace.Down)} |");
        }
        return report.ToString();
    }

    private static string Part(double war, double peace) => (war / peace).ToString("P0", CultureInfo.InvariantCulture);

    private static Outcome Run(Row row, Attacker? attacker, int seconds)
    {
        long ticks = 0, since = 0;
        using Siege siege = new(42, anyIp: row.AnyIp)
        {
            Attacker = attacker,
            Working = begins =>
            {
                if (begins) since = Stopwatch.GetTimestamp();
                else ticks += Stopwatch.GetTimestamp() - since;
            },
        };
        siege.Run(TimeSpan.FromMilliseconds(row.ComesAfter));
        siege.Connect();
        siege.Run(TimeSpan.FromMilliseconds(seconds * 1000 / 2 - row.ComesAfter));
        (long up, long down) = (siege.HonestUp, siege.HonestDown);
        siege.Run(TimeSpan.FromMilliseconds(seconds * 1000 / 2));
        double spent = Stopwatch.GetElapsedTime(0, ticks).TotalSeconds;
        return new Outcome(spent / seconds, spent * 1e9 / Math.Max(1, siege.Thrown), siege.Thrown, siege.HonestUp - up, siege.HonestDown - down, siege);
    }
}
