using System.Net;

namespace Ginnel.Tests;

/// <summary>
/// A guest whose every packet goes to a gateway in any-IP mode; the gateway's relays dial by a host of another network, where 192.0.2.80
/// is a server. Nothing here touches the operating system's network.
/// </summary>
internal sealed class GatewayNetwork : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _relaying;

    internal GatewayNetwork(RelayOptions? options = null, IDialer? dialer = null)
    {
        Inside = new TestNetwork(anyIp: true);
        Outside = new TestNetwork();
        Outside.ServerInterface.AddAddress(InterfaceAddress.Parse("192.0.2.80/24"));
        Outside.ServerInterface.AddAddress(InterfaceAddress.Parse("192.0.2.81/24"));
        Outside.ServerInterface.AddAddress(InterfaceAddress.Parse("2001:db8::80/64"));
        IDialer way = dialer ?? Outside.Client.Dialer;
        Connections = Inside.Server.AcceptConnections();
        Ports = Inside.Server.AcceptPorts();
        Relay = new Relay(Connections, way, options);
        Datagrams = new DatagramRelay(Ports, way, options);
        _relaying = Task.WhenAll(Relay.RunAsync(_stop.Token), Datagrams.RunAsync(_stop.Token));
    }

    internal TestNetwork Inside { get; }
    internal TestNetwork Outside { get; }
    internal NetworkHost Guest => Inside.Client;
    internal NetworkHost World => Outside.Server;
    internal IListener Connections { get; }
    internal IPortListener Ports { get; }
    internal Relay Relay { get; }
    internal DatagramRelay Datagrams { get; }

    internal static IPEndPoint WorldEnd(int port) => new(IPAddress.Parse("192.0.2.80"), port);

    /// <summary>Another address of the world.</summary>
    internal static IPEndPoint OtherEnd(int port) => new(IPAddress.Parse("192.0.2.81"), port);

    /// <summary>A connection of the guest through the relay, and its end in the world.</summary>
    internal async Task<(TcpStream Guest, TcpStream World)> ConnectAsync(int port = 80)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        await using StackListener listener = World.Listen(new IPEndPoint(IPAddress.Any, port));
        ValueTask<TcpStream> connecting = Guest.ConnectAsync(WorldEnd(port), token);
        TcpStream? accepted = await listener.AcceptStreamAsync(token);
        return (await connecting, accepted!);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _relaying;
        await Inside.DisposeAsync();
        await Outside.DisposeAsync();
        _stop.Dispose();
    }
}
