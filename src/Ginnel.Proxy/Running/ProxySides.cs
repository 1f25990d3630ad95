using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Datagrams;
using Ginnel.Linux.Events;
using Ginnel.Linux.Streams;

namespace Ginnel.Proxy;

/// <summary>The two sides of a proxy, the stack in the tunnel and the host's own network: how each is listened on, dialled into and asked for names.</summary>
internal sealed class ProxySides
{
    private readonly DirectDialer _outside;
    private readonly SystemNameResolver _names = new();

    /// <summary>The sides of a stack whose completions are a loop, which watches the host's sockets as well.</summary>
    public ProxySides(NetworkHost inside, EventLoop loop)
    {
        Inside = inside;
        Scheduler = loop;
        Streams = new LinuxStreamSockets(loop);
        Datagrams = new LinuxDatagramSockets { EventLoop = loop };
        // A rule names its target: if that is this host's own loopback, its owner means it.
        _outside = new DirectDialer(new DirectDialerOptions { AllowHostLoopback = true, StreamSockets = Streams, DatagramSockets = Datagrams });
    }

    /// <summary>Where flows are begun.</summary>
    public CompletionScheduler Scheduler { get; }

    /// <summary>The host's TCP.</summary>
    public IHostStreamSockets Streams { get; }

    /// <summary>The host's UDP.</summary>
    public IHostDatagramSockets Datagrams { get; }

    /// <summary>The stack in the tunnel.</summary>
    public NetworkHost Inside { get; }

    /// <summary>The way that a rule leads.</summary>
    public IDialer DialerOf(ProxyDirection direction) => direction == ProxyDirection.Ingress ? _outside : Inside.Dialer;

    /// <summary>Who knows names on the side to which a rule leads; null in a tunnel without name servers.</summary>
    public INameResolver? ResolverOf(ProxyDirection direction) => direction == ProxyDirection.Ingress ? _names : Inside.Resolver;

    /// <summary>Opens a rule's port for connections.</summary>
    /// <exception cref="RuleException">It cannot be opened.</exception>
    public IListener Listen(RuleKey key, string origin)
    {
        IPEndPoint local = new(key.Bind ?? IPAddress.IPv6Any, key.Port);
        if (key.Direction == ProxyDirection.Egress) return Opened(key, () => HostListener.Listen(local, origin, streams: Streams));
        // A listener on the stack is one family's; a rule's port serves both, and its max= counts both.
        if (key.Bind is not null) return Opened(key, () => Inside.Listen(local));
        IListener first = Opened(key, () => Inside.Listen(new IPEndPoint(IPAddress.Any, key.Port)));
        try
        {
            return new JoinedListener([first, Opened(key, () => Inside.Listen(local))]);
        }
        catch
        {
            first.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw;
        }
    }

    /// <summary>Opens a rule's port for datagrams.</summary>
    /// <exception cref="RuleException">It cannot be opened.</exception>
    public IDatagramPort Bind(RuleKey key)
    {
        IPEndPoint local = new(key.Bind ?? IPAddress.IPv6Any, key.Port);
        if (key.Direction == ProxyDirection.Ingress) return Opened(key, () => Inside.BindUdp(local));
        BindResult bound = Datagrams.BindUdp(local);
        return bound.IsBound ? bound.Port : throw CannotOpen(key, DialFailures.ToText(bound.Failure), null);
    }

    private static T Opened<T>(RuleKey key, Func<T> open)
    {
        try
        {
            return open();
        }
        catch (SocketException failure)
        {
            throw CannotOpen(key, failure.Message, failure);
        }
    }

    private static RuleException CannotOpen(RuleKey key, string why, Exception? cause) => new(RuleFault.CannotOpen,
        $"{(key.Protocol == FlowProtocol.Udp ? "UDP port" : "port")} {key.Port} cannot be opened on {(key.Direction == ProxyDirection.Ingress ? "the tunnel" : "this host")}{(key.Bind is null ? "" : $" at {key.Bind}")}: {why}", cause);
}
