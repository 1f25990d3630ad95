using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// The ends of a connection. Theory of operation: it has two owners, the network's protocol and whoever holds the id, and dies when
/// both have let go. <see cref="Finish"/> ends the first, <see cref="Release"/> the second, in either order.
/// </content>
internal sealed partial class TcpConnection
{
    /// <summary>CLOSE (RFC 9293 section 3.10.4): FIN behind what was written.</summary>
    internal OpStatus CloseWrite(Instant now)
    {
        if (_finQueued) return OpStatus.Ok;
        switch (State)
        {
            case TcpState.SynSent or TcpState.SynReceived: break;
            case TcpState.Established: State = TcpState.FinWait1; break;
            case TcpState.CloseWait: State = TcpState.LastAck; break;
            case TcpState.Closed when Failure != NetworkFailure.None: return OpStatus.Failed;
            default: return OpStatus.InvalidState;
        }
        _finQueued = true;
        Settle(now);
        return OpStatus.Ok;
    }

    /// <summary>ABORT (RFC 9293 section 3.10.5).</summary>
    internal OpStatus Abort(Instant now)
    {
        bool unread = ReceiveRing.Readable > 0;
        switch (State)
        {
            case TcpState.Closed: break;
            case TcpState.Pending: Tcp.SendResetTo(Flow, Route, RcvNxt, now); Finish(NetworkFailure.Aborted, now); break;
            case TcpState.SynReceived or TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2 or TcpState.CloseWait:
                Reset(NetworkFailure.Aborted, now);
                break;
            default: Finish(NetworkFailure.Aborted, now); break;
        }
        ReceiveRing.Close(Memory);
        if (!unread) return OpStatus.Ok;
        // What a reader has not seen is gone: whatever the peer's FIN has promised and however well all ended, no end of the stream follows.
        _peerFinKnown = false;
        if (Failure == NetworkFailure.None) Failure = NetworkFailure.Aborted;
        return OpStatus.Ok;
    }

    /// <summary>The owner gives the id up; see <see cref="NetworkStack.Release"/>.</summary>
    internal void Release(Instant now)
    {
        bool unread = ReceiveRing.Readable > 0 || OutOfOrder is { IsEmpty: false };
        Released = true;
        ReceiveRing.Abandon(Memory);
        switch (State)
        {
            case TcpState.Closed: Die(); return;
            case TcpState.Pending or TcpState.SynSent: Finish(NetworkFailure.Aborted, now); return;
            // RFC 9293 section 3.6.1: closing with unread data is a reset, so that the peer learns that they were lost.
            case TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2 or TcpState.CloseWait or TcpState.Closing or TcpState.LastAck
                when unread:
                Reset(NetworkFailure.Aborted, now);
                return;
            case TcpState.FinWait2: _expireAt = now + Options.FinWait2; break;
            case TcpState.Established or TcpState.CloseWait or TcpState.SynReceived: CloseWrite(now); break;
        }
        if (_isPersisting) _zeroWindowSince = now;
        Settle(now);
    }

    /// <summary>Tells the peer and ends the connection.</summary>
    private void Reset(NetworkFailure failure, Instant now)
    {
        TcpHeader reset = new()
        {
            SourcePort = Flow.Local.Port, DestinationPort = Flow.Remote.Port, Sequence = SndNxt, Acknowledgment = RcvNxt,
            Flags = TcpFlags.Rst | TcpFlags.Ack,
        };
        // RFC 7323 section 3.2: on resets too, once agreed on.
        if (TimestampsOn) (reset.HasTimestamps, reset.TimestampValue, reset.TimestampEcho) = (true, TimestampNow(now), TsRecent);
        Tcp.SendHeader(reset, Flow, Route, now);
        Finish(failure, now);
    }

    /// <summary>The protocol is done with it, well or badly: nothing more is sent or received.</summary>
    internal void Finish(NetworkFailure failure, Instant now)
    {
        if (State == TcpState.Closed) return;
        bool wasTimeWait = State == TcpState.TimeWait;
        bool embryo = Listener is not null;
        State = TcpState.Closed;
        Failure = failure;
        Tcp.Forget(this);
        Listener = null;
        _sending?.Scoreboard.Clear(Memory);
        _sending = null;
        OutOfOrder = null;
        Congestion = null;
        if (Released || embryo)
        {
            Die();
            return;
        }
        SendRing.Close(Memory);
        ReceiveRing.FreeIfEmpty(Memory);
        if (failure != NetworkFailure.None) Raise(SocketEvents.Failed | SocketEvents.Readable | SocketEvents.Writable);
        else if (!wasTimeWait) Raise(SocketEvents.Closed);
    }

    private void Die()
    {
        Released = true;
        SendRing.Abandon(Memory);
        ReceiveRing.Abandon(Memory);
        Tcp.Context.Sockets.Remove(this);
    }

    private void EnterFinWait2(Instant now)
    {
        // Only where nobody reads any more: a half-closed connection that is read may last as long as the peer likes.
        if (Released) _expireAt = now + Options.FinWait2;
    }

    private void EnterTimeWait(Instant now)
    {
        State = TcpState.TimeWait;
        _retransmitAt = Instant.Never;
        _isPersisting = false;
        _keepAliveTime = TimeSpan.Zero;
        SendRing.Close(Memory);
        _sending?.Scoreboard.Clear(Memory);
        _sending = null;
        OutOfOrder = null;
        Congestion = null;
        RestartTimeWait(now);
        Raise(SocketEvents.Closed);
        Tcp.EnterTimeWait(this, now);
    }

    private void RestartTimeWait(Instant now) => _expireAt = now + Options.TimeWait;

    /// <summary>
    /// Whether a SYN may begin a new connection over one in TIME-WAIT (RFC 9293 section 3.6.1; RFC 6191 section 2): its timestamp is
    /// newer, or its number is beyond everything of the old one.
    /// </summary>
    internal bool YieldsTo(in TcpSegment segment)
    {
        const TcpFlags Judged = TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst | TcpFlags.Fin;
        if (State != TcpState.TimeWait || (segment.Header.Flags & Judged) != TcpFlags.Syn) return false;
        if (TimestampsOn && segment.Header.HasTimestamps && segment.Header.TimestampValue != TsRecent)
            return (int)(segment.Header.TimestampValue - TsRecent) > 0;
        return segment.Header.Sequence > RcvNxt;
    }
}
