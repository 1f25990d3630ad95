using System.Net;
using Ginnel.Netstack;

namespace Ginnel.Memory;

/// <summary>Two hosts with a <see cref="MemoryLink"/> between them, used as any user of the library would, on the thread pool.</summary>
internal sealed class HostPair : IAsyncDisposable
{
    private const int Port = 80, Chunk = 64 << 10;
    private static readonly IPAddress SecondAddress = IPAddress.Parse("10.1.0.2");
    private readonly NetworkHost _first, _second;

    internal HostPair(LinkOffloads offloads, int mtu = 1500)
    {
        (MemoryLink near, MemoryLink far) = MemoryLink.CreatePair(mtu, offloads: offloads);
        _first = Create("first", near, "10.1.0.1/24");
        _second = Create("second", far, $"{SecondAddress}/24");
    }

    public async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    internal async Task<Sample> BulkAsync(TimeSpan time)
    {
        (TcpStream client, TcpStream server) = await OpenAsync();
        long received = 0;
        Task reading = Task.Run(async () =>
        {
            byte[] buffer = new byte[Chunk];
            for (int count; (count = await server.ReadAsync(buffer)) > 0;) received += count;
        });
        byte[] chunk = new byte[Chunk];
        for (int i = 0; i < 64; i++) await client.WriteAsync(chunk);
        long before = received, segments = client.Info.BytesSent;
        Meter meter = new();
        while (meter.Elapsed < time) await client.WriteAsync(chunk);
        Sample sample = meter.Stop((received - before) * 8.0, (client.Info.BytesSent - segments) / 1448);
        await client.DisposeAsync();
        await reading;
        await server.DisposeAsync();
        return sample;
    }

    internal async Task<Sample> RoundTripsAsync(TimeSpan time)
    {
        (TcpStream client, TcpStream server) = await OpenAsync();
        Task echo = Task.Run(async () =>
        {
            byte[] octet = new byte[1];
            while (await server.ReadAsync(octet) > 0) await server.WriteAsync(octet);
        });
        byte[] one = new byte[1];
        long trips = 0;
        Meter meter = new();
        while (meter.Elapsed < time)
        {
            await client.WriteAsync(one);
            if (await client.ReadAsync(one) != 1) throw new InvalidOperationException("The echo ended.");
            trips++;
        }
        Sample sample = meter.Stop(trips, trips);
        await client.DisposeAsync();
        await echo;
        await server.DisposeAsync();
        return sample;
    }

    /// <summary>Connect, accept, close at both ends, by so many at once.</summary>
    internal async Task<Sample> ConnectionsAsync(int atOnce, TimeSpan time)
    {
        await using StackListener listener = _second.Listen(new IPEndPoint(IPAddress.Any, Port));
        Task accepting = Task.Run(async () =>
        {
            while (await listener.AcceptStreamAsync() is { } stream) await stream.DisposeAsync();
        });
        IPEndPoint server = new(SecondAddress, Port);
        long connections = 0;
        Meter meter = new();
        await Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            while (meter.Elapsed < time)
            {
                await using TcpStream client = await _first.ConnectAsync(server);
                Interlocked.Increment(ref connections);
            }
        })));
        Sample sample = meter.Stop(connections, connections);
        await listener.DisposeAsync();
        await accepting;
        return sample;
    }

    /// <summary>Datagrams that arrive; what is sent faster than it is read is dropped, as on every network.</summary>
    internal async Task<Sample> DatagramsAsync(int size, TimeSpan time)
    {
        await using IDatagramPort from = _first.BindUdp(new IPEndPoint(IPAddress.Any, 0)), to = _second.BindUdp(new IPEndPoint(IPAddress.Any, Port));
        IPEndPoint target = new(SecondAddress, Port);
        byte[] payload = new byte[size], buffer = new byte[2048];
        long received = 0;
        Meter meter = new();
        while (meter.Elapsed < time)
        {
            for (int i = 0; i < 32; i++) await from.SendAsync(payload, target);
            for (int i = 0; i < 32; i++, received++) await to.ReceiveAsync(buffer);
        }
        return meter.Stop(received, received);
    }

    private async Task<(TcpStream Client, TcpStream Server)> OpenAsync()
    {
        await using StackListener listener = _second.Listen(new IPEndPoint(IPAddress.Any, Port));
        TcpStream client = await _first.ConnectAsync(new IPEndPoint(SecondAddress, Port));
        return (client, (await listener.AcceptStreamAsync())!);
    }

    private static NetworkHost Create(string name, ILink link, string address)
    {
        NetworkHost host = new(new NetworkHostOptions { Name = name });
        host.Attach(host.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse(address)] }), link);
        return host;
    }
}
