using System.Net;
using Ginnel.Tests;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ginnel.AspNetCore.Tests;

/// <summary>Kestrel on the server of two hosts that a memory link joins, and an HttpClient on the other one.</summary>
internal sealed class KestrelServer : IAsyncDisposable
{
    private KestrelServer(TestNetwork network, WebApplication app)
    {
        (Network, App) = (network, app);
        Client = CreateClient();
    }

    internal TestNetwork Network { get; }
    internal WebApplication App { get; }
    internal HttpClient Client { get; }

    internal ICollection<string> Addresses => App.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;

    internal IPEndPoint EndPoint => EndPointOf(new Uri(Addresses.First()));

    private static IPEndPoint EndPointOf(Uri address) => new(IPAddress.Parse(address.DnsSafeHost), address.Port);

    /// <summary>Serves on port 80 of 10.0.0.2 unless told otherwise.</summary>
    internal static async Task<KestrelServer> StartAsync(
        Action<WebApplication> map, Action<ListenOptions>? listen = null, NetworkHostTransportOptions? options = null,
        Action<KestrelServerOptions>? kestrel = null, TestNetwork? network = null)
    {
        network ??= new TestNetwork();
        WebApplicationBuilder builder = NewBuilder();
        builder.WebHost.UseNetworkHost(network.Server, options);
        builder.WebHost.ConfigureKestrel(kestrel ?? (server => server.Listen(TestNetwork.ServerEnd(80), listen ?? (static _ => { }))));
        WebApplication app = builder.Build();
        map(app);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new KestrelServer(network, app);
    }

    internal static WebApplicationBuilder NewBuilder()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        return builder;
    }

    internal HttpClient CreateClient(Action<SocketsHttpHandler>? configure = null)
    {
        SocketsHttpHandler handler = Network.Client.CreateHandler();
        configure?.Invoke(handler);
        return new HttpClient(handler) { BaseAddress = new Uri(Addresses.First()) };
    }

    internal ValueTask<TcpStream> ConnectAsync() => Network.Client.ConnectAsync(EndPoint, TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await App.DisposeAsync();
        await Network.DisposeAsync();
    }
}
