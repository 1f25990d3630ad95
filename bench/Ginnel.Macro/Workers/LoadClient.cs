using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ginnel.Macro.Workers;

/// <summary>
/// The near end, run inside what is measured. Prints one line of numbers, then waits until its standard input ends, so that the driver
/// can read the gateway's CPU time and memory while everything still stands.
/// </summary>
internal static class LoadClient
{
    internal static int Run(ReadOnlySpan<string> arguments)
    {
        IPEndPoint target = IPEndPoint.Parse(arguments[1]);
        int first = int.Parse(arguments[2], CultureInfo.InvariantCulture);
        int second = arguments.Length > 3 ? int.Parse(arguments[3], CultureInfo.InvariantCulture) : 0;
        string result = arguments[0] switch
        {
            "up" => Bulk(target, LoadServer.Sink, first, second),
            "down" => Bulk(target, LoadServer.Source, first, second),
            "trips" => Trips(target, first),
            "short" => Short(target, first, second),
            "idle" => Idle(target, first),
            "datagrams" => DatagramLoad.Run(target, first, second, ownSockets: false),
            "queries" => DatagramLoad.Run(target, first, second, ownSockets: true),
            _ => throw new ArgumentException($"unknown load '{arguments[0]}'"),
        };
        Console.WriteLine(result);
        Console.Out.Flush();
        while (Console.In.Read() >= 0) { }
        return 0;
    }

    /// <summary>Streams for so many seconds; prints bytes and seconds. The first half second is not counted.</summary>
    private static string Bulk(IPEndPoint target, byte kind, int streams, int seconds)
    {
        long total = 0;
        bool stop = false;
        Thread[] threads = new Thread[streams];
        // All are open before one sends: behind a gateway that is already flooded a handshake takes many seconds.
        Socket[] sockets = [.. Enumerable.Range(0, streams).Select(_ => Open(target, kind))];
        for (int i = 0; i < streams; i++)
        {
            Socket socket = sockets[i];
            threads[i] = new Thread(() =>
            {
                byte[] buffer = new byte[LoadServer.BlockSize];
                while (!Volatile.Read(ref stop))
                {
                    int count = kind == LoadServer.Sink ? socket.Send(buffer) : socket.Receive(buffer);
                    if (count <= 0) return;
                    Interlocked.Add(ref total, count);
                }
            }) { IsBackground = true };
            threads[i].Start();
        }
        Thread.Sleep(500);
        long before = Interlocked.Read(ref total);
        long started = Stopwatch.GetTimestamp();
        Thread.Sleep(seconds * 1000);
        long bytes = Interlocked.Read(ref total) - before;
        double elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
        stop = true;
        return Format(bytes, elapsed, Interlocked.Read(ref total));
    }

    /// <summary>One byte there and back for so many seconds; prints trips per second, p50 and p99 in microseconds.</summary>
    private static string Trips(IPEndPoint target, int seconds)
    {
        using Socket socket = Open(target, LoadServer.Echo);
        byte[] one = new byte[1];
        List<double> times = [];
        long started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
        {
            long begin = Stopwatch.GetTimestamp();
            socket.Send(one);
            socket.Receive(one);
            times.Add(Stopwatch.GetElapsedTime(begin).TotalMicroseconds);
        }
        return Format(times.Count / Stopwatch.GetElapsedTime(started).TotalSeconds, Percentile(times, 0.50), Percentile(times, 0.99));
    }

    /// <summary>Connect, one byte there and back, close, by so many threads for so many seconds; prints connections per second and p99.</summary>
    private static string Short(IPEndPoint target, int threads, int seconds)
    {
        List<double>[] times = new List<double>[threads];
        long started = Stopwatch.GetTimestamp();
        Thread[] all = new Thread[threads];
        for (int i = 0; i < threads; i++)
        {
            List<double> own = times[i] = [];
            all[i] = new Thread(() =>
            {
                byte[] one = new byte[1];
                while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
                {
                    long begin = Stopwatch.GetTimestamp();
                    using Socket socket = Open(target, LoadServer.Hold);
                    socket.Send(one);
                    socket.Receive(one);
                    own.Add(Stopwatch.GetElapsedTime(begin).TotalMicroseconds);
                }
            });
            all[i].Start();
        }
        foreach (Thread thread in all) thread.Join();
        List<double> merged = [.. times.SelectMany(own => own)];
        return Format(merged.Count / Stopwatch.GetElapsedTime(started).TotalSeconds, Percentile(merged, 0.50), Percentile(merged, 0.99));
    }

    /// <summary>Opens so many connections, keeps them and lets them rest; prints how many there are.</summary>
    private static string Idle(IPEndPoint target, int count)
    {
        Socket[] sockets = new Socket[count];
        byte[] one = new byte[1];
        for (int i = 0; i < count; i++)
        {
            sockets[i] = Open(target, LoadServer.Hold);
            sockets[i].Send(one);
            sockets[i].Receive(one);
        }
        Held = sockets;
        Thread.Sleep(Rest);
        return Format(count, 0, 0);
    }

    /// <summary>Before memory is looked at.</summary>
    internal static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private static Socket[]? Held { get; set; }

    private static Socket Open(IPEndPoint target, byte kind)
    {
        Socket socket = new(target.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (CongestionChoice.IsPossible) CongestionChoice.Apply(socket);
        socket.Connect(target);
        socket.Send([kind]);
        return socket;
    }

    internal static double Percentile(List<double> values, double share)
    {
        if (values.Count == 0) return 0;
        values.Sort();
        return values[Math.Min(values.Count - 1, (int)(values.Count * share))];
    }

    internal static string Format(params ReadOnlySpan<double> values) =>
        string.Join(' ', values.ToArray().Select(value => value.ToString("R", CultureInfo.InvariantCulture)));
}
