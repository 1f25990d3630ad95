using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Datagrams;

namespace Ginnel.Proxy;

/// <summary>The two sides of a proxy, the stack in the tunnel and the host's own network: how each is listened on, dialled into and asked for names.</summary>
internal sealed class ProxySides(NetworkHost inside)
{
    // A rule names its target: if that is this host's own loopback, its owner means it.
    private readonly DirectDialer _outside = new(new DirectDialerOptions { AllowHostLoopback = true, DatagramSockets = LinuxDatagramSockets.Shared });
    private readonly SystemNameResolver _names = new();

    /// <summary>The way that a rule leads.</summary>
    public IDialer DialerOf(ProxyDirection direction) => direction == ProxyDirection.Ingress ? _outside : inside.Dialer;

    /// <summary>Who knows names on the side to which a rule leads; null in a tunnel without name servers.</summary>
    public INameResolver? ResolverOf(ProxyDirection direction) => direction == ProxyDirection.Ingress ? _names : inside.Resolver;

    /// <summary>Opens a rule's port for connections.</summary>
    /// <exception cref="RuleException">It cannot be opened.</exception>
    public IListener Listen(RuleKey key, string origin)
    {
        IPEndPoint local = new(key.Bind ?? IPAddress.IPv6Any, key.Port);
        if (key.Direction == ProxyDirection.Egress) return Opened(key, () => HostListener.Listen(local, origin));
        // A listener on the stack is one family's; a rule's port serves both, and its max= counts both.
        if (key.Bind is not null) return Opened(key, () => inside.Listen(local));
        IListener first = Opened(key, () => inside.Listen(new IPEndPoint(IPAddress.Any, key.Port)));
        try
        {
            return new JoinedListener([first, Opened(key, () => inside.Listen(local))]);
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
        if (key.Direction == ProxyDirection.Ingress) return Opened(key, () => inside.BindUdp(local));
        BindResult bound = LinuxDatagramSockets.Shared.BindUdp(local);
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
