using System.Net;
using Ginnel.WireGuard;

namespace Ginnel.Proxy;

/// <summary>What a WireGuard file says. Prints without its keys.</summary>
public sealed class ProxyConfiguration
{
    /// <summary>Our private key, 32 bytes. Never printed.</summary>
    public required byte[] PrivateKey { get; init; }

    /// <summary>Our addresses inside, each with its network.</summary>
    public required IReadOnlyList<InterfaceAddress> Addresses { get; init; }

    /// <summary>Name servers inside the tunnel.</summary>
    public IReadOnlyList<IPAddress> NameServers { get; init; } = [];

    /// <summary>Longest packet inside.</summary>
    public int Mtu { get; init; } = 1_420;

    /// <summary>Our UDP port outside; 0 for any.</summary>
    public int ListenPort { get; init; }

    /// <summary>The peers.</summary>
    public IReadOnlyList<WireGuardPeerOptions> Peers { get; init; } = [];

    /// <inheritdoc/>
    public override string ToString() => $"{string.Join(", ", Addresses)}, {Peers.Count} peers";
}

/// <summary>A file that says something wrong: which file, which line, what, and what would be accepted.</summary>
public sealed class ConfigurationException(string message) : Exception(message);
