using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ginnel.Tunnels;

/// <summary>The rows: each is measured in rounds over all ways, so that a noisy minute is everybody's noisy minute.</summary>
internal sealed class Comparison(Field field, int rounds, int seconds)
{
    private const int IdleConnections = 10_000;
    private readonly Rows _rows = new();
    private readonly string _seconds = seconds.ToString(CultureInfo.InvariantCulture);

    internal string Run()
    {
        string began = Uptime();
        // The first round is not counted: in it the runtimes compile, and buffers and windows grow.
        for (int round = -1; round < rounds; round++)
        {
            if (round == 0) _rows.Clear();
            foreach (int streams in (int[])[1, 8])
                foreach (bool isDown in (bool[])[false, true])
                    foreach (var way in field.Ways) Bulk(way.Name, way.Namespace, way.Address, way.Carriers, streams, isDown);
            foreach (var way in field.Ways) Short(way.Name, way.Namespace, way.Address);
            Link();
        }
        Peak();
        Idle();
        return Head(began) + _rows.Write() + Targets();
    }

    private void Bulk(string name, string netns, string address, System.Diagnostics.Process[] carriers, int streams, bool isDown)
    {
        string row = $"bulk {(isDown ? "down" : "up")}, {streams} stream{(streams == 1 ? "" : "s")}";
        double before = Usage.CpuSeconds(carriers);
        string[] words = ["iperf3", "-c", address, "-p", $"{Field.IperfPort}", "-t", _seconds, "-P", $"{streams}", "-J", .. (string[])(isDown ? ["-R"] : [])];
        string output = field.Run(netns, words);
        using JsonDocument result = JsonDocument.Parse(output);
        if (!result.RootElement.GetProperty("end").TryGetProperty("sum_received", out JsonElement sum))
        {
            // The server is still busy with the end of the run before; what has failed is counted, not hidden.
            _rows.Add("bulk runs that failed", "", name, 1);
            Thread.Sleep(300);
            return;
        }
        _rows.Add(row, "Gbit/s", name, sum.GetProperty("bits_per_second").GetDouble() / 1e9);
        if (carriers.Length > 0) _rows.Add($"CPU of both ends, {row}", "s/GB", name, (Usage.CpuSeconds(carriers) - before) / (sum.GetProperty("bytes").GetDouble() / 1e9));
    }

    private void Short(string name, string netns, string address)
    {
        double[] trips = Client(netns, () => { }, "trips", $"{address}:{Field.LoadPort}", _seconds);
        _rows.Add("one byte there and back, p50", "µs", name, trips[1]);
        _rows.Add("one byte there and back, p99", "µs", name, trips[2]);
        double[] shorts = Client(netns, () => { }, "short", $"{address}:{Field.LoadPort}", "4", _seconds);
        _rows.Add("short connections, 4 threads", "/s", name, shorts[0]);
        _rows.Add("short connections, p99", "µs", name, shorts[2]);
    }

    private void Link()
    {
        double[] figures = Numbers(field.Run(field.Ways[0].Namespace, [Environment.ProcessPath!, "link", _seconds]));
        string[] names = ["bulk up, 1 stream", "bulk up, 8 streams", "one byte there and back, p50", "one byte there and back, p99", "connections, one after the other", "handshakes, both roles on one core"];
        string[] units = ["Gbit/s", "Gbit/s", "µs", "µs", "/s", "/s"];
        for (int i = 0; i < names.Length; i++) _rows.Add(names[i], units[i], Rows.InProcess, figures[i]);
    }

    private void Peak()
    {
        _rows.Add("peak resident after all of that, larger end", "MiB", "ginnel proxy", Usage.Kibibytes(field.Proxies, "VmHWM").Max() / 1024);
        _rows.Add("peak resident after all of that, larger end", "MiB", "wireguard-go, TUN", Usage.Kibibytes(field.Peers, "VmHWM").Max() / 1024);
    }

    private void Idle()
    {
        (string name, string netns, string address, _) = field.Ways[0];
        double[] before = [], with = [];
        Client(netns, () => before = Usage.Kibibytes(field.Proxies, "VmRSS"), "idle", $"{address}:{Field.LoadPort}", "1");
        Client(netns, () => with = Usage.Kibibytes(field.Proxies, "VmRSS"), "idle", $"{address}:{Field.LoadPort}", $"{IdleConnections}");
        _rows.Add($"memory per idle connection of {IdleConnections}, far end", "KiB", name, (with[0] - before[0]) / IdleConnections);
        _rows.Add($"memory per idle connection of {IdleConnections}, near end", "KiB", name, (with[1] - before[1]) / IdleConnections);
    }

    private double[] Client(string netns, Action meanwhile, params string[] words) => Numbers(field.Run(netns, [Environment.ProcessPath!, "client", .. words], meanwhile));

    private static double[] Numbers(string line) => [.. line.Split(' ').Select(number => double.Parse(number, CultureInfo.InvariantCulture))];

    private string Head(string began)
    {
        StringBuilder head = new();
        head.AppendLine("# WireGuard: ginnel proxy beside wireguard-go").AppendLine();
        head.AppendLine(CultureInfo.InvariantCulture,
            $"`dotnet run -c Release --project bench/Ginnel.Tunnels -- {rounds} {seconds}`, {DateTime.UtcNow:yyyy-MM-dd}, {Environment.ProcessorCount} cores, Linux {Environment.OSVersion.Version}, {File.ReadAllText("/proc/sys/net/ipv4/tcp_congestion_control").Trim()}.");
        head.AppendLine(CultureInfo.InvariantCulture, $"Began {began}; ended {Uptime()}.").AppendLine();
        head.AppendLine("Medians (least–greatest) of interleaved rounds. Two namespaces with a cable between them, both ends, both programs and both tunnels on the same cores,")
            .AppendLine("MTU inside 1420. Bulk is iperf3's, \"up\" towards the server. Through `ginnel proxy` a connection is three: the client's, the tunnel's, the server's;")
            .AppendLine("through wireguard-go it is one, and the kernel's. In one process: `WireGuardLink` and `NetworkHost` at both ends, no proxy, UDP on loopback.")
            .AppendLine(CultureInfo.InvariantCulture, $"The wireguard-go beside us is {field.Run(field.Ways[0].Namespace, ["wireguard-go", "--version"]).Split('\n')[0]}. Quoted are one of 2026, 2.66 up and 3.04 down by 1 stream, 2.83 and 2.76 by 8, and")
            .AppendLine("wireproxy: these figures are from another day, on a machine whose loopback did 22 Gbit/s.").AppendLine();
        return head.ToString();
    }

    private string Targets()
    {
        StringBuilder text = new("\n## Targets\n\n| target | figure | bound | |\n|---|---|---|---|\n");
        double[] wireproxy = [0.44, 0.41, 0.43, 0.45], quoted = [2.66, 3.04, 2.83, 2.76];
        string[] bulk = ["bulk up, 1 stream", "bulk down, 1 stream", "bulk up, 8 streams", "bulk down, 8 streams"];
        for (int i = 0; i < bulk.Length; i++)
        {
            Judge(text, $"{bulk[i]}: above wireguard-go's TUN mode", bulk[i], _rows.Median(bulk[i], "wireguard-go, TUN"), isLeast: true);
            Judge(text, $"{bulk[i]}: above wireguard-go of 2026, as quoted", bulk[i], quoted[i], isLeast: true);
            Judge(text, $"{bulk[i]}: at least 6 times wireproxy", bulk[i], 6 * wireproxy[i], isLeast: true);
        }
        Judge(text, "round trip p50: half of wireproxy's", "one byte there and back, p50", 309 / 2.0, isLeast: false);
        Judge(text, "round trip p99: half of wireproxy's", "one byte there and back, p99", 556 / 2.0, isLeast: false);
        Judge(text, "connections: 3 times wireproxy's", "short connections, 4 threads", 3 * 2_020, isLeast: true);
        Judge(text, "memory per idle connection, far", $"memory per idle connection of {IdleConnections}, far end", 8, isLeast: false);
        Judge(text, "memory per idle connection, near", $"memory per idle connection of {IdleConnections}, near end", 8, isLeast: false);
        return text.ToString();
    }

    private void Judge(StringBuilder text, string target, string row, double bound, bool isLeast)
    {
        double figure = _rows.Median(row, "ginnel proxy");
        bool isMet = isLeast ? figure > bound : figure < bound;
        text.AppendLine(CultureInfo.InvariantCulture, $"| {target} | {Rows.Number(figure)} | {(isLeast ? ">" : "<")} {Rows.Number(bound)} | {(isMet ? "met" : "**missed**")} |");
    }

    private static string Uptime()
    {
        string[] load = File.ReadAllText("/proc/loadavg").Split(' ');
        return $"{DateTime.UtcNow:HH:mm} UTC, load average {load[0]} {load[1]} {load[2]}";
    }
}
