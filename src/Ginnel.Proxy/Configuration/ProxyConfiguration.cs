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

    /// <summary>The rules of the file, as wireproxy's sections say them.</summary>
    public IReadOnlyList<ProxyRule> Rules { get; init; } = [];

    /// <summary>The proxies for programs of this host, likewise.</summary>
    public IReadOnlyList<ProxyDoor> Doors { get; init; } = [];

    /// <summary>Where standard input and output lead in the tunnel; null for nowhere.</summary>
    public EndPoint? Stdio { get; init; }

    /// <summary>The first part that cannot change while the tunnel is open and differs in another configuration; null if none does.</summary>
    internal string? FixedDifference(ProxyConfiguration other) =>
        !PrivateKey.AsSpan().SequenceEqual(other.PrivateKey) ? "the private key"
        : !Addresses.SequenceEqual(other.Addresses) ? "Address"
        : !NameServers.SequenceEqual(other.NameServers) ? "DNS"
        : Mtu != other.Mtu ? "MTU"
        : ListenPort != other.ListenPort ? "ListenPort" : null;

    /// <summary>Whether two peers say the same.</summary>
    internal static bool IsSame(WireGuardPeerOptions a, WireGuardPeerOptions b) =>
        a.PublicKey.AsSpan().SequenceEqual(b.PublicKey) && a.PresharedKey.AsSpan().SequenceEqual(b.PresharedKey) && a.AllowedIps.SequenceEqual(b.AllowedIps)
        && Equals(a.Endpoint, b.Endpoint) && a.PersistentKeepalive == b.PersistentKeepalive;

    /// <inheritdoc/>
    public override string ToString() => $"{string.Join(", ", Addresses)}, {Peers.Count} peers";
}

/// <summary>A file that says something wrong: which file, which line, what, and what would be accepted.</summary>
public sealed class ConfigurationException(string message) : Exception(message);
