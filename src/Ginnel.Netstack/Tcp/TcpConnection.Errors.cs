using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// ICMP errors. Theory of operation (RFC 5927): an error counts only if it quotes a number that is in flight, which a blind attacker
/// does not know. Before the handshake is complete it ends the attempt, as people expect of "unreachable" (RFC 5461 section 4);
/// afterwards it never does (attack case C9), but it explains a later timeout. "Too big" lowers the segment size.
/// </content>
internal sealed partial class TcpConnection
{
    internal void IcmpArrives(in IcmpError error, Instant now)
    {
        var quoted = new SequenceNumber(error.TransportStart);
        if (State is TcpState.Closed or TcpState.Pending or TcpState.TimeWait || quoted < SndUna || quoted >= SndNxt)
        {
            Tcp.Drop(DropReason.IcmpNotOurs);
            return;
        }
        if (error.Failure == NetworkFailure.PacketTooBig) { PathNarrowed(error.Mtu, now); return; }
        if (State is TcpState.SynSent or TcpState.SynReceived) { Finish(error.Failure, now); return; }
        _softError = error.Failure;
    }

    /// <summary>
    /// RFC 8201 section 5.2 and RFC 1191 section 6.5: smaller segments, and what was lost goes again at once, the window unhurt.
    /// </summary>
    private void PathNarrowed(int mtu, Instant now)
    {
        int before = SndMss;
        int learned = Tcp.Ip.LearnPathMtu(Flow.Remote.Address, mtu, now);
        Route = Route with { PathMtu = Math.Min(Route.PathMtu, learned) };
        UpdateMss();
        if (SndMss >= before) return;
        if (IsSynchronized && Flight > 0) MarkAllLost();
        Settle(now);
    }

    /// <summary>A pending connection waits for the shell, but not for ever.</summary>
    internal void AwaitDecision(Instant now)
    {
        _expireAt = now + Options.PendingTimeout;
        Raise(SocketEvents.PendingConnection);
        Settle(now);
    }

    /// <summary>The shell has accepted it.</summary>
    internal void Decided() => _expireAt = Instant.Never;
}
