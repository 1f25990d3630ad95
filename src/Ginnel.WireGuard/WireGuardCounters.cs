using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard;

/// <summary>Messages and packets that came to nothing, by cause. Strangers can raise the first seven and <paramref name="UnknownSession"/>; the others tell of trouble with a peer.</summary>
/// <param name="Malformed">No message of the protocol.</param>
/// <param name="BadMac">Handshake messages of who does not know our public key.</param>
/// <param name="BadHandshake">Handshake messages that are not genuine.</param>
/// <param name="UnknownPeer">Initiations, well sealed, of keys that are no peer's. Nothing is kept of such a key.</param>
/// <param name="ReplayedHandshake">Initiations that were not newer than the last.</param>
/// <param name="CookiesSent">Cookies that we sent instead of answers, under load.</param>
/// <param name="RateLimited">Handshake messages beyond a source's share, under load.</param>
/// <param name="UnknownSession">Transport messages of no session of ours.</param>
/// <param name="BadTransport">Transport messages that are not genuine, came before, or belong to a session that is over.</param>
/// <param name="BadPacket">Packets whose source the peer may not use, or that are no IP packets.</param>
/// <param name="NoPeer">Packets to addresses that are no peer's.</param>
/// <param name="Unsent">Packets that could not be sent.</param>
/// <param name="StagedOverflow">Packets that waited for a session and gave way to newer ones, the oldest first.</param>
/// <param name="GivenUp">Packets that waited for a session until the handshake was given up, or the peer removed.</param>
/// <param name="NoBuffer">Packets that came out of the tunnel when there was no buffer for them, or nobody to take them.</param>
/// <param name="Congested">Packets marked for congestion on the way though their transport understands no marks (RFC 6040 section 4.2).</param>
public readonly record struct WireGuardCounters(
    long Malformed, long BadMac, long BadHandshake, long UnknownPeer, long ReplayedHandshake, long CookiesSent, long RateLimited,
    long UnknownSession, long BadTransport, long BadPacket, long NoPeer, long Unsent, long StagedOverflow, long GivenUp, long NoBuffer,
    long Congested)
{
    internal static WireGuardCounters From(DeviceCounters counters) => new(
        counters.Malformed, counters.BadMac, counters.BadHandshake, counters.UnknownPeer, counters.ReplayedHandshake, counters.CookiesSent,
        counters.RateLimited, counters.UnknownSession, counters.BadTransport, counters.BadPacket, counters.NoPeer, counters.Unsent,
        counters.StagedOverflow, counters.GivenUp, counters.NoBuffer, counters.Congested);
}
