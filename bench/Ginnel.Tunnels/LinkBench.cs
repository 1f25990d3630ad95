using System.Diagnostics;
using System.Net;

namespace Ginnel.Tunnels;

/// <summary>Two ends of a WireGuard tunnel in one process over UDP on loopback: a stack, sealing, the kernel's UDP, opening, a stack.</summary>
internal sealed class LinkBench : IAsyncDisposable
{
    private readonly Tunnel _first = new(1), _second = new(2);

    internal LinkBench()
    {
        _first.Know(_second);
        _second.Know(_first);
    }

    public async ValueTask DisposeAsync()
    {
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    internal async Task<double> BulkAsync(int streams, double time)
    {
        await using StackListener listener = _second.Host.Listen(new IPEndPoint(IPAddress.Any, 9));
        using CancellationTokenSource stop = new();
        long received = 0;
        List<Task> work = [];
        for (int i = 0; i < streams; i++)
        {
            TcpStream client = await _first.Host.ConnectAsync(new IPEndPoint(_second.Address, 9));
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
        await Task.Delay(TimeSpan.FromSeconds(time));
        double elapsed = Stopwatch.GetElapsedTime(began).TotalSeconds;
        double gigabits = (Volatile.Read(ref received) - before) * 8 / elapsed / 1e9;
        await stop.CancelAsync();
        await Task.WhenAll(work);
        return gigabits;
    }

    internal async Task<(double Median, double Tail)> RoundTripAsync(double time)
    {
        await using StackListener listener = _second.Host.Listen(new IPEndPoint(IPAddress.Any, 7));
        await using TcpStream client = await _first.Host.ConnectAsync(new IPEndPoint(_second.Address, 7));
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
        return (trips[trips.Count / 2], trips[trips.Count * 99 / 100]);
    }

    internal async Task<double> ConnectAsync(double time)
    {
        await using StackListener listener = _second.Host.Listen(new IPEndPoint(IPAddress.Any, 8));
        int count = 0;
        long began = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(began).TotalSeconds < time)
        {
            await using TcpStream client = await _first.Host.ConnectAsync(new IPEndPoint(_second.Address, 8));
            await using TcpStream server = (await listener.AcceptStreamAsync())!;
            count++;
        }
        return count / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }
}
