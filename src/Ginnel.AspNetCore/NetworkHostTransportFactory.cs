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
    /// <exception cref="SocketException">The address cannot be listened on, or the host has no room for another socket.</exception>
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
            StackListener listener = host.Listen(local, _options.Backlog);
            WarnOfForeignAddress(host, listener.LocalEndPoint);
            return listener;
        }
        catch (SocketException failure) when (failure.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            throw new AddressInUseException($"{local} of the network host {host.Name} is taken already.", failure);
        }
    }

    // A host may be given the address later, or take every address; but who mistyped it would wait for ever without a word.
    private void WarnOfForeignAddress(NetworkHost host, IPEndPoint local)
    {
        if (local.Address.Equals(IPAddress.Any) || local.Address.Equals(IPAddress.IPv6Any)) return;
        InterfaceAddress[] own = [.. host.Interfaces.SelectMany(way => way.Addresses)];
        if (own.Any(address => address.Address.Equals(local.Address))) return;
        TransportLog.ForeignAddress(_logger, local.Address, host.Name, own.Length == 0 ? "none" : string.Join(", ", own), local);
    }
}
