// HTTP inside a WireGuard tunnel: Kestrel serves on an address that only the tunnel has, and HttpClient dials through it. No interface, no
// route, no privilege, not even for port 80.
//
//   dotnet run --project samples/wireguard-http                                    both ends in this process, over loopback, with fresh keys
//   dotnet run --project samples/wireguard-http -- serve wg-server.conf            serves on the Address of a file as wg-quick has them
//   dotnet run --project samples/wireguard-http -- get wg-client.conf http://…/    fetches through another one's tunnel
using System.Net;
using System.Security.Cryptography;
using Ginnel;
using Ginnel.AspNetCore;
using Ginnel.Linux.Carriers;
using Ginnel.Proxy;
using Ginnel.WireGuard;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

switch (args)
{
    case ["serve", string file]:
    {
        ProxyConfiguration ours = WireGuardFile.Load(file);
        await using NetworkHost host = Join(Open(ours, IPAddress.IPv6Any), ours);
        await Serve(host, ours.Addresses[0].Address).RunAsync();
        return;
    }
    case ["get", string file, string address]:
    {
        ProxyConfiguration ours = WireGuardFile.Load(file);
        await using NetworkHost host = Join(Open(ours, IPAddress.IPv6Any), ours);
        using (HttpClient client = new(host.CreateHandler())) Console.WriteLine(await client.GetStringAsync(new Uri(address)));
        // Lets the end of the connection reach the other side before the tunnel is gone.
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(2));
        await host.StopAsync(patience.Token);
        return;
    }
    case []:
        await DemonstrateAsync();
        return;
    default:
        Console.Error.WriteLine("usage: wireguard-http [serve FILE | get FILE ADDRESS]");
        Environment.ExitCode = 2;
        return;
}

// The same with both ends here: two keys, two UDP ports of the loopback, and each end told of the other.
static async Task DemonstrateAsync()
{
    ProxyConfiguration serving = Fresh("10.90.0.1/24"), fetching = Fresh("10.90.0.2/24");
    WireGuardLink serverLink = Open(serving, IPAddress.Loopback), clientLink = Open(fetching, IPAddress.Loopback);
    serverLink.AddPeer(new WireGuardPeerOptions { PublicKey = clientLink.PublicKey, AllowedIps = [IPNetwork.Parse("10.90.0.2/32")] });
    clientLink.AddPeer(new WireGuardPeerOptions { PublicKey = serverLink.PublicKey, AllowedIps = [IPNetwork.Parse("10.90.0.1/32")], Endpoint = serverLink.LocalEndPoint });
    await using NetworkHost server = Join(serverLink, serving), client = Join(clientLink, fetching);
    await using WebApplication site = Serve(server, serving.Addresses[0].Address);
    await site.StartAsync();
    using HttpClient http = new(client.CreateHandler());
    Console.WriteLine(await http.GetStringAsync(new Uri("http://10.90.0.1/")));
    await site.StopAsync();
}

static ProxyConfiguration Fresh(string address) =>
    new() { PrivateKey = RandomNumberGenerator.GetBytes(32), Addresses = [InterfaceAddress.Parse(address)] };

// The tunnel: WireGuard over a UDP port.
static WireGuardLink Open(ProxyConfiguration ours, IPAddress outside) => new(
    ours.PrivateKey, UdpSegmentCarrier.Bind(new IPEndPoint(outside, ours.ListenPort)), new WireGuardOptions { Mtu = ours.Mtu, Peers = ours.Peers });

// A host inside it, with a TCP/IP stack of its own.
static NetworkHost Join(WireGuardLink link, ProxyConfiguration ours)
{
    NetworkHost host = new(new NetworkHostOptions { Name = "tunnel" });
    HostInterface way = host.AddInterface(new HostInterfaceOptions { Name = "wireguard", Link = link.Properties, Addresses = ours.Addresses });
    foreach (IPNetwork network in ours.Peers.SelectMany(peer => peer.AllowedIps).Distinct()) host.AddRoute(network, way);
    if (ours.NameServers.Count > 0)
        host.Resolver = new DnsClient(host.Dialer, new DnsClientOptions { Servers = [.. ours.NameServers.Select(server => new IPEndPoint(server, 53))] });
    host.Attach(way, link);
    return host;
}

// Kestrel on it: one line, and its addresses are the host's.
static WebApplication Serve(NetworkHost host, IPAddress address)
{
    WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
    builder.WebHost.UseNetworkHost(host).UseUrls($"http://{new IPEndPoint(address, 80)}");
    WebApplication site = builder.Build();
    site.MapGet("/", (HttpContext context) => $"Hello {context.Connection.RemoteIpAddress}, this is {context.Connection.LocalIpAddress}, inside the tunnel.");
    return site;
}
