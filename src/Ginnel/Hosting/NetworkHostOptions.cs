using Ginnel.Netstack;

namespace Ginnel;

/// <summary>How a host behaves and how much it may hold.</summary>
public sealed class NetworkHostOptions
{
    /// <summary>Name for messages, status and <see cref="FlowInfo.Origin"/>.</summary>
    public string Name { get; init; } = "host";

    /// <summary>What it shares with other hosts; null for the process's own.</summary>
    public NetworkRuntime? Runtime { get; init; }

    /// <summary>How TCP behaves.</summary>
    public TcpOptions Tcp { get; init; } = new();

    /// <summary>Most sockets of all kinds; one more is refused. 1–1,048,576.</summary>
    public int MaxSockets { get; init; } = 65_536;

    /// <summary>Most connections and ports that wait for a decision in any-IP mode; a further one takes a random one's place.</summary>
    public int MaxPending { get; init; } = 1_024;

    /// <summary>Bytes that the buffers of this host's connections may hold.</summary>
    public long MemoryLimit { get; init; } = 256L << 20;

    /// <summary>
    /// What formed IPv6 addresses are derived from (RFC 7217), 16 bytes or more that nobody else knows: kept, they are the same after a
    /// restart. Empty for a random one.
    /// </summary>
    public ReadOnlyMemory<byte> StableSecret { get; init; }

    /// <summary>Resolves names for <see cref="NetworkHost.ConnectAsync(System.Net.EndPoint, CancellationToken)"/>, the dialer and the HTTP handler; null refuses names.</summary>
    public INameResolver? Resolver { get; init; }

    /// <summary>Tells the names under which this host's DNS gave out an address, for <see cref="FlowInfo.Names"/>; null for none.</summary>
    public IAddressNames? AddressNames { get; init; }
}
