using System.Globalization;
using Ginnel.Macro.Peers;

namespace Ginnel.Macro;

/// <summary>What is measured, each row in interleaved rounds over all peers.</summary>
internal sealed class Measurements(Peer[] peers, int port, int rounds, int seconds)
{
    private const int IdleConnections = 1_000;
    private readonly string _seconds = seconds.ToString(CultureInfo.InvariantCulture);

    internal IEnumerable<Table> All()
    {
        foreach (string streams in (string[])["1", "8"])
        {
            foreach (Table table in Bulk("up", "guest→host", streams)) yield return table;
            foreach (Table table in Bulk("down", "host→guest", streams)) yield return table;
        }
        foreach (Table table in Trips()) yield return table;
        foreach (Table table in Short()) yield return table;
        yield return Idle();
        yield return StartUp();
    }

    private IEnumerable<Table> Bulk(string load, string direction, string streams)
    {
        Table speed = new($"Bulk TCP {direction}, {streams} stream{(streams == "1" ? "" : "s")}", "Gbit/s", "Higher is better.");
        Table cpu = new($"CPU of the gateway, {direction}, {streams} stream{(streams == "1" ? "" : "s")}", "s/GB", "Lower is better.");
        Rounds(peer =>
        {
            LoadResult result = peer.Run(port, load, streams, _seconds);
            if (result.Values.Length == 0) return;
            speed.Add(peer.Name, result.Values[0] * 8 / result.Values[1] / 1e9);
            if (result.CpuSeconds > 0) cpu.Add(peer.Name, result.CpuSeconds / (result.Values[2] / 1e9));
        });
        return [speed, cpu];
    }

    private IEnumerable<Table> Trips()
    {
        Table median = new("One byte there and back, p50", "µs", "Lower is better.");
        Table tail = new("One byte there and back, p99", "µs", "Lower is better.");
        Table rate = new("One byte there and back, rate", "trips/s", "Higher is better.");
        Rounds(peer =>
        {
            LoadResult result = peer.Run(port, "trips", _seconds);
            if (result.Values.Length == 0) return;
            rate.Add(peer.Name, result.Values[0]);
            median.Add(peer.Name, result.Values[1]);
            tail.Add(peer.Name, result.Values[2]);
        });
        return [median, tail, rate];
    }

    private IEnumerable<Table> Short()
    {
        Table rate = new("Short connections: connect, one byte there and back, close; 4 threads", "connections/s", "Higher is better.");
        Table tail = new("Short connections, p99", "µs", "Lower is better.");
        Rounds(peer =>
        {
            LoadResult result = peer.Run(port, "short", "4", _seconds);
            if (result.Values.Length == 0) return;
            rate.Add(peer.Name, result.Values[0]);
            tail.Add(peer.Name, result.Values[2]);
        });
        return [rate, tail];
    }

    private Table Idle()
    {
        Table memory = new($"Memory of the gateway per idle connection, of {IdleConnections}", "KB", "Resident with the connections open, less resident with one.");
        string many = IdleConnections.ToString(CultureInfo.InvariantCulture);
        foreach (Peer peer in peers)
        {
            LoadResult one = peer.Run(port, "idle", "1");
            LoadResult all = peer.Run(port, "idle", many);
            if (one.ResidentBytes > 0 && all.ResidentBytes > 0) memory.Add(peer.Name, (all.ResidentBytes - one.ResidentBytes) / 1024.0 / IdleConnections);
        }
        return memory;
    }

    private Table StartUp()
    {
        Table time = new("Start-up: /bin/true, from start to end", "ms", "Lower is better.");
        for (int round = 0; round < Math.Max(5, rounds); round++)
        {
            foreach (Peer peer in peers)
            {
                if (peer.StartUp() is { } milliseconds) time.Add(peer.Name, milliseconds);
            }
        }
        return time;
    }

    private void Rounds(Action<Peer> measure)
    {
        for (int round = 0; round < rounds; round++)
        {
            foreach (Peer peer in peers) measure(peer);
        }
    }
}
