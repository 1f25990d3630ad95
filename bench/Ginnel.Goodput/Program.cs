using System.Globalization;
using System.Text;
using Ginnel.Goodput;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

// usage: dotnet run -c Release --project bench/Ginnel.Goodput -- [SEEDS] [FILE]
// Goodput of one TCP connection by loss and by buffer, in virtual time: the same figures on every machine. Status 1 when a table does
// not follow its rows within the spread.
int seeds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 21;
SimulatedLinkOptions path = new() { Delay = TimeSpan.FromMilliseconds(10), Jitter = TimeSpan.FromMilliseconds(1), BitsPerSecond = 50_000_000, QueueBytes = 128 << 10 };
double[] losses = [0, 0.0001, 0.001, 0.005, 0.01, 0.02, 0.05, 0.10];
double[] columnLosses = [0, 0.001, 0.01];
double[] farLosses = [0, 0.001, 0.01, 0.03];
double[] reorderings = [0.001, 0.01, 0.05, 0.2];
int[] roundTrips = [5, 20, 100];
TcpOptions roomy = new() { SendBuffer = 2 << 20, ReceiveBuffer = 2 << 20 };
int[] buffers = [8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10, 1 << 20];

GoodputTable[] tables =
[
    new("By loss", "loss", falls: true, [.. losses.Select(Percent)], ["CUBIC, SACK", "NewReno, SACK", "CUBIC, no SACK", "NewReno, no SACK"],
        (row, column) => new Measurement(path with { Loss = losses[row] }, Setting(column), losses[row] > 0.01 ? 2 << 20 : 8 << 20)),
    new("By the connection's buffers", "buffer", falls: false, [.. buffers.Select(Kibibytes)], ["no loss", "0.1 % loss", "1 % loss"],
        (row, column) => new Measurement(path with { Loss = columnLosses[column] },
            new TcpOptions { SendBuffer = buffers[row], ReceiveBuffer = buffers[row] }, 16 << 20)),
    new("By loss and round trip", "loss", falls: true, [.. farLosses.Select(Percent)], [.. roundTrips.Select(Milliseconds)],
        (row, column) => new Measurement(Far(roundTrips[column]) with { Loss = farLosses[row] }, roomy, farLosses[row] > 0.001 ? 4 << 20 : 16 << 20)),
    // Packets that are overtaken by half a round trip's worth of others, and none that is lost.
    new("By reordering and round trip", "late packets", falls: true, [.. reorderings.Select(Percent)], [.. roundTrips.Select(Milliseconds)],
        (row, column) => new Measurement(
            Far(roundTrips[column]) with { Reordering = reorderings[row], ReorderDelay = TimeSpan.FromMilliseconds(roundTrips[column] / 4.0) },
            roomy, 16 << 20)),
];

PacketPool pool = new();
StringBuilder report = new();
report.AppendLine("# Goodput by loss and by buffer").AppendLine();
report.AppendLine(CultureInfo.InvariantCulture, $"`dotnet run -c Release --project bench/Ginnel.Goodput -- {seeds}`: megabits per second of virtual time, so no machine has a part in it.");
report.AppendLine(CultureInfo.InvariantCulture, $"One connection over a path of 50 Mbit/s, MTU 1500, 20 to 22 ms round trip, behind a queue of 128 KiB that drops at its tail. Medians of {seeds} seeds");
report.AppendLine("and half the distance between the quartiles. Loss strikes both directions, each packet by itself.").AppendLine();
List<(bool Demanded, string Text)> breaches = [];
foreach (GoodputTable table in tables)
{
    table.Measure(seeds, pool);
    table.Write(report);
    breaches.AddRange(table.Breaches());
}
bool isBroken = breaches.Exists(static breach => breach.Demanded);
report.AppendLine(isBroken ? "Not within the spread:" : "Every column follows its rows within the spread, as far as that is demanded.");
foreach ((bool demanded, string text) in breaches) report.AppendLine(CultureInfo.InvariantCulture, $"- {text}{(demanded ? "" : " (past the knee, not demanded; see below)")}");
report.AppendLine().Append(Explanation.Text);
Console.Write(report);
if (args.Length > 1) File.WriteAllText(args[1], report.ToString());
return isBroken ? 1 : 0;

static TcpOptions Setting(int column) => new()
{
    Sack = column < 2, CongestionControl = column % 2 == 0 ? CongestionControlKind.Cubic : CongestionControlKind.NewReno,
};

// The same path at another distance, with room for its product of rate and delay in the buffers of both ends.
SimulatedLinkOptions Far(int roundTrip) => path with { Delay = TimeSpan.FromMilliseconds(roundTrip / 2.0), Jitter = TimeSpan.FromMilliseconds(roundTrip / 40.0) };

static string Milliseconds(int roundTrip) => string.Create(CultureInfo.InvariantCulture, $"{roundTrip} ms");

static string Percent(double part) => string.Create(CultureInfo.InvariantCulture, $"{part * 100:0.##} %");

static string Kibibytes(int bytes) => $"{bytes >> 10} KiB";
