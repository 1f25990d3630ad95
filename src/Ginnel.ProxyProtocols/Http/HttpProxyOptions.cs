namespace Ginnel.ProxyProtocols;

/// <summary>How an <see cref="HttpProxyListener"/> behaves and how much it may hold.</summary>
public sealed class HttpProxyOptions
{
    /// <summary>What clients must present by the Basic scheme (RFC 7617); null for nothing.</summary>
    public ProxyCredentials? Credentials { get; init; }

    /// <summary>Longest time from a client's arrival to the end of its first request's head, and for each later head from its first byte on.</summary>
    public TimeSpan HandshakeTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a client may be silent between two requests.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Clients at once whose next request is not there yet, new or idle; one more and the oldest gives way. Also requests that wait for
    /// the relay.
    /// </summary>
    public int MaxHandshakes { get; init; } = 1_024;

    /// <summary>Longest head of a request or an answer in bytes, 1,024 to 1 MiB; a longer one is refused with 431 or 502.</summary>
    public int MaxHead { get; init; } = 64 << 10;

    /// <summary>Which ports CONNECT may ask for; null for all. Others are refused with 403.</summary>
    public Func<int, bool>? AllowedConnectPorts { get; init; }

    /// <summary>
    /// This proxy's pseudonym in <c>Via</c> (RFC 9110 section 7.6.3); a request that bears it already went round in a circle. Null for one
    /// that is made up, which tells nobody anything.
    /// </summary>
    public string? ViaName { get; init; }

    /// <summary>The clock; null for that of the process.</summary>
    public TimeProvider? Time { get; init; }
}
