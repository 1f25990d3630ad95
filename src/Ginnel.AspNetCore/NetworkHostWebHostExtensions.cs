using System.Buffers;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace Ginnel.AspNetCore;

/// <summary>Kestrel on a <see cref="NetworkHost"/>.</summary>
public static class NetworkHostWebHostExtensions
{
    /// <summary>
    /// Serves on a host instead of the operating system: every IP endpoint that Kestrel is told of (<c>UseUrls</c>, <c>Listen</c>,
    /// configuration) is one of this host. Nothing is opened on the operating system but Unix sockets and pipes that are asked for; an
    /// endpoint that is to speak HTTP/3, which is not carried, is refused.
    /// </summary>
    /// <param name="builder">The web host.</param>
    /// <param name="host">The host, which must outlive the server.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    public static IWebHostBuilder UseNetworkHost(this IWebHostBuilder builder, NetworkHost host, NetworkHostTransportOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        return builder.UseTransport(host, options);
    }

    /// <summary>
    /// Lets <see cref="Listen(KestrelServerOptions, NetworkHost, IPEndPoint, Action{ListenOptions}?)"/> and its like be used, beside
    /// ordinary endpoints, which stay the operating system's.
    /// </summary>
    /// <param name="builder">The web host.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    public static IWebHostBuilder UseNetworkHosts(this IWebHostBuilder builder, NetworkHostTransportOptions? options = null) =>
        builder.UseTransport(null, options);

    /// <summary>Listens on an endpoint of a host.</summary>
    /// <param name="server">The server's options.</param>
    /// <param name="host">The host, which must outlive the server.</param>
    /// <param name="local">One of its addresses and a port; port 0 chooses one.</param>
    /// <param name="configure">What is not ordinary about the endpoint: HTTPS, its protocols.</param>
    /// <exception cref="InvalidOperationException">The web host was not told to <see cref="UseNetworkHosts"/>.</exception>
    public static void Listen(this KestrelServerOptions server, NetworkHost host, IPEndPoint local, Action<ListenOptions>? configure = null) =>
        server.ListenOn(new NetworkHostEndPoint(host, local), configure);

    /// <summary>Serves what arrives at a listener of any kind, and disposes of it when the server stops.</summary>
    /// <param name="server">The server's options.</param>
    /// <param name="listener">The listener.</param>
    /// <param name="configure">What is not ordinary about the endpoint: HTTPS, its protocols.</param>
    /// <exception cref="InvalidOperationException">The web host was not told to <see cref="UseNetworkHosts"/>.</exception>
    public static void Listen(this KestrelServerOptions server, IListener listener, Action<ListenOptions>? configure = null) =>
        server.ListenOn(new ListenerEndPoint(listener), configure);

    private static void ListenOn(this KestrelServerOptions server, EndPoint endPoint, Action<ListenOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(server);
        IEnumerable<IConnectionListenerFactory> factories = server.ApplicationServices.GetServices<IConnectionListenerFactory>();
        if (!factories.OfType<NetworkHostTransportFactory>().Any())
            throw new InvalidOperationException($"Kestrel cannot listen on {endPoint} yet: call {nameof(UseNetworkHosts)} or {nameof(UseNetworkHost)} on the web host.");
        server.Listen(endPoint, configure ?? (static _ => { }));
    }

    private static IWebHostBuilder UseTransport(this IWebHostBuilder builder, NetworkHost? host, NetworkHostTransportOptions? options)
    {
        ArgumentNullException.ThrowIfNull(builder);
        options?.Check();
        return builder.ConfigureServices(services =>
        {
            // Kestrel adds its sockets only where no transport is yet, and asks the last one added first.
            services.TryAddSingleton<IConnectionListenerFactory, SocketTransportFactory>();
            services.AddSingleton<IConnectionListenerFactory>(provider => new NetworkHostTransportFactory(
                host, options, provider.GetService<IMemoryPoolFactory<byte>>(), provider.GetService<ILoggerFactory>()));
            services.AddSingleton<IMultiplexedConnectionListenerFactory>(new Http3Refusal(takesIp: host is not null));
        });
    }
}
