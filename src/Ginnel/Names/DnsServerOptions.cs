using System.Net;

namespace Ginnel;

/// <summary>What a DNS server answers, and how much it may hold.</summary>
public sealed class DnsServerOptions
{
    /// <summary>The way out to the name servers. It must reach them even where programs may not: loopback, most often.</summary>
    public required IDialer Dialer { get; init; }

    /// <summary>The name servers.</summary>
    public required IResolverSource Resolvers { get; init; }

    /// <summary>Names that are answered here.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<IPAddress>> Names { get; init; } = new Dictionary<string, IReadOnlyList<IPAddress>>();

    /// <summary>A domain in which <see cref="Names"/> are all there are; null for none.</summary>
    public string? Zone { get; init; }

    /// <summary>Where to remember which names were given out for which address; null for nowhere.</summary>
    public GivenNames? GivenNames { get; init; }

    /// <summary>Questions under way at once; a further one is answered with SERVFAIL.</summary>
    public int MaxPending { get; init; } = 512;

    /// <summary>TCP connections at once; a further one is refused.</summary>
    public int MaxConnections { get; init; } = 64;

    /// <summary>Questions under way on one TCP connection; a further one waits to be read.</summary>
    public int MaxPipelined { get; init; } = 32;

    /// <summary>How long a TCP connection may be idle (RFC 7766 section 6.2.3).</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
