using System.Net;
using System.Net.Sockets;
using Ginnel.Linux.Datagrams;

namespace Ginnel.Sandbox;

/// <summary>The host's end of published ports: bound before the program starts, so that a port that is taken fails the start.</summary>
internal sealed class Publication : IAsyncDisposable
{
    /// <summary>The origin of flows from the host to programs inside.</summary>
    internal const string Origin = "publish";

    private readonly List<Door> _listeners = [];

    private Publication()
    {
    }

    /// <summary>Binds every port.</summary>
    /// <exception cref="LaunchException">One cannot be bound.</exception>
    public static async Task<Publication> BindAsync(IReadOnlyList<PublishRule> rules)
    {
        Publication publication = new();
        if (rules.Count == 0) return publication;
        try
        {
            foreach (PublishRule rule in rules)
            {
                for (int offset = 0; offset < rule.Count; offset++) publication._listeners.Add(new Door(rule, offset, Bind(rule, rule.HostPort + offset)));
            }
            return publication;
        }
        catch
        {
            await publication.DisposeAsync();
            throw;
        }
    }

    /// <summary>Relays from every port to the programs inside; one task for each.</summary>
    public IEnumerable<Task> RelayTo(InsideDialer inside, FlowRegistry flows, CancellationToken cancellationToken)
    {
        foreach ((PublishRule rule, int offset, IAsyncDisposable listener) in _listeners)
        {
            IPEndPoint target = new(IPAddress.Any, rule.InsidePort + offset);
            // 60 s for port rules: their clients come back by themselves.
            RelayOptions options = new() { Flows = flows, Target = _ => target, PortIdleTimeout = TimeSpan.FromSeconds(60) };
            yield return listener is IListener connections
                ? new Relay(connections, inside, options).RunAsync(cancellationToken)
                : new DatagramRelay((IPortListener)listener, inside, options).RunAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Door door in _listeners) await door.Listener.DisposeAsync();
    }

    private static IAsyncDisposable Bind(PublishRule rule, int port)
    {
        IPEndPoint local = new(rule.Address, port);
        try
        {
            if (rule.Protocol == FlowProtocol.Tcp) return HostListener.Listen(local, Origin);
            BindResult bound = LinuxDatagramSockets.Shared.BindUdp(local);
            if (bound.IsBound) return new DatagramListener(bound.Port, new DatagramListenerOptions { Origin = Origin });
            throw Failed(local, DialFailures.ToText(bound.Failure), bound.Failure.Kind == DialFailureKind.Denied);
        }
        catch (SocketException failure)
        {
            throw Failed(local, failure.SocketErrorCode == SocketError.AddressAlreadyInUse ? "it is in use" : failure.Message, failure.SocketErrorCode == SocketError.AccessDenied);
        }
    }

    private static LaunchException Failed(IPEndPoint local, string reason, bool isDenied) => new(
        LaunchFailure.BadOptions,
        $"--publish: {local} cannot be opened: {reason}.",
        isDenied ? "Ports below 1024 are often reserved for root (net.ipv4.ip_unprivileged_port_start); take a higher one." : null);

    /// <summary>One port that is bound.</summary>
    private sealed record Door(PublishRule Rule, int Offset, IAsyncDisposable Listener);
}
