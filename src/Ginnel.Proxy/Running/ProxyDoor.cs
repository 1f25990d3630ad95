using System.Net;
using Ginnel.ProxyProtocols;

namespace Ginnel.Proxy;

/// <summary>Which language a door speaks.</summary>
public enum DoorKind : byte
{
    /// <summary>SOCKS5 (RFC 1928).</summary>
    Socks5,
    /// <summary>HTTP's proxy: CONNECT and requests in absolute form.</summary>
    Http,
}

/// <summary>A proxy for programs of this host, whose clients say themselves where in the tunnel they want to go.</summary>
/// <param name="Kind">Which language it speaks.</param>
/// <param name="Local">Where it listens.</param>
/// <param name="Credentials">What clients must present; null for nothing.</param>
public sealed record ProxyDoor(DoorKind Kind, IPEndPoint Local, ProxyCredentials? Credentials)
{
    /// <summary>Why it may not be opened; null if it may: whoever can reach an open door can reach the tunnel.</summary>
    public string? Refusal => Credentials is not null || IPAddress.IsLoopback(Local.Address)
        ? null : $"{this} could be used by everybody who reaches it: bind it to loopback, or demand a user and a password";

    /// <inheritdoc/>
    public override string ToString() => $"{(Kind == DoorKind.Socks5 ? "SOCKS5" : "the HTTP proxy")} on {Local}";
}
