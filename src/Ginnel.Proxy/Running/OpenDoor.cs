using System.Net;
using System.Net.Sockets;
using Ginnel.ProxyProtocols;

namespace Ginnel.Proxy;

/// <summary>A door that is open, and the relays behind it.</summary>
internal sealed class OpenDoor : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly IAsyncDisposable _listener;
    // Of connections first.
    private readonly List<Task> _relays = [];

    /// <summary>Opens it.</summary>
    /// <exception cref="IOException">Its port cannot be opened.</exception>
    public OpenDoor(ProxyDoor door, ProxySides sides, FlowRegistry flows)
    {
        NetworkHost inside = sides.Inside;
        string origin = door.Kind == DoorKind.Socks5 ? "socks5" : "http";
        HostListener clients = Listen(door, origin, sides.Streams);
        LocalEndPoint = clients.LocalEndPoint;
        RelayOptions options = new() { Flows = flows, Scheduler = sides.Scheduler };
        if (door.Kind == DoorKind.Http)
        {
            HttpProxyListener http = new(clients, new HttpProxyOptions { Credentials = door.Credentials });
            _listener = http;
            _relays.Add(new Relay(http, inside.Dialer, options).RunAsync(_stop.Token));
            return;
        }
        Socks5Listener socks = new(clients, new Socks5Options
        {
            Credentials = door.Credentials,
            BindDatagrams = local => sides.Datagrams.BindUdp(local),
            Resolver = inside.Resolver,
            ListenForBind = (flow, _) => new(ListenInside(inside, flow)),
            BindFlows = flows,
        });
        _listener = socks;
        _relays.Add(new Relay(socks, inside.Dialer, options).RunAsync(_stop.Token));
        _relays.Add(new DatagramRelay(socks, inside.Dialer, options).RunAsync(_stop.Token));
    }

    /// <summary>Where it listens.</summary>
    public EndPoint LocalEndPoint { get; }

    /// <summary>Completes once the last connection has ended after the door was closed. Datagrams have no end that could be waited for.</summary>
    public Task Drained => _relays[0];

    /// <summary>Nobody comes in any more; connections go on until they end.</summary>
    public ValueTask CloseAsync() => _listener.DisposeAsync();

    /// <summary>Ends everything at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await CloseAsync().ConfigureAwait(false);
        await Task.WhenAll(_relays).WaitAsync(TimeSpan.FromSeconds(2)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private static HostListener Listen(ProxyDoor door, string origin, IHostStreamSockets streams)
    {
        try
        {
            return HostListener.Listen(door.Local, origin, streams: streams);
        }
        catch (SocketException failure)
        {
            throw new IOException($"{door} cannot be opened: {failure.Message}", failure);
        }
    }

    // The peer of a BIND comes through the tunnel, to an address of ours of its own family.
    private static ListenResult ListenInside(NetworkHost inside, FlowInfo flow)
    {
        AddressFamily family = (flow.Destination as IPEndPoint)?.AddressFamily ?? AddressFamily.InterNetwork;
        IPAddress? own = inside.Interfaces.SelectMany(way => way.Addresses).Select(one => one.Address).OrderByDescending(address => address.AddressFamily == family).FirstOrDefault();
        if (own is null) return ListenResult.Failed(new DialFailure(DialFailureKind.NetworkUnreachable, "the tunnel has no address"));
        try
        {
            StackListener listener = inside.Listen(new IPEndPoint(own, 0), backlog: 1);
            return ListenResult.Listening(listener, listener.LocalEndPoint);
        }
        catch (SocketException failure)
        {
            return ListenResult.Failed(DialFailures.From(failure.SocketErrorCode));
        }
    }
}
