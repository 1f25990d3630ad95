using System.Security.Cryptography;
using System.Text;

namespace Ginnel.ProxyProtocols;

/// <summary>
/// An HTTP proxy as a way in: CONNECT (RFC 9110 section 9.3.6) yields the client's own stream, and requests in absolute form (RFC 9112
/// section 3.2.2) are forwarded, each by a connection that the relay dials, several over one client's connection.
/// </summary>
/// <remarks>
/// It serves nothing itself: what a web page sends to this port as to a server is refused (origin form, 400). Without credentials it
/// should listen on loopback only.
/// </remarks>
public sealed class HttpProxyListener : IListener
{
    private readonly ClientLoop _loop;
    private readonly HttpProxyOptions _options;
    private readonly HttpJudge _judge;

    /// <summary>Takes ownership of the listener and begins to accept its clients.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A limit or time out of its range.</exception>
    /// <exception cref="ArgumentException">The name for Via is not a token.</exception>
    public HttpProxyListener(IListener inner, HttpProxyOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _options = options ?? new HttpProxyOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxHead, 1 << 10, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(_options.MaxHead, 1 << 20, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(_options.IdleTimeout, TimeSpan.Zero, nameof(options));
        ViaName = _options.ViaName ?? $"ginnel-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        if (!HttpSyntax.IsToken(Encoding.UTF8.GetBytes(ViaName))) throw new ArgumentException($"'{ViaName}' cannot stand in Via: it must be a token.", nameof(options));
        ClientLimits limits = ClientLimits.Checked(_options.HandshakeTimeout, _options.MaxHandshakes, _options.Time, nameof(options));
        _judge = new HttpJudge(_options, ViaName);
        _loop = new ClientLoop(inner, limits, Incidents, _options.MaxHead, ServeAsync);
        _loop.Start();
    }

    /// <summary>This proxy's pseudonym in Via.</summary>
    public string ViaName { get; }

    /// <summary>What was turned away, and why.</summary>
    public ProxyIncidents Incidents { get; } = new();

    /// <summary>Clients whose next request is not there yet.</summary>
    public int HandshakeCount => _loop.Gate.Count;

    /// <inheritdoc/>
    public ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default) => _loop.AcceptAsync(cancellationToken);

    private Task<bool> ServeAsync(ProxyClient client, CancellationToken stopping) => new HttpSession(client, _loop, _judge, _options, ViaName).RunAsync();

    /// <summary>
    /// Closes the inner listener and drops clients whose request is not complete. Tunnels and exchanges that go on do so with their relay.
    /// </summary>
    public ValueTask DisposeAsync() => _loop.DisposeAsync();
}
