using System.Globalization;
using Ginnel.Macro.Workers;
using Ginnel.Tunnels;

// usage: dotnet run -c Release --project bench/Ginnel.Tunnels -- [ROUNDS] [SECONDS] [FILE]
// Measures ginnel proxy beside wireguard-go in TUN mode, interleaved, in two namespaces of its own with a cable between them. Needs root,
// iperf3, wg and wireguard-go. With "link SECONDS" only the link by itself, which needs nothing.
switch (args)
{
    case ["client", .. string[] client]:
        return LoadClient.Run(client);
    case ["server", var port]:
        using (new LoadServer(int.Parse(port, CultureInfo.InvariantCulture)))
        {
            Console.WriteLine("ready");
            while (Console.In.Read() >= 0) { }
        }
        return 0;
    case ["link", var time]:
        await LinkAsync(double.Parse(time, CultureInfo.InvariantCulture));
        return 0;
}
int rounds = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 5;
int seconds = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 2;
using Field field = new();
string report = new Comparison(field, rounds, seconds).Run();
Console.Write(report);
if (args.Length > 2) File.WriteAllText(args[2], report);
return 0;

// One line of numbers, which the comparison reads: bulk by 1 stream and by 8, round trip p50 and p99, connections, handshakes.
static async Task LinkAsync(double seconds)
{
    await using LinkBench bench = new();
    await bench.BulkAsync(1, 1);
    double one = await bench.BulkAsync(1, seconds), eight = await bench.BulkAsync(8, seconds);
    (double median, double tail) = await bench.RoundTripAsync(seconds);
    double connections = await bench.ConnectAsync(seconds);
    Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{one} {eight} {median} {tail} {connections} {HandshakeBench.Run(seconds)}"));
}
