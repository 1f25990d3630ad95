using System.Globalization;
using Ginnel.Macro.Peers;

namespace Ginnel.Macro;

/// <summary>What is measured, each row in interleaved rounds over all peers.</summary>
/// <param name="peers">Who takes part.</param>
/// <param name="port">The load server's.</param>
/// <param name="rounds">Of each row.</param>
/// <param name="seconds">That a load is counted for.</param>
/// <param name="rows">Which loads only; all of them if empty.</param>
internal sealed class Measurements(Peer[] peers, int port, int rounds, int seconds, string[] rows)
{
    private const int IdleConnections = 10_000;
    private const string Ours = "ginnel 1500", Slirp = Table.Base, LargeSlirp = "slirp4netns 65520", Pasta = "pasta 65520 (tcp_wmem capped)", Kernel = "kernel loopback";
    private static readonly string StreamLink = $"ginnel, stream link {Workers.FrameBridge.Mtu}";
    private readonly string _seconds = seconds.ToString(CultureInfo.InvariantCulture);

    /// <summary>What all of it is held against; complete once <see cref="All"/> has come to its end.</summary>
    internal Targets Targets { get; } = new();

    internal IEnumerable<Table> All()
    {
        IEnumerable<(string Row, Func<IEnumerable<Table>> Measure)> all =
        [
            ("bulk", () => ((string[])["1", "8"]).SelectMany(streams => (IEnumerable<Table>)
                [.. Bulk("up", "guest→host", streams, 12, 2, 0.6), .. Bulk("down", "host→guest", streams, 6, 1.5, 0.45)])),
            ("trips", Trips),
            ("short", Short),
            ("datagrams", () => [Datagrams("datagrams", "UDP: datagrams of 64 bytes there and back on one socket, 64 under way")]),
            ("queries", () => [Datagrams("queries", "DNS: queries there and back, each from a socket of its own, 64 under way")]),
            ("idle", () => [Idle()]),
            ("startup", () => [StartUp()]),
        ];
        return all.Where(entry => rows.Length == 0 || rows.Contains(entry.Row)).SelectMany(entry => entry.Measure());
    }

    private IEnumerable<Table> Bulk(string load, string direction, string streams, double overSlirp, double overLargeSlirp, double ofKernel)
    {
        string what = $"{direction}, {streams} stream{(streams == "1" ? "" : "s")}";
        Table speed = new($"Bulk TCP {what}", "Gbit/s", "Higher is better.");
        Table cpu = new($"CPU of the gateway, {what}", "s/GB", "Lower is better.");
        Rounds(peer =>
        {
            LoadResult result = peer.Run(port, load, streams, _seconds);
            bool failed = result.Values.Length == 0;
            speed.Add(peer.Name, failed ? double.NaN : result.Values[0] * 8 / result.Values[1] / 1e9);
            if (peer.Name != Kernel) cpu.Add(peer.Name, failed ? double.NaN : result.CpuSeconds / (result.Values[2] / 1e9));
        });
        if (streams == "1")
        {
            Targets.AtLeast(what, speed, Ours, overSlirp, Slirp);
            Targets.AtLeast(what, speed, Ours, overLargeSlirp, LargeSlirp);
            Targets.AtLeast(what, speed, Ours, ofKernel, Kernel);
            Targets.AtLeast(what, speed, StreamLink, 3, Slirp);
            Targets.AtMost($"CPU per GB {what}", cpu, Ours, 0.25, Slirp);
        }
        Targets.AtLeast(what, speed, "ginnel 65520", 1, Pasta);
        return [speed, cpu];
    }

    private IEnumerable<Table> Trips()
    {
        Table median = new("One byte there and back, p50", "µs", "Lower is better.");
        Table tail = new("One byte there and back, p99", "µs", "Lower is better.");
        Table rate = new("One byte there and back, rate", "trips/s", "Higher is better.");
        Rounds(peer => Add(peer, peer.Run(port, "trips", _seconds), rate, median, tail));
        foreach (string other in (string[])[Slirp, Pasta])
        {
            Targets.AtMost("round trip p50", median, Ours, 1, other);
            Targets.AtMost("round trip p99", tail, Ours, 1, other);
        }
        return [median, tail, rate];
    }

    private IEnumerable<Table> Short()
    {
        Table rate = new("Short connections: connect, one byte there and back, close; 4 threads", "connections/s", "Higher is better.");
        Table median = new("Short connections, p50", "µs", "Lower is better.");
        Table tail = new("Short connections, p99", "µs", "Lower is better.");
        Rounds(peer => Add(peer, peer.Run(port, "short", "4", _seconds), rate, median, tail));
        Targets.AtLeast("short connections", rate, Ours, 1, Slirp);
        Targets.AtLeast("short connections", rate, Ours, 1, Pasta);
        return [rate, median, tail];
    }

    private Table Datagrams(string load, string title)
    {
        Table rate = new(title, "/s", "Higher is better.");
        Rounds(peer => Add(peer, peer.Run(port, load, "64", _seconds), rate));
        Targets.AtLeast(load, rate, Ours, 1, Slirp);
        Targets.AtLeast(load, rate, Ours, 1, Pasta);
        return rate;
    }

    // slirp4netns takes over half a minute to open so many and 2.5 GB to hold them, and is left out.
    private Table Idle()
    {
        Table memory = new($"Resident memory of the gateway, {IdleConnections} idle connections more, after {Workers.LoadClient.Rest.TotalSeconds:0} s of rest", "MB", "Lower is better.");
        string many = IdleConnections.ToString(CultureInfo.InvariantCulture);
        foreach (Peer peer in peers)
        {
            if (peer is SlirpPeer or LoopbackPeer) continue;
            LoadResult one = peer.Run(port, "idle", "1");
            LoadResult all = peer.Run(port, "idle", many);
            memory.Add(peer.Name, one.ResidentBytes > 0 && all.ResidentBytes > 0 ? (all.ResidentBytes - one.ResidentBytes) / 1e6 : double.NaN);
        }
        Targets.AtMost($"{IdleConnections} idle connections, MB", memory, Ours, 30);
        return memory;
    }

    private Table StartUp()
    {
        Table time = new("Start-up: /bin/true, from start to end", "ms", "Lower is better.");
        for (int round = 0; round < Math.Max(5, rounds); round++)
        {
            foreach (Peer peer in peers.Where(peer => peer is not StreamPeer)) time.Add(peer.Name, peer.StartUp() ?? double.NaN);
        }
        Targets.AtMost("start-up, ms", time, Ours, 80);
        return time;
    }

    // The client's numbers, in the order of the tables; not a number where it had none.
    private static void Add(Peer peer, LoadResult result, params ReadOnlySpan<Table> tables)
    {
        for (int i = 0; i < tables.Length; i++) tables[i].Add(peer.Name, i < result.Values.Length ? result.Values[i] : double.NaN);
    }

    private void Rounds(Action<Peer> measure)
    {
        for (int round = 0; round < rounds; round++)
        {
            foreach (Peer peer in peers) measure(peer);
        }
    }
}
