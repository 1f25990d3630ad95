using System.Net;
using Ginnel.Netstack;

namespace Ginnel.WireGuard;

/// <summary>Our end of a tunnel.</summary>
public sealed class WireGuardOptions
{
    /// <summary>Longest packet inside, in bytes: 1,420 fits an outside of MTU 1500 over IPv4 and IPv6. 576–65,535, and 1,280 at least for IPv6.</summary>
    public int Mtu { get; init; } = 1_420;

    /// <summary>The peers to begin with; more may come and go later.</summary>
    public IReadOnlyList<WireGuardPeerOptions> Peers { get; init; } = [];

    /// <summary>Resolves the names of endpoints; null for the system's resolver.</summary>
    public INameResolver? Resolver { get; init; }

    /// <summary>The clock; null for that of the process.</summary>
    public TimeProvider? Time { get; init; }

    /// <summary>Where keys, indices and jitter come from; null for the system's generator.</summary>
    public EntropySource? Entropy { get; init; }
}

/// <summary>A peer of a tunnel.</summary>
public sealed class WireGuardPeerOptions
{
    /// <summary>Its public key, 32 bytes.</summary>
    public required byte[] PublicKey { get; init; }

    /// <summary>A key that only both ends have, 32 bytes; null for none. Copied.</summary>
    public byte[]? PresharedKey { get; init; }

    /// <summary>The addresses that it may send from, and that are reached through it.</summary>
    public IReadOnlyList<IPNetwork> AllowedIps { get; init; } = [];

    /// <summary>
    /// Where it is: an <see cref="IPEndPoint"/>, or a <see cref="DnsEndPoint"/>, which is resolved again whenever a handshake has no answer.
    /// Null: it is heard before it is spoken to. For carriers other than UDP see <see cref="CarrierEndpoint"/>.
    /// </summary>
    public EndPoint? Endpoint { get; init; }

    /// <summary>Where it is on a carrier of another kind.</summary>
    public CarrierEndpoint? CarrierEndpoint { get; init; }

    /// <summary>Between keepalives without cause, which keep doors in NATs open; zero for none. At most 65,535 s.</summary>
    public TimeSpan PersistentKeepalive { get; init; }
}

/// <summary>A peer at one moment.</summary>
/// <param name="PublicKey">Its public key.</param>
/// <param name="Endpoint">Where it was last heard, or is expected; null if unknown.</param>
/// <param name="AllowedIps">The addresses that are its.</param>
/// <param name="LastHandshake">How long ago the latest handshake was completed; null if there was none.</param>
/// <param name="SentBytes">Bytes sent to it, of all messages.</param>
/// <param name="ReceivedBytes">Bytes received from it, of genuine messages.</param>
/// <param name="PersistentKeepalive">As configured.</param>
public sealed record WireGuardPeerStatus(
    byte[] PublicKey, CarrierEndpoint? Endpoint, IReadOnlyList<IPNetwork> AllowedIps, TimeSpan? LastHandshake, long SentBytes, long ReceivedBytes,
    TimeSpan PersistentKeepalive)
{
    /// <summary>A peer whose handshake is older than this has not been there for a while: it renews every two minutes if there is traffic.</summary>
    public static readonly TimeSpan HealthyFor = TimeSpan.FromSeconds(210);

    /// <summary>Whether its latest handshake is fresh.</summary>
    public bool IsHealthy => LastHandshake is { } age && age < HealthyFor;
}
