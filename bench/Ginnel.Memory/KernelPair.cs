using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Events;
using Ginnel.Linux.Links;

namespace Ginnel.Memory;

/// <summary>
/// A host on a TUN device of this network namespace, and a program on another core that speaks to it through the kernel's TCP. One thread
/// reads the device, runs the stack and its user's continuations: the runtime completes on the device's own loop.
/// </summary>
internal sealed class KernelPair : IAsyncDisposable
{
    private const string OurAddress = "10.7.0.2";
    private const int Port = 80, Chunk = 256 << 10;
    private readonly EventLoop _loop = new("device", runsContinuations: true);
    private readonly NetworkRuntime _runtime;
    private readonly NetworkHost _host;
    private readonly StackListener _listener;

    internal KernelPair(int mtu = 1500)
    {
        TunLink device = TunLink.Open("ginnel0", mtu);
        device.EventLoop = _loop;
        Configure("addr", "add", "10.7.0.1/24", "dev", device.Name);
        Configure("link", "set", device.Name, "mtu", mtu.ToString(CultureInfo.InvariantCulture), "up");
        _runtime = new NetworkRuntime(new NetworkRuntimeOptions { Completions = _loop });
        _host = new NetworkHost(new NetworkHostOptions { Name = "device", Runtime = _runtime });
        _host.Attach(_host.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse(OurAddress + "/24")] }), device);
        _listener = _host.Listen(new IPEndPoint(IPAddress.Any, Port));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        _runtime.Dispose();
        _loop.Dispose();
    }

    /// <summary>The kernel writes, a user of the library reads; or the other way round.</summary>
    internal async Task<Sample> RunAsync(bool reads, TimeSpan time)
    {
        using Process peer = StartPeer(reads ? "write" : "read");
        TcpStream stream = (await _listener.AcceptStreamAsync())!;
        byte[] buffer = new byte[Chunk];
        // Slow start and the peer's own start are not what is measured.
        await MoveAsync(stream, reads, buffer, TimeSpan.FromSeconds(0.3));
        long segments = Moved(stream);
        Meter meter = new();
        long bytes = await MoveAsync(stream, reads, buffer, time);
        Sample sample = meter.Stop(bytes * 8.0, Math.Max(1, (Moved(stream) - segments) / 1448));
        stream.Abort();
        await stream.DisposeAsync();
        await peer.WaitForExitAsync();
        return sample;
    }

    private static async Task<long> MoveAsync(TcpStream stream, bool reads, byte[] buffer, TimeSpan time)
    {
        long bytes = 0;
        for (long began = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(began) < time;)
        {
            int count = buffer.Length;
            if (reads) count = await stream.ReadAsync(buffer);
            else await stream.WriteAsync(buffer);
            if (count == 0) throw new InvalidOperationException("The kernel's end closed.");
            bytes += count;
        }
        return bytes;
    }

    private static long Moved(TcpStream stream) => stream.Info.BytesReceived + stream.Info.BytesSent;

    private static Process StartPeer(string does) => Process.Start(new ProcessStartInfo("taskset",
        ["--cpu-list", "0", .. Self.Command, "peer", does, $"{OurAddress}:{Port}"]))!;

    /// <summary>The kernel's user: reads or writes until the connection ends.</summary>
    internal static int RunPeer(string does, string target)
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        // TCP_CONGESTION: a namespace inherits the host's choice, which may be another.
        socket.SetRawSocketOption((int)ProtocolType.Tcp, 13, "cubic"u8);
        socket.Connect(IPEndPoint.Parse(target));
        byte[] buffer = new byte[Chunk];
        try
        {
            while ((does == "read" ? socket.Receive(buffer) : socket.Send(buffer)) > 0) { }
        }
        catch (SocketException)
        {
            // Reset: that is how the measurement ends.
        }
        return 0;
    }

    private static void Configure(params string[] words)
    {
        using Process ip = Process.Start("ip", words);
        ip.WaitForExit();
        if (ip.ExitCode != 0) throw new InvalidOperationException($"ip {string.Join(' ', words)} failed.");
    }
}
