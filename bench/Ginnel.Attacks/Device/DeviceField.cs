using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Events;
using Ginnel.Linux.Links;
using Ginnel.Linux.Netlink;
using Ginnel.Linux.Streams;
using Ginnel.Versus.Ends;

namespace Ginnel.Attacks.Device;

/// <summary>
/// A stack of ours on a TUN device with all its offloads, as <c>ginnel run</c> has it: one loop for the device, the stack, its users and the host's
/// sockets. In the namespace behind it the kernel has an honest program and a dishonest one.
/// </summary>
internal sealed class DeviceField : IAsyncDisposable
{
    internal const long MemoryLimit = 256L << 20;

    /// <summary>Half-open connections that the listener remembers.</summary>
    internal const int Backlog = 1_024;

    private const int Mtu = 1500, Port = 80;
    private static readonly IPAddress Gateway = IPAddress.Parse("10.8.0.1"), Guest = IPAddress.Parse("10.8.0.2");
    private static readonly IPEndPoint Honest = IPEndPoint.Parse("203.0.113.7:80"), Attacked = IPEndPoint.Parse("203.0.113.8:80");

    private readonly EventLoop _loop = new("device", runsContinuations: true);
    private readonly NetworkRuntime _runtime;
    private readonly TunLink _device;
    private readonly CancellationTokenSource _stop = new();
    private readonly Socket _upstream = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <param name="anyIp">Whether every address is answered by a dial, and otherwise by a listener.</param>
    /// <param name="isSilent">Whether the dials of the attack are never answered; otherwise they connect at once, to the host's loopback.</param>
    internal DeviceField(bool anyIp, bool isSilent)
    {
        _runtime = new NetworkRuntime(new NetworkRuntimeOptions { Completions = _loop });
        Host = new NetworkHost(new NetworkHostOptions { Name = "victim", Runtime = _runtime, MemoryLimit = MemoryLimit });
        _device = Space.Run(() =>
        {
            TunLink device = TunLink.Open("victim", Mtu);
            using RouteSocket route = RouteSocket.Open();
            int index = RouteSocket.IndexOf(device.Name);
            route.AddAddress(index, Guest, 24);
            route.BringUp(index, Mtu);
            route.AddDefaultRoute(index, Gateway);
            return device;
        });
        _device.EventLoop = _loop;
        HostInterface way = Host.AddInterface(new HostInterfaceOptions { Addresses = [new InterfaceAddress(Gateway, 24)], AnyIp = anyIp, IpV6 = false, Link = _device.Properties });
        // Whatever address the packets say they come from: what came by this link is answered by it.
        Host.AddRoute(new IPNetwork(IPAddress.Any, 0), way, Guest);
        Destination = anyIp ? Honest : new IPEndPoint(Gateway, Port);
        Target = anyIp ? Attacked : Destination;
        if (anyIp) Relay(isSilent);
        else _ = Sink.ServeAsync(Host.Listen(Destination, Backlog));
        Host.Attach(way, _device);
    }

    internal Space Space { get; } = new();
    internal NetworkHost Host { get; }
    internal Sink Sink { get; } = new();
    internal CountedDialer? Dialer { get; private set; }

    /// <summary>Whom the honest connect to.</summary>
    internal IPEndPoint Destination { get; }

    /// <summary>Whom the attack is for.</summary>
    internal IPEndPoint Target { get; }

    /// <summary>A socket of the namespace behind the device, connected to the victim's service; null if that took too long.</summary>
    internal async Task<Socket?> ConnectAsync(TimeSpan patience)
    {
        Socket socket = Space.Run(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { LingerState = new LingerOption(true, 0) });
        socket.SetRawSocketOption(6, 13, "cubic"u8);
        using CancellationTokenSource late = new(patience);
        try
        {
            await socket.ConnectAsync(Destination, late.Token).ConfigureAwait(false);
            return socket;
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>How long a new connection takes to be made and to bring one octet there and back; null if it does not.</summary>
    internal async Task<TimeSpan?> TryAsync(TimeSpan patience)
    {
        long began = Stopwatch.GetTimestamp();
        using Socket? socket = await ConnectAsync(patience).ConfigureAwait(false);
        if (socket is null) return null;
        using CancellationTokenSource late = new(patience);
        try
        {
            byte[] octet = new byte[1];
            await socket.SendAsync(octet, late.Token).ConfigureAwait(false);
            return await socket.ReceiveAsync(octet, late.Token).ConfigureAwait(false) == 1 ? Stopwatch.GetElapsedTime(began) : null;
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException)
        {
            return null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Host.DisposeAsync();
        await _stop.CancelAsync();
        _upstream.Dispose();
        _runtime.Dispose();
        _loop.Dispose();
        Space.Dispose();
        _stop.Dispose();
    }

    // Every dial goes to the host's loopback, whatever its destination.
    private void Relay(bool isSilent)
    {
        _upstream.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _upstream.Listen(4096);
        _ = Sink.ServeAsync(_upstream, _stop.Token);
        IPEndPoint upstream = (IPEndPoint)_upstream.LocalEndPoint!;
        DirectDialer direct = new(new DirectDialerOptions { AllowHostLoopback = true, Redirect = _ => upstream, StreamSockets = new LinuxStreamSockets(_loop) });
        Dialer = new CountedDialer(direct, target => isSilent && target.Equals(Attacked));
        _ = new Relay(Host.AcceptConnections(), Dialer, new RelayOptions { Scheduler = _loop }).RunAsync(_stop.Token);
    }
}
