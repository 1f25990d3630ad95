using System.Net;
using Ginnel.Netstack;

namespace Ginnel;

/// <summary>What an exit exposes, and how it reaches it.</summary>
public sealed class ExitOptions
{
    /// <summary>Name for messages, status and <see cref="FlowInfo.Origin"/>.</summary>
    public string Name { get; init; } = "exit";

    /// <summary>
    /// Networks that entrances may reach; none by default, and then nothing is reachable. The exit host's own loopback is reachable only
    /// through a network that lies within it, <c>127.0.0.1/32</c> or <c>::1/128</c>, and then as
    /// <see cref="VirtualInterface.ExitLoopbackName"/>; a wider network does not include it.
    /// </summary>
    public IReadOnlyList<IPNetwork> Expose { get; init; } = [];

    /// <summary>The way out; null for the host's sockets.</summary>
    public IDialer? Dialer { get; init; }

    /// <summary>Where the host's datagram sockets come from, with the host's own way out; null for the portable ones.</summary>
    public IHostDatagramSockets? DatagramSockets { get; init; }

    /// <summary>Whether the exit answers DNS at <see cref="VirtualInterface.ExitAddress"/>.</summary>
    public bool ServeNames { get; init; } = true;

    /// <summary>Which name servers the exit's DNS asks; null for those of the host's resolv.conf.</summary>
    public IResolverSource? NameServers { get; init; }

    /// <summary>The way by which name servers are asked; null for the host's sockets, loopback included.</summary>
    public IDialer? NameDialer { get; init; }

    /// <summary>Entrances at once; one more is refused.</summary>
    public int MaxSessions { get; init; } = 1_024;

    /// <summary>What it shares with other hosts; null for the process's own.</summary>
    public NetworkRuntime? Runtime { get; init; }

    /// <summary>How TCP behaves.</summary>
    public TcpOptions Tcp { get; init; } = new();

    /// <summary>How the relays of each session behave; <see cref="RelayOptions.Flows"/> lists the flows of all.</summary>
    public RelayOptions Relay { get; init; } = new();
}
