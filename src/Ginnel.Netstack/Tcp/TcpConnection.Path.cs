namespace Ginnel.Netstack;

/// <content>What the connection knows of its path, and tells IP about it.</content>
internal sealed partial class TcpConnection
{
    // A neighbor counts as reachable for 15 s at least: it is enough to say so once a second, and not with every acknowledgment.
    private static readonly TimeSpan ConfirmInterval = TimeSpan.FromSeconds(1);

    private Instant _confirmedAt;

    /// <summary>
    /// Something new was acknowledged, so what we send gets as far as the peer and hence to the next hop (RFC 4861 section 7.3.1, RFC 1122
    /// section 2.3.2.1 for ARP): neighbors in use are not probed while there is progress.
    /// </summary>
    private void ConfirmNeighbor(Instant now)
    {
        if (_confirmedAt != default && now - _confirmedAt < ConfirmInterval) return;
        _confirmedAt = now;
        RefreshNarrowPath();
        Tcp.Ip.ConfirmForward(Route, now);
    }
}
