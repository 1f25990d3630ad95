namespace Ginnel.WireGuard.Protocol;

/// <summary>Messages that came to nothing, by cause. Written under the device's lock or by the one receiver, read at any time.</summary>
internal sealed class DeviceCounters
{
    /// <summary>No message of the protocol.</summary>
    public long Malformed;
    /// <summary>A handshake message of someone who does not know whom he speaks to.</summary>
    public long BadMac;
    /// <summary>A handshake message that is not genuine.</summary>
    public long BadHandshake;
    /// <summary>An initiation, well sealed, of a key that is no peer's.</summary>
    public long UnknownPeer;
    /// <summary>An initiation that is not newer than the last.</summary>
    public long ReplayedHandshake;
    /// <summary>Cookies sent instead of answers.</summary>
    public long CookiesSent;
    /// <summary>Handshake messages beyond a source's share while under load.</summary>
    public long RateLimited;
    /// <summary>A transport message of no session of ours.</summary>
    public long UnknownSession;
    /// <summary>A transport message that is not genuine, came before, or by a session that is over.</summary>
    public long BadTransport;
    /// <summary>A packet in a genuine message whose source the peer may not use, or that is no IP packet.</summary>
    public long BadPacket;
    /// <summary>A packet to an address that is no peer's.</summary>
    public long NoPeer;
    /// <summary>A packet for a peer that has no endpoint, or one that could not be sealed.</summary>
    public long Unsent;
    /// <summary>A packet that waited for a session and gave way to a newer one.</summary>
    public long StagedOverflow;
    /// <summary>A packet that waited for a session until the handshake was given up, or the peer removed.</summary>
    public long GivenUp;
    /// <summary>A packet that came out of the tunnel when there was no buffer for it, or nobody to take it.</summary>
    public long NoBuffer;
    /// <summary>A packet that met congestion on its way and whose transport would not understand a mark.</summary>
    public long Congested;
}
