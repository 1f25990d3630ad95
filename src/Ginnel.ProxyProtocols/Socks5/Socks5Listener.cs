using System.Net;
using System.Threading.Channels;

namespace Ginnel.ProxyProtocols;

/// <summary>
/// SOCKS5 as a way in (RFC 1928, RFC 1929): CONNECT yields connections, UDP ASSOCIATE yields ports, BIND is served whole. A relay dials what
/// is asked for and the client gets the exact reply.
/// </summary>
/// <remarks>
/// The listener gives clients no open door: an association serves the address of its own client only, a BIND its expected peer. Where it
/// listens decides who may use it; without credentials that should be loopback.
/// </remarks>
public sealed class Socks5Listener : IListener, IPortListener
{
    private const int InputCapacity = 4 << 10;
    private readonly Socks5Options _options;
    private readonly ClientLoop _loop;
    private readonly Channel<IPendingPort> _ports;
    private int _associations;
    private int _binds;

    /// <summary>Takes ownership of the listener and begins to accept its clients.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit or time below its least.</exception>
    public Socks5Listener(IListener inner, Socks5Options? options = null)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _options = options ?? new Socks5Options();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxAssociations, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxBinds, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxResolvedNames, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_options.BindTimeout, TimeSpan.Zero, nameof(options));
        ClientLimits limits = ClientLimits.Checked(_options.HandshakeTimeout, _options.MaxHandshakes, _options.Time, nameof(options));
        // Bounded by MaxAssociations, for each stands in it at most once.
        _ports = Channel.CreateUnbounded<IPendingPort>();
        BindFlows = _options.BindFlows ?? new FlowRegistry(limits.Time);
        _loop = new ClientLoop(inner, limits, Incidents, InputCapacity, ServeAsync);
        _loop.Start();
    }

    /// <summary>What was turned away, and why.</summary>
    public ProxyIncidents Incidents { get; } = new();

    /// <summary>Where connections that came by BIND are listed.</summary>
    public FlowRegistry BindFlows { get; }

    /// <summary>Clients that have not finished their request.</summary>
    public int HandshakeCount => _loop.Gate.Count;

    /// <summary>UDP associations that live.</summary>
    public int AssociationCount => Volatile.Read(ref _associations);

    /// <inheritdoc/>
    public ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default) => _loop.AcceptAsync(cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<IPendingPort?> AcceptPortAsync(CancellationToken cancellationToken = default)
    {
        while (await _ports.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
            if (_ports.Reader.TryRead(out IPendingPort? port)) return port;
        return null;
    }

    private async Task<bool> ServeAsync(ProxyClient client, CancellationToken stopping)
    {
        Socks5Handshake handshake = new(client, _options, Incidents);
        if (await _loop.WithinAsync(_options.HandshakeTimeout, handshake.RunAsync).ConfigureAwait(false)) return await ActAsync(client, handshake.Request, stopping).ConfigureAwait(false);
        return await RefuseAsync(client, handshake.Refusal).ConfigureAwait(false);
    }

    private Task<bool> ActAsync(ProxyClient client, Socks5Request request, CancellationToken stopping)
    {
        switch (request.Command)
        {
            case Socks5Command.Connect:
                _loop.Offer(new Socks5Pending(client, client.Asks(FlowProtocol.Tcp, request.Target), _loop.Limits.Time));
                return Task.FromResult(true);
            case Socks5Command.UdpAssociate when _options.BindDatagrams is { } bind:
                return AssociateAsync(client, request, bind);
            case Socks5Command.Bind when _options.ListenForBind is { } listen:
                return BindAsync(client, request, listen, stopping);
            default:
                Incidents.Count(ProxyIncident.Unsupported);
                return RefuseAsync(client, Socks5Reply.Of(Socks5Code.CommandNotSupported));
        }
    }

    private async Task<bool> RefuseAsync(ProxyClient client, ReadOnlyMemory<byte> refusal)
    {
        if (refusal.IsEmpty) return false;
        client.Input.Release();
        await LastWords.SayAsync(client.Stream, refusal, _loop.Limits.Time).ConfigureAwait(false);
        return true;
    }

    private Task<bool> AssociateAsync(ProxyClient client, Socks5Request request, Func<IPEndPoint, BindResult> bind)
    {
        IPEndPoint? local = ProxyTargets.Plain(client.Stream.LocalEndPoint), remote = ProxyTargets.Plain(client.Arrival.Source);
        if (local is null || remote is null)
        {
            // A client on a Unix socket has no address from which its datagrams could be told from others'.
            Incidents.Count(ProxyIncident.Unsupported);
            return RefuseAsync(client, Socks5Reply.Of(Socks5Code.CommandNotSupported));
        }
        if (Interlocked.Increment(ref _associations) > _options.MaxAssociations)
        {
            Interlocked.Decrement(ref _associations);
            Incidents.Count(ProxyIncident.Overflowed);
            return RefuseAsync(client, Socks5Reply.Of(Socks5Code.GeneralFailure));
        }
        BindResult bound = bind(new IPEndPoint(local.Address, 0));
        if (!bound.IsBound)
        {
            Interlocked.Decrement(ref _associations);
            return RefuseAsync(client, Socks5Reply.Of(Socks5Reply.CodeOf(bound.Failure.Kind)));
        }
        // Whatever address the request names: only that of the connection counts. Of its port the client may be sure, or not (section 4).
        IPEndPoint source = new(remote.Address, request.Port);
        Socks5Association association = new(client, source, bound.Port, _options, Incidents, () => Interlocked.Decrement(ref _associations));
        if (!_ports.Writer.TryWrite(association)) association.Reject(new DialFailure(DialFailureKind.Limit, "the listener is closed"));
        return Task.FromResult(true);
    }

    private async Task<bool> BindAsync(
        ProxyClient client, Socks5Request request, Func<FlowInfo, CancellationToken, ValueTask<ListenResult>> listen, CancellationToken stopping)
    {
        if (Interlocked.Increment(ref _binds) > _options.MaxBinds)
        {
            Interlocked.Decrement(ref _binds);
            Incidents.Count(ProxyIncident.Overflowed);
            return await RefuseAsync(client, Socks5Reply.Of(Socks5Code.GeneralFailure)).ConfigureAwait(false);
        }
        try
        {
            FlowInfo flow = client.Asks(FlowProtocol.Tcp, request.Target ?? new IPEndPoint(IPAddress.Any, request.Port));
            Socks5BindPending pending = new(client, flow, _loop.Limits.Time);
            Socks5Bind bind = new(pending, listen, _options.Resolver, Incidents);
            RelayOptions options = new() { Flows = BindFlows, DialTimeout = _options.BindTimeout, Time = _loop.Limits.Time };
            await new Relay(bind, bind, options).RunAsync(stopping).ConfigureAwait(false);
            return true;
        }
        finally
        {
            Interlocked.Decrement(ref _binds);
        }
    }

    /// <summary>
    /// Closes the inner listener and drops clients that have not finished their request. Connections that were accepted live on with their
    /// relay, and so do associations; BINDs end.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        await _loop.DisposeAsync().ConfigureAwait(false);
        _ports.Writer.TryComplete();
        while (_ports.Reader.TryRead(out IPendingPort? port)) port.Reject(new DialFailure(DialFailureKind.Limit, "the listener is closed"));
    }
}
