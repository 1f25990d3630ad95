using System.Net;
using System.Net.Sockets;
using Ginnel.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Ginnel.AspNetCore.Tests;

/// <summary>Where a server listens: on a host, on several, beside the operating system, on listeners of other kinds; and what is refused.</summary>
public sealed class BindingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_port_that_the_host_chooses_is_shown()
    {
        await using KestrelServer server = await KestrelServer.StartAsync(app => app.MapGet("/", () => "here"), kestrel: options =>
        {
            options.Listen(TestNetwork.ServerEnd(0));
            options.Listen(new IPEndPoint(IPAddress.Parse("fd00::2"), 0));
        });
        Assert.Equal(["http://10.0.0.2", "http://[fd00::2]"], server.Addresses.Select(address => address[..address.LastIndexOf(':')]));
        Assert.All(server.Addresses, address => Assert.InRange(new Uri(address).Port, 1_024, 65_535));
        foreach (string address in server.Addresses) Assert.Equal("here", await server.Client.GetStringAsync(new Uri(address), Token));
    }

    [Theory]
    [InlineData("http://10.0.0.2:8080", "http://10.0.0.2:8080/")]
    [InlineData("http://[fd00::2]:8080", "http://[fd00::2]:8080/")]
    [InlineData("http://*:8080", "http://10.0.0.2:8080/")]
    [InlineData("http://0.0.0.0:8080", "http://10.0.0.2:8080/")]
    public async Task Urls_are_the_hosts(string url, string asked)
    {
        await using TestNetwork network = new();
        WebApplicationBuilder builder = KestrelServer.NewBuilder();
        builder.WebHost.UseNetworkHost(network.Server).UseUrls(url);
        await using WebApplication app = builder.Build();
        app.MapGet("/", (HttpContext context) => $"{context.Request.Host}");
        await app.StartAsync(Token);
        using HttpClient client = new(network.Client.CreateHandler());
        Assert.Equal(new Uri(asked).Authority, await client.GetStringAsync(new Uri(asked), Token));
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        await using TestNetwork network = new();
        await using StackListener first = network.Server.Listen(TestNetwork.ServerEnd(80));
        IOException failure = await Assert.ThrowsAsync<IOException>(() => KestrelServer.StartAsync(_ => { }, network: network));
        Assert.Equal("10.0.0.2:80 of the network host server is taken already.", Assert.IsType<AddressInUseException>(failure.InnerException).Message);
    }

    [Fact]
    public async Task An_address_that_the_host_has_not_is_served_once_it_has()
    {
        LogLines log = new();
        await using TestNetwork network = new();
        NetworkHostTransportFactory factory = new(network.Server, loggers: log);
        await using IConnectionListener listener = await factory.BindAsync(new IPEndPoint(IPAddress.Parse("10.0.0.77"), 80), Token);
        Assert.Equal("10.0.0.77 is no address of the network host server, which has 10.0.0.2/24, fd00::2/64: nothing arrives at 10.0.0.77:80 yet.", Assert.Single(log.Lines));
        network.ServerInterface.AddAddress(InterfaceAddress.Parse("10.0.0.77/24"));
        using TcpStream client = await network.Client.ConnectAsync(new IPEndPoint(IPAddress.Parse("10.0.0.77"), 80), Token);
        ConnectionContext? served = await listener.AcceptAsync(Token);
        Assert.Equal(client.LocalEndPoint, served!.RemoteEndPoint);
        await served.DisposeAsync();
    }

    [Fact]
    public async Task Several_hosts_and_the_operating_system_are_served_at_once()
    {
        await using TestNetwork one = new(), other = new();
        string folder = Directory.CreateTempSubdirectory("ginnel-kestrel-").FullName;
        string path = Path.Combine(folder, "socket");
        try
        {
            WebApplicationBuilder builder = KestrelServer.NewBuilder();
            builder.WebHost.UseNetworkHosts();
            builder.WebHost.ConfigureKestrel(options =>
            {
                options.Listen(one.Server, TestNetwork.ServerEnd(80));
                options.Listen(other.Server, TestNetwork.ServerEnd(80), listen => listen.Protocols = HttpProtocols.Http1);
                options.ListenUnixSocket(path);
            });
            await using WebApplication app = builder.Build();
            app.MapGet("/", (HttpContext context) => $"{context.Connection.RemoteIpAddress}");
            await app.StartAsync(Token);
            Assert.Equal(["http://10.0.0.2:80", "http://10.0.0.2:80", $"http://unix:{path}"], Addresses(app));
            foreach (TestNetwork network in (TestNetwork[])[one, other])
            {
                using HttpClient client = new(network.Client.CreateHandler());
                Assert.Equal("10.0.0.1", await client.GetStringAsync(new Uri("http://10.0.0.2/"), Token));
            }
            using HttpClient beside = new(UnixHandler(path));
            Assert.Equal("", await beside.GetStringAsync(new Uri("http://unix/"), Token));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_listener_of_the_operating_system_serves_too()
    {
        string folder = Directory.CreateTempSubdirectory("ginnel-kestrel-").FullName;
        string path = Path.Combine(folder, "control");
        try
        {
            HostListener listener = HostListener.Listen(new UnixDomainSocketEndPoint(path), mode: UnixFileMode.UserRead | UnixFileMode.UserWrite);
            WebApplicationBuilder builder = KestrelServer.NewBuilder();
            builder.WebHost.UseNetworkHosts();
            builder.WebHost.ConfigureKestrel(options => options.Listen(listener));
            await using (WebApplication app = builder.Build())
            {
                app.MapPost("/", (HttpContext context) => context.Request.Body.CopyToAsync(context.Response.Body));
                await app.StartAsync(Token);
                Assert.Equal([$"http://unix:{path}"], Addresses(app));
                using HttpClient client = new(UnixHandler(path));
                using HttpResponseMessage answer = await client.PostAsync(new Uri("http://unix/"), new StringContent("said"), Token);
                Assert.Equal("said", await answer.Content.ReadAsStringAsync(Token));
            }
            // The server has ended its listener, and with it the socket's file.
            Assert.False(File.Exists(path));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Every_address_there_is_can_be_served_at_once()
    {
        await using TestNetwork network = new(anyIp: true);
        WebApplicationBuilder builder = KestrelServer.NewBuilder();
        builder.WebHost.UseNetworkHosts();
        builder.WebHost.ConfigureKestrel(options => options.Listen(network.Server.AcceptConnections()));
        await using WebApplication app = builder.Build();
        app.MapGet("/", (HttpContext context) => $"{context.Connection.LocalIpAddress}:{context.Connection.LocalPort}");
        await app.StartAsync(Token);
        using HttpClient client = new(network.Client.CreateHandler());
        foreach (string address in (string[])["192.0.2.1:80", "198.51.100.7:8080"])
            Assert.Equal(address, await client.GetStringAsync(new Uri($"http://{address}/"), Token));
    }

    [Fact]
    public async Task A_listener_is_bound_once()
    {
        await using TestNetwork network = new();
        ListenerEndPoint endPoint = new(network.Server.Listen(TestNetwork.ServerEnd(80)));
        NetworkHostTransportFactory factory = new();
        await using IConnectionListener first = await factory.BindAsync(endPoint, Token);
        await Assert.ThrowsAsync<AddressInUseException>(async () => await factory.BindAsync(endPoint, Token));
    }

    [Fact]
    public async Task Endpoints_of_other_kinds_are_left_to_others()
    {
        await using TestNetwork network = new();
        NetworkHostTransportFactory any = new(), own = new(network.Server);
        Assert.True(any.CanBind(new NetworkHostEndPoint(network.Server, TestNetwork.ServerEnd(80))));
        Assert.False(any.CanBind(TestNetwork.ServerEnd(80)));
        Assert.True(own.CanBind(TestNetwork.ServerEnd(80)));
        Assert.False(own.CanBind(new UnixDomainSocketEndPoint("socket")));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await any.BindAsync(TestNetwork.ServerEnd(80), Token));
    }

    [Fact]
    public async Task HTTP3_is_refused_before_it_opens_a_port_of_the_operating_system()
    {
        await using TestNetwork network = new();
        WebApplicationBuilder builder = KestrelServer.NewBuilder();
        builder.WebHost.UseNetworkHost(network.Server);
        builder.WebHost.ConfigureKestrel(options => options.Listen(TestNetwork.ServerEnd(443), listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2AndHttp3;
            listen.UseHttps(ProtocolTests.SelfSigned("site.example"));
        }));
        await using WebApplication app = builder.Build();
        NotSupportedException failure = await Assert.ThrowsAsync<NotSupportedException>(() => app.StartAsync(Token));
        Assert.StartsWith("HTTP/3 cannot be spoken on 10.0.0.2:443", failure.Message);
    }

    [Fact]
    public async Task Listening_without_the_transport_says_what_is_missing()
    {
        await using TestNetwork network = new();
        KestrelServerOptions options = new() { ApplicationServices = new ServiceCollection().BuildServiceProvider() };
        InvalidOperationException failure = Assert.Throws<InvalidOperationException>(() => options.Listen(network.Server, TestNetwork.ServerEnd(80)));
        Assert.Equal("Kestrel cannot listen on 10.0.0.2:80 yet: call UseNetworkHosts or UseNetworkHost on the web host.", failure.Message);
    }

    [Theory]
    [InlineData(0, 1, 1)]
    [InlineData(65_536, 1, 1)]
    [InlineData(1, -1, 1)]
    [InlineData(1, 1, -1)]
    public void Limits_have_their_ranges(int backlog, long read, long write) => Assert.Throws<ArgumentOutOfRangeException>(() =>
        new NetworkHostTransportFactory(options: new NetworkHostTransportOptions { Backlog = backlog, MaxReadBufferSize = read, MaxWriteBufferSize = write }));

    private static IEnumerable<string> Addresses(WebApplication app) =>
        app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;

    private static SocketsHttpHandler UnixHandler(string path) => new()
    {
        ConnectCallback = async (_, cancellationToken) =>
        {
            Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };
}
