using System.Net;
using Ginnel.Linux.Datagrams;
using Ginnel.Linux.Events;
using Ginnel.Linux.Streams;

namespace Ginnel.Sandbox;

/// <summary>How the program's connections leave, and who resolves its names.</summary>
public sealed record WayOut
{
    /// <summary>Dials what the program dials.</summary>
    public required IDialer Dialer { get; init; }

    /// <summary>Reaches the name servers, also where the program may not.</summary>
    public required IDialer ResolverDialer { get; init; }

    /// <summary>The name servers.</summary>
    public required IResolverSource Resolvers { get; init; }

    /// <summary>For the status page.</summary>
    public required string Description { get; init; }

    /// <summary>Names that this way out adds to the sandbox's own.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<IPAddress>> Names { get; init; } = new Dictionary<string, IReadOnlyList<IPAddress>>();

    /// <summary>Whether the sandbox's host addresses lead to the host's loopback.</summary>
    public bool HostLoopback { get; init; }

    /// <summary>The host's ordinary sockets.</summary>
    /// <param name="options">Whether the loopback is open, and which name servers are asked.</param>
    /// <param name="network">The addresses that stand for the host.</param>
    /// <param name="loop">Who watches them.</param>
    internal static WayOut Direct(RunOptions options, SandboxAddresses network, EventLoop loop)
    {
        LinuxStreamSockets streams = new(loop);
        LinuxDatagramSockets datagrams = new() { EventLoop = loop };
        DirectDialerOptions program = new()
        {
            LoopbackRemedy = "this host's loopback; --host-loopback opens it as host.ginnel.internal",
            Redirect = options.HostLoopback ? network.RedirectHost : null,
            StreamSockets = streams,
            DatagramSockets = datagrams,
            // The relay's own patience with a dial is the same, and one clock for each is enough.
            ConnectTimeout = Timeout.InfiniteTimeSpan,
        };
        return new WayOut
        {
            Dialer = new DirectDialer(program),
            ResolverDialer = new DirectDialer(new DirectDialerOptions { AllowHostLoopback = true, StreamSockets = streams, DatagramSockets = datagrams }),
            Resolvers = options.NameServers.Count > 0 ? FixedResolverSource.Of(options.NameServers) : new HostResolverFile(),
            Description = "host sockets",
            HostLoopback = options.HostLoopback,
        };
    }
}
