using System.Net;

namespace Ginnel.ProxyProtocols;

/// <summary>How a <see cref="Socks5Listener"/> behaves and how much it may hold.</summary>
public sealed class Socks5Options
{
    /// <summary>
    /// What clients must present (RFC 1929); null for nothing. With credentials a client that offers only "no authentication" is turned away.
    /// </summary>
    public ProxyCredentials? Credentials { get; init; }

    /// <summary>Longest time from a client's arrival to the end of its request.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Clients at once that have not finished their request; one more and the oldest gives way. Also requests that wait for the relay.</summary>
    public int MaxHandshakes { get; init; } = 1_024;

    /// <summary>
    /// Opens a port for the datagrams of a UDP ASSOCIATE on the address that the client's connection reached, with port 0: the
    /// <see cref="IHostDatagramSockets.BindUdp"/> of the host, or the like of a stack. Null answers "command not supported".
    /// </summary>
    public Func<IPEndPoint, BindResult>? BindDatagrams { get; init; }

    /// <summary>UDP associations at once; one more is refused with "general failure".</summary>
    public int MaxAssociations { get; init; } = 1_024;

    /// <summary>
    /// Resolves names that datagrams are addressed to, on the side where they go; null drops such datagrams. Connections are not
    /// concerned: their names go to the dialer as they are.
    /// </summary>
    public INameResolver? Resolver { get; init; }

    /// <summary>How long an association remembers what a name resolved to, or that it did not.</summary>
    public TimeSpan ResolvedLifetime { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Names that one association remembers; the oldest is forgotten first.</summary>
    public int MaxResolvedNames { get; init; } = 256;

    /// <summary>
    /// Listens for the peer of a BIND, on the side that the dialer leads to; the flow names who asks and which peer is expected. Null answers
    /// "command not supported".
    /// </summary>
    public Func<FlowInfo, CancellationToken, ValueTask<ListenResult>>? ListenForBind { get; init; }

    /// <summary>How long a BIND waits for its peer.</summary>
    public TimeSpan BindTimeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>BINDs at once, waiting or connected; one more is refused with "general failure".</summary>
    public int MaxBinds { get; init; } = 64;

    /// <summary>Where connections that came by BIND are listed; null for a registry of the listener's own. Others are in their relay's.</summary>
    public FlowRegistry? BindFlows { get; init; }

    /// <summary>The clock; null for that of the process.</summary>
    public TimeProvider? Time { get; init; }
}
