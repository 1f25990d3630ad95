using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Ginnel;
using Ginnel.Crypto;
using Ginnel.Linux.Carriers;
using Ginnel.WireGuard;

// Two ends of a WireGuard tunnel in one process over UDP on loopback: a stack, sealing, the kernel's UDP, opening, a stack.
// Arguments: seconds for each row.
double seconds = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 3;
byte[] firstKey = RandomNumberGenerator.GetBytes(32), secondKey = RandomNumberGenerator.GetBytes(32);
await using Tunnel first = new(firstKey, 1), second = new(secondKey, 2);
first.Know(second);
second.Know(first);
Console.WriteLine($"`dotnet run -c Release --project bench/Ginnel.Tunnels -- {seconds}`, {Environment.ProcessorCount} cores, both ends in one process, UDP on loopback, MTU 1420");
Console.WriteLine();
Console.WriteLine("| what | figure |");
Console.WriteLine("|---|---|");
await BulkAsync(1, 1, warm: true);
foreach (int streams in (int[])[1, 8]) Console.WriteLine($"| bulk, {streams} stream{(streams > 1 ? "s" : "")} | {await BulkAsync(streams, seconds, warm: false):F2} Gbit/s |");
Console.WriteLine($"| one byte there and back, p50 | {await RoundTripAsync(seconds):F1} µs |");
Console.WriteLine($"| connections, one after the other | {await ConnectAsync(seconds):F0} /s |");

async Task<double> BulkAsync(int streams, double time, bool warm)
{
    await using StackListener listener = second.Host.Listen(new IPEndPoint(IPAddress.Any, 9));
    using CancellationTokenSource stop = new();
    long received = 0;
    List<Task> work = [];
    for (int i = 0; i < streams; i++)
    {
        TcpStream client = await first.Host.ConnectAsync(new IPEndPoint(second.Address, 9));
        TcpStream server = (await listener.AcceptStreamAsync())!;
        work.Add(Task.Run(async () =>
        {
            byte[] chunk = new byte[256 << 10];
            await using (client)
                while (!stop.IsCancellationRequested) await client.WriteAsync(chunk);
        }));
        work.Add(Task.Run(async () =>
        {
            byte[] buffer = new byte[256 << 10];
            await using (server)
                for (int count; (count = await server.ReadAsync(buffer)) > 0;) Interlocked.Add(ref received, count);
        }));
    }
    await Task.Delay(200);
    long before = Volatile.Read(ref received), began = Stopwatch.GetTimestamp();
    TimeSpan cpu = Process.GetCurrentProcess().TotalProcessorTime;
    await Task.Delay(TimeSpan.FromSeconds(time));
    double elapsed = Stopwatch.GetElapsedTime(began).TotalSeconds;
    double gigabits = (Volatile.Read(ref received) - before) * 8 / elapsed / 1e9;
    if (!warm) Console.Error.WriteLine($"{streams}: {(Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds / (gigabits * elapsed / 8):F2} CPU s/GB (both ends), collections {GC.CollectionCount(0)}");
    await stop.CancelAsync();
    await Task.WhenAll(work);
    return gigabits;
}

async Task<double> RoundTripAsync(double time)
{
    await using StackListener listener = second.Host.Listen(new IPEndPoint(IPAddress.Any, 7));
    await using TcpStream client = await first.Host.ConnectAsync(new IPEndPoint(second.Address, 7));
    TcpStream server = (await listener.AcceptStreamAsync())!;
    Task echo = server.CopyToAsync(server);
    List<double> trips = [];
    byte[] one = new byte[1];
    for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began).TotalSeconds < time;)
    {
        long sent = Stopwatch.GetTimestamp();
        await client.WriteAsync(one);
        await client.ReadExactlyAsync(one);
        trips.Add(Stopwatch.GetElapsedTime(sent).TotalMicroseconds);
    }
    await client.DisposeAsync();
    await echo;
    trips.Sort();
    return trips[trips.Count / 2];
}

async Task<double> ConnectAsync(double time)
{
    await using StackListener listener = second.Host.Listen(new IPEndPoint(IPAddress.Any, 8));
    int count = 0;
    long began = Stopwatch.GetTimestamp();
    while (Stopwatch.GetElapsedTime(began).TotalSeconds < time)
    {
        await using TcpStream client = await first.Host.ConnectAsync(new IPEndPoint(second.Address, 8));
        await using TcpStream server = (await listener.AcceptStreamAsync())!;
        count++;
    }
    return count / Stopwatch.GetElapsedTime(began).TotalSeconds;
}

/// <summary>One end.</summary>
internal sealed class Tunnel : IAsyncDisposable
{
    private readonly byte[] _publicKey;
    private readonly WireGuardLink _link;

    public Tunnel(byte[] privateKey, int number)
    {
        using (X25519Key key = new(privateKey)) _publicKey = key.PublicKey.ToArray();
        Address = IPAddress.Parse($"10.0.0.{number}");
        _link = new WireGuardLink(privateKey, UdpSegmentCarrier.Bind(new IPEndPoint(IPAddress.Loopback, 0)), new WireGuardOptions());
        HostInterface way = Host.AddInterface(new HostInterfaceOptions { Link = _link.Properties, Addresses = [new InterfaceAddress(Address, 24)] });
        Host.Attach(way, _link);
    }

    public IPAddress Address { get; }

    public NetworkHost Host { get; } = new(new NetworkHostOptions());

    public void Know(Tunnel other) => _link.AddPeer(new WireGuardPeerOptions
    {
        PublicKey = other._publicKey,
        Endpoint = (IPEndPoint)other._link.LocalEndPoint!,
        AllowedIps = [new IPNetwork(other.Address, 32)],
    });

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
