namespace Ginnel.Netstack;

/// <content>
/// Time. Theory of operation: a connection has several deadlines (retransmission or persist, reordering, the probe of the tail, delayed
/// acknowledgment, keepalive, the end of a state) and one entry in the stack's timer queue, at the earliest of them. Moving a deadline
/// later leaves the entry alone; when it comes up too early it is put where it belongs. While the link is down nothing but the ends of
/// states runs, and the time does not count toward giving up.
/// </content>
internal sealed partial class TcpConnection
{
    // For so long a peer's window may stay closed where the stack's memory is short.
    private static readonly TimeSpan ShortPatience = TimeSpan.FromSeconds(15);

    // A refused packet buffer is asked for again after this.
    private static readonly TimeSpan OutOfBuffersPause = TimeSpan.FromMilliseconds(5);

    private Instant _retransmitAt = Instant.Never;
    private Instant _ackAt = Instant.Never;
    private Instant _expireAt = Instant.Never;
    private Instant _outputAt = Instant.Never;
    private Instant _downSince = Instant.Never;
    private Instant _progressAt;
    private Instant _zeroWindowSince;
    private int _retransmitCount;
    private bool _isPersisting;
    private TimeSpan _keepAliveTime;
    private byte _keepAliveSent;

    /// <summary>An ICMP error that does not end a connection, but explains its end (RFC 9293 section 3.9.2.2).</summary>
    private NetworkFailure _softError;

    private NetworkFailure SilenceFailure => _softError == NetworkFailure.None ? NetworkFailure.TimedOut : _softError;

    internal override void OnDeadline(Instant now)
    {
        if (_expireAt <= now) { Expire(now); return; }
        if (_outputAt <= now) _outputAt = Instant.Never;
        if (_downSince == Instant.Never)
        {
            if (_ackAt <= now) { _ackAt = Instant.Never; OweAck(); }
            if (_reorderAt <= now) ReorderingExpired(now);
            // The probe of the tail goes before the timer where both are due (RFC 8985 section 7.2), and gives it its time again.
            if (_lossProbeAt <= now) LossProbeExpired(now);
            if (_retransmitAt <= now) RetransmitTimerExpired(now);
            if (State != TcpState.Closed && KeepAliveAt() <= now) KeepAliveExpired(now);
        }
        Settle(now);
    }

    private void SettleTimers(Instant now)
    {
        bool stuck = MaySend && Flight == 0 && !_isPersisting && !IsHeld && (Unsent > 0 || (_finQueued && !_finSent)) && !CanSendNew();
        if (stuck)
        {
            _isPersisting = true;
            _zeroWindowSince = now;
            _retransmitAt = now + Rtt.Timeout(Options);
        }
        Instant deadline = Instant.Min(_expireAt, _outputAt);
        if (_downSince == Instant.Never)
        {
            Instant loss = Instant.Min(_retransmitAt, Instant.Min(_reorderAt, _lossProbeAt));
            deadline = Instant.Min(deadline, Instant.Min(Instant.Min(loss, _ackAt), KeepAliveAt()));
        }
        if (HeapIndex < 0 ? deadline != Instant.Never : deadline < HeapDeadline) Tcp.Context.Timers.Arm(this, deadline);
    }

    private void RetransmitTimerExpired(Instant now)
    {
        LetGo();
        if (State is TcpState.SynSent or TcpState.SynReceived) SynTimeout(now);
        else if (_isPersisting) PersistTimeout(now);
        else if (Flight > 0) RetransmitTimeout(now);
        else _retransmitAt = Instant.Never;
    }

    private void SynTimeout(Instant now)
    {
        if (now - _progressAt >= Options.ConnectTimeout) { Finish(SilenceFailure, now); return; }
        // What has not even left cannot have been lost.
        if (!_synOwed)
        {
            _synOwed = true;
            _synRetransmitted = true;
            Rtt.BackOff();
            Tcp.Context.Counters.RetransmitTimeouts++;
            RefreshRoute();
        }
        _retransmitAt = Instant.Min(now + Rtt.Timeout(Options), _progressAt + Options.ConnectTimeout);
    }

    /// <summary>RFC 6298 sections 5.4 to 5.6, with R2 as a span of time (RFC 9293 section 3.8.3).</summary>
    private void RetransmitTimeout(Instant now)
    {
        // A peer that answers but keeps its window closed is alive; one that says nothing is given up.
        Instant since = SndWnd == 0 && !Released && _lastHeardAt > _progressAt ? _lastHeardAt : _progressAt;
        if (now - since >= Options.GiveUpAfter) { GiveUp(now); return; }
        if (SndWnd == 0 && Memory.Budget.IsShortForSending && now - _progressAt >= ShortPatience) { Reset(NetworkFailure.TimedOut, now); return; }
        // A retransmission that is still waiting for the link is not lost.
        if (!_retransmitNow || !TryPickRetransmission(out _, out _))
        {
            Tcp.Context.Counters.RetransmitTimeouts++;
            RefreshRoute();
            SuspectBlackHole(now);
            EnterLoss(_retransmitCount++ > 0, now);
            Rtt.BackOff();
        }
        _retransmitAt = now + Rtt.Timeout(Options);
    }

    /// <summary>
    /// The window stayed closed: probe it, for ever as long as the peer answers (RFC 9293 section 3.8.6.1). Where nobody owns the
    /// connection any more, and where memory is short, there is an end, or a peer could pin our memory at no cost of its own (sockstress,
    /// attack case C12).
    /// </summary>
    private void PersistTimeout(Instant now)
    {
        if (now - _lastHeardAt >= Options.GiveUpAfter) { GiveUp(now); return; }
        // RFC 6429 section 4: where memory runs out, connections that wait for a window are the ones to end.
        TimeSpan patience = Released ? Options.GiveUpAfter : Memory.Budget.IsShortForSending ? ShortPatience : TimeSpan.MaxValue;
        if (now - _zeroWindowSince >= patience) { Reset(NetworkFailure.TimedOut, now); return; }
        if (!_probeOwed) Rtt.BackOff();
        _probeOwed = true;
        _retransmitAt = now + Rtt.Timeout(Options);
    }

    private void GiveUp(Instant now) => Reset(SilenceFailure, now);

    /// <summary>The peer's window is open again.</summary>
    private void LeaveZeroWindow(Instant now)
    {
        if (!_isPersisting) return;
        _isPersisting = false;
        _probeOwed = false;
        // What holds new data back because of an echo is the timer too.
        _retransmitAt = Flight > 0 || IsHeld ? now + Rtt.Timeout(Options) : Instant.Never;
        Rtt.EndBackoff();
        // The probe's octet was refused: it goes again at once.
        if (Flight > 0) MarkAllLost();
    }

    private Instant KeepAliveAt()
    {
        if (_keepAliveTime <= TimeSpan.Zero || State is not (TcpState.Established or TcpState.CloseWait or TcpState.FinWait2) || Flight > 0)
            return Instant.Never;
        return _lastHeardAt + _keepAliveTime + Options.KeepAliveInterval * _keepAliveSent;
    }

    private void KeepAliveExpired(Instant now)
    {
        if (_keepAliveSent >= Math.Min(Options.KeepAliveProbes, byte.MaxValue)) { GiveUp(now); return; }
        _keepAliveSent++;
        _keepAliveOwed = true;
    }

    private void Expire(Instant now)
    {
        // The end of TIME-WAIT is the normal one; FIN-WAIT-2 without a reader ends silently; a pending one was not decided in time.
        _expireAt = Instant.Never;
        Finish(State == TcpState.Pending ? NetworkFailure.TimedOut : NetworkFailure.None, now);
    }

    /// <summary>The link went down, came up, or has another MTU.</summary>
    internal void LinkChanged(Instant now)
    {
        bool up = Route.Interface.IsUp;
        if (!up && _downSince == Instant.Never) _downSince = now;
        else if (up && _downSince != Instant.Never) LinkCameUp(now);
        if (State is TcpState.Closed or TcpState.Pending) return;
        if (up) RefreshRoute();
        Settle(now);
    }

    private void LinkCameUp(Instant now)
    {
        TimeSpan down = now - _downSince;
        _downSince = Instant.Never;
        _progressAt += down;
        _lastHeardAt += down;
        _zeroWindowSince += down;
        // RFC 5681 section 4.1: what the path had room for before says little now.
        Congestion?.RestartAfterIdle(Options.InitialWindow, now);
        if (_retransmitAt == Instant.Never) return;
        // What was in flight when the link went is probably lost: try at once, as if for the first time.
        _retransmitAt = now + Rtt.Timeout(Options);
        if (State is TcpState.SynSent or TcpState.SynReceived) _synOwed = true;
        else if (_isPersisting) _probeOwed = true;
        else if (Flight > 0) MarkAllLost();
    }

    /// <summary>Asks IP again for the way, which may have changed, and its MTU.</summary>
    private void RefreshRoute()
    {
        if (KeepsInterface) Route = Tcp.Ip.RouteVia(Route.Interface, Flow.Local.Address, Flow.Remote.Address);
        else if (Tcp.Ip.TryRoute(Flow.Remote.Address, Flow.Local.Address, out RouteDecision found) == OpStatus.Ok) Route = found;
        UpdateMss();
    }
}
