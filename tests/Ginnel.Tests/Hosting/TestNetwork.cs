using System.Net;
using Ginnel.Netstack;
using Ginnel.Testing;

namespace Ginnel.Tests;

/// <summary>Two hosts, 10.0.0.1 and 10.0.0.2 (and fd00::1, fd00::2), joined by a memory link; time stands still unless a test moves it.</summary>
internal sealed class TestNetwork : IAsyncDisposable
{
    private readonly bool _ownsRuntime;

    internal TestNetwork(
        bool anyIp = false, LinkMedium medium = LinkMedium.Ip, TcpOptions? tcp = null, int capacity = 256,
        LinkOffloads offloads = LinkOffloads.All, NetworkRuntime? runtime = null)
    {
        Time = runtime?.Time as SimulatedTime ?? new SimulatedTime();
        _ownsRuntime = runtime is null;
        Runtime = runtime ?? new NetworkRuntime(new NetworkRuntimeOptions { Time = Time });
        Client = new NetworkHost(new NetworkHostOptions { Name = "client", Runtime = Runtime, Tcp = tcp ?? new TcpOptions() });
        Server = new NetworkHost(new NetworkHostOptions { Name = "server", Runtime = Runtime, Tcp = tcp ?? new TcpOptions() });
        ClientInterface = Client.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse("10.0.0.1/24"), InterfaceAddress.Parse("fd00::1/64")] });
        ServerInterface = Server.AddInterface(new HostInterfaceOptions
        {
            Addresses = [InterfaceAddress.Parse("10.0.0.2/24"), InterfaceAddress.Parse("fd00::2/64")],
            AnyIp = anyIp,
        });
        Client.AddRoute(IPNetwork.Parse("0.0.0.0/0"), ClientInterface);
        Client.AddRoute(IPNetwork.Parse("::/0"), ClientInterface);
        (MemoryLink a, MemoryLink b) = MemoryLink.CreatePair(1500, medium, offloads, capacity);
        ClientLink = Client.Attach(ClientInterface, a);
        ServerLink = Server.Attach(ServerInterface, b);
    }

    internal SimulatedTime Time { get; }
    internal NetworkRuntime Runtime { get; }
    internal NetworkHost Client { get; }
    internal NetworkHost Server { get; }
    internal HostInterface ClientInterface { get; }
    internal HostInterface ServerInterface { get; }
    internal LinkAttachment ClientLink { get; }
    internal LinkAttachment ServerLink { get; }

    internal static IPEndPoint ServerEnd(int port) => new(IPAddress.Parse("10.0.0.2"), port);

    /// <summary>A connection, and its end at the server.</summary>
    internal async Task<(TcpStream Client, TcpStream Server)> ConnectAsync(int port = 80)
    {
        await using StackListener listener = Server.Listen(new IPEndPoint(IPAddress.Any, port));
        ValueTask<TcpStream> connecting = Client.ConnectAsync(ServerEnd(port), TestContext.Current.CancellationToken);
        TcpStream? accepted = await listener.AcceptStreamAsync(TestContext.Current.CancellationToken);
        return (await connecting, accepted!);
    }

    /// <summary>Joins the two hosts by another link, whose packets are written to a file.</summary>
    internal async Task CaptureAsync(CaptureFile file)
    {
        await Client.DetachAsync(ClientInterface);
        await ServerLink.Completion;
        (MemoryLink a, MemoryLink b) = MemoryLink.CreatePair();
        Client.Attach(ClientInterface, new CaptureLink(a, file));
        Server.Attach(ServerInterface, b);
    }

    public async ValueTask DisposeAsync()
    {
        await Client.DisposeAsync();
        await Server.DisposeAsync();
        if (_ownsRuntime) Runtime.Dispose();
    }
}
