using System.Globalization;
using System.Text;
using Ginnel.Macro;
using Ginnel.Macro.Peers;
using Ginnel.Macro.Workers;
using Ginnel.Sandbox;

// usage: dotnet run -c Release --project bench/Ginnel.Macro -- [ROUNDS] [SECONDS] [FILE]
// Measures ginnel run beside slirp4netns and pasta, interleaved, so that a noisy minute is everybody's noisy minute. As root it does so in a
// network namespace of its own, with cubic at all ends.
if (args is [NamespaceVerb.Word, ..]) return NamespaceVerb.Run(args);
if (args is ["client", .. string[] client]) return LoadClient.Run(client);
if (args is ["gateway", string socket]) return await StreamGateway.RunAsync(socket);
if (args is ["bridge", string wire, .. string[] command]) return await FrameBridge.RunAsync(wire, command);
if (Surroundings.Enter(args) is { } exitCode) return exitCode;
int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
int seconds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 2;
string root = FindRoot();
Peer.Verbose = Environment.GetEnvironmentVariable("GINNEL_BENCH_VERBOSE") == "1";
Peer[] peers =
[
    new LoopbackPeer(), new GinnelPeer(root, 1500), new GinnelPeer(root, 65520), new StreamPeer(), new SlirpPeer(1500), new SlirpPeer(65520),
    new PastaPeer(65520, true),
];
// An earlier build beside this one, round by round: GINNEL_BENCH_BEFORE names the folder of its program.
if (Environment.GetEnvironmentVariable("GINNEL_BENCH_BEFORE") is { } before) peers = [.. peers, new GinnelPeer(before, 1500, "before ")];
// Some only, by a part of their names: GINNEL_BENCH_PEERS='stream,slirp4netns 1500'.
string[] wanted = Chosen("GINNEL_BENCH_PEERS");
peers = [.. peers.Where(peer => peer.IsAvailable && (wanted.Length == 0 || wanted.Any(part => peer.Name.Contains(part, StringComparison.Ordinal))))];

using LoadServer server = new();
StringBuilder report = new();
report.AppendLine("# ginnel run beside its peers").AppendLine();
report.AppendLine(CultureInfo.InvariantCulture,
    $"`dotnet run -c Release --project bench/Ginnel.Macro -- {rounds} {seconds}`, {DateTime.UtcNow:yyyy-MM-dd}, {Environment.ProcessorCount} cores, " +
    $"Linux {Environment.OSVersion.Version}, congestion control {Surroundings.CongestionControl()}.");
report.AppendLine(CultureInfo.InvariantCulture, $"Began {DateTime.UtcNow:HH:mm} UTC, load average {Load()}.");
report.AppendLine("Medians of interleaved rounds, and medians of the rounds' ratios; the machine is shared and noisy, so read the ratios.");
Console.Write(report);
Measurements measurements = new(peers, server.Port, rounds, seconds, Chosen("GINNEL_BENCH_ROWS"));
foreach (Table table in measurements.All()) Show(table.Write);
Show(measurements.Targets.Write);
Show(output => output.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"Ended {DateTime.UtcNow:HH:mm} UTC, load average {Load()}."));
return 0;

// As it comes: a run that is interrupted keeps what it has measured.
void Show(Action<StringBuilder> write)
{
    int before = report.Length;
    write(report);
    Console.Write(report.ToString(before, report.Length - before));
    if (args.Length > 2) File.WriteAllText(args[2], report.ToString());
}

// Rows likewise, whole: GINNEL_BENCH_ROWS=short,datagrams of bulk, trips, short, datagrams, queries, idle and startup.
static string[] Chosen(string variable) => (Environment.GetEnvironmentVariable(variable) ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);

static string Load() => string.Join(' ', File.ReadAllText("/proc/loadavg").Split(' ')[..3]);

static string FindRoot()
{
    string? folder = AppContext.BaseDirectory;
    while (folder is not null && !File.Exists(Path.Combine(folder, "Ginnel.slnx"))) folder = Path.GetDirectoryName(folder);
    return folder ?? throw new InvalidOperationException("Run from within the source tree.");
}
