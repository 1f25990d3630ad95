using System.Diagnostics;
using System.Globalization;
using System.Text;
using Ginnel.Memory;
using Ginnel.Netstack;

// usage: dotnet run -c Release --project bench/Ginnel.Memory -- [ROUNDS] [SECONDS] [FILE] [ROW…]
// The stack by itself, two hosts over memory, and a host on a TUN device beside the kernel: bulk, round trips, connections, datagrams, and what
// they allocate. Runs itself again in a network namespace of its own (util-linux's unshare), on the last core alone (taskset); the kernel's end
// of the TUN rows runs on the first. Rows are interleaved: one round of each, after three that do not count. With names of rows only those.
if (args is ["peer", var does, var target]) return KernelPair.RunPeer(does, target);
if (args is not ["inside", .. var words]) return RunInside(args);
int rounds = words.Length > 0 ? int.Parse(words[0], CultureInfo.InvariantCulture) : 5;
TimeSpan time = TimeSpan.FromSeconds(words.Length > 1 ? double.Parse(words[1], CultureInfo.InvariantCulture) : 1);
string[] wanted = words.Length > 3 ? words[3..] : [];

BareStacks super = new(LinkOffloads.All), plain = new(LinkOffloads.None);
// The same without header prediction, for comparison.
BareStacks generalSuper = new(LinkOffloads.All, generalWayOnly: true), generalPlain = new(LinkOffloads.None, generalWayOnly: true);
await using HostPair superHosts = new(LinkOffloads.All), plainHosts = new(LinkOffloads.None);
await using KernelPair kernel = new();
Row[] rows =
[
    new("bare-super", "two bare stacks, bulk, super-segments", "Gbit/s", 1e9, 30, "segment", run => Task.FromResult(super.Bulk(run))),
    new("bare-plain", "two bare stacks, bulk, single segments with checksums", "Gbit/s", 1e9, 12, "segment", run => Task.FromResult(plain.Bulk(run))),
    new("bare-plain-general", "the same without the fast path", "Gbit/s", 1e9, 0, "segment", run => Task.FromResult(generalPlain.Bulk(run))),
    new("bare-trips", "two bare stacks, 1 byte there and back", "/s", 1, 0, "round trip", run => Task.FromResult(super.RoundTrips(run))),
    new("bare-trips-general", "the same without the fast path", "/s", 1, 0, "round trip", run => Task.FromResult(generalSuper.RoundTrips(run))),
    new("bare-connections", "two bare stacks, connections one after the other", "/s", 1, 0, "connection", run => Task.FromResult(super.Connections(run))),
    new("bare-datagrams", "two bare stacks, datagrams of 100 bytes", "/s", 1, 0, "datagram", run => Task.FromResult(super.Datagrams(100, run))),
    new("super", "two hosts, bulk, super-segments", "Gbit/s", 1e9, 30, "segment", superHosts.BulkAsync),
    new("plain", "two hosts, bulk, single segments with checksums", "Gbit/s", 1e9, 12, "segment", plainHosts.BulkAsync),
    new("trips", "two hosts, 1 byte there and back", "/s", 1, 250_000, "round trip", superHosts.RoundTripsAsync),
    new("connections", "two hosts, connections, 16 at once", "/s", 1, 60_000, "connection", run => superHosts.ConnectionsAsync(16, run)),
    new("datagrams", "two hosts, datagrams of 100 bytes", "/s", 1, 0, "datagram", run => superHosts.DatagramsAsync(100, run)),
    new("read", "a host on TUN, the kernel writes and a TcpStream reads", "Gbit/s", 1e9, 20, "segment", run => kernel.RunAsync(reads: true, run)),
    new("write", "a host on TUN, a TcpStream writes and the kernel reads", "Gbit/s", 1e9, 20, "segment", run => kernel.RunAsync(reads: false, run)),
];
if (wanted.Length > 0) rows = [.. rows.Where(row => wanted.Contains(row.Key))];
string began = Moment();
// The JIT compiler's tiers: until then a row is several times slower.
const int WarmUps = 3;
for (int round = -WarmUps; round < rounds; round++)
{
    foreach (Row row in rows)
    {
        Sample sample = await row.Run(time);
        if (round >= 0) row.Samples.Add(sample);
        Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{row.Key} {sample.Rate / row.Scale:N2} {row.Unit}, {sample.CpuSeconds:N2} s of CPU, {sample.AllocatedPerPacket:N2} B, {sample.Collections} GC"));
    }
}
StringBuilder report = new();
report.AppendLine("# The stack by itself").AppendLine();
report.AppendLine(CultureInfo.InvariantCulture, $"`dotnet run -c Release --project bench/Ginnel.Memory -- {string.Join(' ', words)}`, {DateTime.UtcNow:yyyy-MM-dd}, Linux {Environment.OSVersion.Version}.");
report.AppendLine(CultureInfo.InvariantCulture, $"Began {began}; ended {Moment()}.").AppendLine();
report.AppendLine(CultureInfo.InvariantCulture, $"Medians of {rounds} interleaved rounds of {time.TotalSeconds} s, after three that do not count. MTU 1500; CUBIC at every end, the kernel's included.");
report.AppendLine("All but the kernel's end of the TUN rows shares one core. \"Of a whole core\" is the rate by CPU seconds of this process: the rate of a core that is never waiting.");
report.AppendLine("Through hosts completions run on the thread pool; in the TUN rows on the device's loop, which is the one thread that does all.");
report.AppendLine("Users copy: into the ring on one side, out of it on the other. Allocation is that of all threads, the least of the rounds.").AppendLine();
StackTable.Write(report, rows);
Console.Write(report);
if (words.Length > 2 && words[2] != "-") File.WriteAllText(words[2], report.ToString());
return 0;

static int RunInside(string[] words)
{
    string[] namespaces = Environment.UserName == "root" ? ["--net"] : ["--map-root-user", "--net"];
    string core = (Environment.ProcessorCount - 1).ToString(CultureInfo.InvariantCulture);
    using Process inside = Process.Start(new ProcessStartInfo("unshare",
        [.. namespaces, "--", "taskset", "--cpu-list", core, .. Self.Command, "inside", .. words]))!;
    inside.WaitForExit();
    return inside.ExitCode;
}

static string Moment() => string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:HH:mm} UTC, load average {File.ReadAllText("/proc/loadavg")[..14].TrimEnd()}");
