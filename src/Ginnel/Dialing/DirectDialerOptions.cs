namespace Ginnel;

/// <summary>How a <see cref="DirectDialer"/> behaves.</summary>
public sealed class DirectDialerOptions
{
    /// <summary>Longest time for one address to connect; infinite where whoever dials gives up by the token.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Whether the host's loopback may be dialled: 127.0.0.0/8, 0.0.0.0/8, <c>::</c>, <c>::1</c> and their IPv4-mapped forms, judged on the
    /// address actually dialled, after resolution.
    /// </summary>
    public bool AllowHostLoopback { get; init; }

    /// <summary>What to tell someone who is refused the host's loopback; a product names its own switch here.</summary>
    public string LoopbackRemedy { get; init; } = "the host's loopback is not reachable unless allowed";

    /// <summary>Resolves names; null for the operating system's resolver.</summary>
    public INameResolver? Resolver { get; init; }

    /// <summary>
    /// Sends an address elsewhere before it is judged and dialled, loopback allowed: an alias such as <c>host.ginnel.internal</c>'s address.
    /// Null leaves all as they are.
    /// </summary>
    public Func<System.Net.IPEndPoint, System.Net.IPEndPoint?>? Redirect { get; init; }

    /// <summary>Where TCP connections come from; null for the base library's sockets.</summary>
    public IHostStreamSockets? StreamSockets { get; init; }

    /// <summary>Where UDP and echo sockets come from; null for the portable ones, which cannot tell errors per target.</summary>
    public IHostDatagramSockets? DatagramSockets { get; init; }

    /// <summary>The clock; null for that of the process.</summary>
    public TimeProvider? Time { get; init; }
}
