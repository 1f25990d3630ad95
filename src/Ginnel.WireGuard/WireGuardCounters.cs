using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard;

/// <summary>Messages and packets that came to nothing, by cause. Strangers can raise the first six; the others tell of trouble with a peer.</summary>
/// <param name="Malformed">No message of the protocol.</param>
/// <param name="BadMac">Handshake messages of who does not know our public key.</param>
/// <param name="BadHandshake">Handshake messages that are not genuine, or of nobody we know.</param>
/// <param name="ReplayedHandshake">Initiations that were not newer than the last.</param>
/// <param name="CookiesSent">Cookies that we sent instead of answers, under load.</param>
/// <param name="RateLimited">Handshake messages beyond a source's share, under load.</param>
/// <param name="UnknownSession">Transport messages of no session of ours.</param>
/// <param name="BadTransport">Transport messages that are not genuine, came before, or belong to a session that is over.</param>
/// <param name="BadPacket">Packets whose source the peer may not use, or that are no IP packets.</param>
/// <param name="NoPeer">Packets to addresses that are no peer's.</param>
/// <param name="Unsent">Packets that could not be sent.</param>
public readonly record struct WireGuardCounters(
    long Malformed, long BadMac, long BadHandshake, long ReplayedHandshake, long CookiesSent, long RateLimited, long UnknownSession,
    long BadTransport, long BadPacket, long NoPeer, long Unsent)
{
    internal static WireGuardCounters From(DeviceCounters counters) => new(
        counters.Malformed, counters.BadMac, counters.BadHandshake, counters.ReplayedHandshake, counters.CookiesSent, counters.RateLimited,
        counters.UnknownSession, counters.BadTransport, counters.BadPacket, counters.NoPeer, counters.Unsent);
}
