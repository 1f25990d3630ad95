using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Ginnel.AspNetCore;

/// <summary>
/// Lets Kestrel, or whatever else takes an <see cref="IConnectionListenerFactory"/>, listen on a <see cref="NetworkHost"/>. It binds
/// <see cref="NetworkHostEndPoint"/> and <see cref="ListenerEndPoint"/>, and leaves other endpoints to other transports; made for one host, it
/// takes every <see cref="IPEndPoint"/> too, so that none is opened on the operating system by mistake.
/// </summary>
public sealed class NetworkHostTransportFactory : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    private readonly NetworkHost? _host;
    private readonly NetworkHostTransportOptions _options;
    private readonly IMemoryPoolFactory<byte>? _pools;
    private readonly ILogger _logger;

    /// <summary>A factory.</summary>
    /// <param name="host">Whose addresses an <see cref="IPEndPoint"/> means; null to take only endpoints that name their host.</param>
    /// <param name="options">Limits; null for the defaults.</param>
    /// <param name="pools">Where buffers come from; null for the process's shared pool.</param>
    /// <param name="loggers">Who is told of connections that end badly; null for nobody.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit is out of its range.</exception>
    public NetworkHostTransportFactory(
        NetworkHost? host = null, NetworkHostTransportOptions? options = null, IMemoryPoolFactory<byte>? pools = null, ILoggerFactory? loggers = null)
    {
        _host = host;
        _options = options ?? new NetworkHostTransportOptions();
        _options.Check();
        _pools = pools;
        _logger = (loggers ?? NullLoggerFactory.Instance).CreateLogger<NetworkHostTransportFactory>();
    }

    /// <inheritdoc/>
    public bool CanBind(EndPoint endpoint) => endpoint is NetworkHostEndPoint or ListenerEndPoint || (_host is not null && endpoint is IPEndPoint);

    /// <summary>Listens.</summary>
    /// <exception cref="AddressInUseException">The port is taken, or the listener is bound already.</exception>
    /// <exception cref="SocketException">The host has no such address, or no room for another socket.</exception>
    /// <exception cref="NotSupportedException">The endpoint is of another kind.</exception>
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        cancellationToken.ThrowIfCancellationRequested();
        switch (endpoint)
        {
            case NetworkHostEndPoint named:
                StackListener listener = Open(named.Host, named.Local);
                return new(Serve(listener, new NetworkHostEndPoint(named.Host, listener.LocalEndPoint)));
            case IPEndPoint local when _host is not null:
                StackListener own = Open(_host, local);
                return new(Serve(own, own.LocalEndPoint));
            case ListenerEndPoint any:
                if (!any.TryTake()) throw new AddressInUseException($"The listener {any.Name} is served already; a listener can be bound once.");
                return new(Serve(any.Listener, any));
            default:
                throw new NotSupportedException($"{endpoint} is a {endpoint.GetType().Name}; a network host binds {nameof(NetworkHostEndPoint)} and {nameof(ListenerEndPoint)}.");
        }
    }

    private ListenerTransport Serve(IListener listener, EndPoint shown) =>
        new(listener, shown, new TransportSettings(_options, _pools?.Create(new MemoryPoolOptions { Owner = "ginnel" }), _logger));

    private StackListener Open(NetworkHost host, IPEndPoint local)
    {
        try
        {
            return host.Listen(local, _options.Backlog);
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException($"{local} of the network host {host.Name} is taken already.", failure);
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AddressNotAvailable)
        {
            string own = string.Join(", ", host.Interfaces.SelectMany(way => way.Addresses));
            throw new SocketException((int)failure.SocketErrorCode, $"{local.Address} is no address of the network host {host.Name}; it has {(own.Length == 0 ? "none yet" : own)}.");
        }
    }
}
