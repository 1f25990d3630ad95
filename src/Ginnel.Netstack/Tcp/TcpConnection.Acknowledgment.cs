using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>Fifth step of SEGMENT ARRIVES: the ACK field (RFC 9293 section 3.10.7.4), send window, round-trip samples.</content>
internal sealed partial class TcpConnection
{
    private bool _rttTiming;
    private SequenceNumber _rttEnd;
    private Instant _rttStart;
    private bool _finQueued;
    private bool _finSent;

    /// <summary>False when the segment must not be looked at any further.</summary>
    private bool CheckAcknowledgment(ref TcpSegment segment, Instant now)
    {
        SequenceNumber acknowledgment = segment.Header.Acknowledgment;
        if (State == TcpState.SynReceived && !CheckHandshakeAcknowledgment(segment, now)) return false;
        // RFC 5961 section 5.2: what we never sent, or what was acknowledged long ago, cannot come from the peer (attack case C13).
        if (acknowledgment > SndNxt || acknowledgment < OldestAcknowledgment)
        {
            Tcp.Drop(DropReason.BadAcknowledgment);
            ChallengeAck(now);
            return false;
        }
        NoteTimestamp(segment, now);
        TakeAcknowledgment(segment, now);
        return State != TcpState.Closed;
    }

    /// <summary>
    /// The least that an acknowledgment of the peer's can say that was late on its way: a window ago, but nothing from before our first octet, since
    /// whoever knows the connection has our SYN. While little was acknowledged, the window alone would leave room for numbers that were never ours.
    /// </summary>
    private SequenceNumber OldestAcknowledgment
    {
        get
        {
            bool finAcknowledged = _finSent && SndUna == SndNxt;
            return SndUna - (int)Math.Min(MaxSndWnd, _bytesSent + (finAcknowledged ? 1 : 0));
        }
    }

    /// <summary>What an acknowledgment says that may be believed.</summary>
    private void TakeAcknowledgment(in TcpSegment segment, Instant now)
    {
        SequenceNumber acknowledgment = segment.Header.Acknowledgment;
        Delivery delivery = default;
        NoteSacks(segment, ref delivery);
        bool advances = acknowledgment > SndUna;
        if (advances) Acknowledge(segment, acknowledgment, ref delivery, now);
        else Recover(segment, delivery, 0, now);
        if (State != TcpState.Closed) UpdateSendWindow(segment, advances, now);
    }

    private bool CheckHandshakeAcknowledgment(in TcpSegment segment, Instant now)
    {
        SequenceNumber acknowledgment = segment.Header.Acknowledgment;
        if (acknowledgment <= SndUna || acknowledgment > SndNxt)
        {
            Tcp.Drop(DropReason.BadAcknowledgment);
            Tcp.SendReset(Flow, Route, acknowledgment, now);
            return false;
        }
        if (Listener is { CanEstablish: false })
        {
            // The backlog is full: as if this segment had been lost. The peer's data or our SYN-ACK will bring the next one.
            Tcp.Drop(DropReason.BacklogFull);
            return false;
        }
        if (!_synRetransmitted && !_synUntimed) Rtt.Sample(now - _lastSentAt, Options);
        SndWnd = segment.Header.Window << SndScale;
        SndWl1 = segment.Header.Sequence;
        SndWl2 = acknowledgment;
        SndUna = Iss + 1;
        ConfirmNeighbor(now);
        BecomeEstablished(now);
        return State != TcpState.Closed;
    }

    private void Acknowledge(in TcpSegment segment, SequenceNumber acknowledgment, ref Delivery delivery, Instant now)
    {
        bool finAcknowledged = _finSent && acknowledgment == SndNxt;
        int octets = acknowledgment - SndUna;
        int data = octets - (finAcknowledged ? 1 : 0);
        SampleRoundTrip(segment, acknowledgment, now);
        SendRing.Release(Math.Min(data, SendRing.Count), Memory);
        _bytesSent += data;
        SndUna = acknowledgment;
        ConfirmNeighbor(now);
        CheckMtuProbe(now);
        _progressAt = now;
        _retransmitCount = 0;
        Scoreboard.Advance(acknowledgment, ref delivery, Memory);
        if (delivery.HasOriginal && _phase == LossPhase.Open)
            Congestion!.RoundTripMeasured(now - delivery.OriginalSentAt, SndUna, SndNxt);
        Recover(segment, delivery, octets, now);
        // A probe was taken, and the window may be closed again: then probing goes on.
        _isPersisting &= Flight == 0 && (Unsent > 0 || (_finQueued && !_finSent));
        // RFC 6298 section 5.2 and 5.3: stop when all is acknowledged, else start again.
        _retransmitAt = Flight == 0 && !_isPersisting && !IsHeld ? Instant.Never : now + Rtt.Timeout(Options);
        ScheduleLossProbe(now);
        RaiseWritable();
        if (finAcknowledged) FinAcknowledged(now);
    }

    private void FinAcknowledged(Instant now)
    {
        switch (State)
        {
            case TcpState.FinWait1: State = TcpState.FinWait2; EnterFinWait2(now); break;
            case TcpState.Closing: EnterTimeWait(now); break;
            case TcpState.LastAck: Finish(NetworkFailure.None, now); break;
        }
    }

    private void UpdateSendWindow(in TcpSegment segment, bool advances, Instant now)
    {
        SequenceNumber acknowledgment = segment.Header.Acknowledgment;
        // A retransmission has an old number and still the newest window if it acknowledges more than anything before it. With
        // RFC 9293's rule alone the old window would be counted from the new SND.UNA, beyond what was ever offered.
        bool newer = advances || SndWl1 < segment.Sequence || (SndWl1 == segment.Sequence && SndWl2 <= acknowledgment);
        if (!newer || acknowledgment < SndUna) return;
        bool wasShut = IsPeerShut;
        SndWnd = segment.Header.Window << SndScale;
        SndWl1 = SequenceNumber.Max(SndWl1, segment.Sequence);
        SndWl2 = acknowledgment;
        MaxSndWnd = Math.Max(MaxSndWnd, SndWnd);
        if (SndWnd > 0) LeaveZeroWindow(now);
        // A writer may have waited for just that, with nothing in flight (see MayGrowToSend).
        if (wasShut && !IsPeerShut) RaiseWritable();
    }

    /// <summary>
    /// One round trip: of a timed segment that was sent once (Karn), else from the echoed timestamp (RFC 7323 section 4).
    /// </summary>
    private void SampleRoundTrip(in TcpSegment segment, SequenceNumber acknowledgment, Instant now)
    {
        if (_rttTiming && acknowledgment >= _rttEnd)
        {
            _rttTiming = false;
            Rtt.Sample(now - _rttStart, Options);
            return;
        }
        // One sample per round trip is what the gains of RFC 6298 are made for (RFC 7323 appendix G); echoes serve when a
        // retransmission spoiled the timed segment. An echo of zero or of the future is no echo of ours (attack case C18).
        if (_rttTiming || !TimestampsOn || segment.Header.TimestampEcho == 0) return;
        int elapsed = (int)(TimestampNow(now) - segment.Header.TimestampEcho);
        if (elapsed is < 0 or > 600_000) return;
        // The echo of something older than the last retransmission: the acknowledgment of the first arrival was lost, and what would
        // be measured is our own timeout. Such samples would let the timeout grow with every lost acknowledgment.
        if ((_phase != LossPhase.Open || _lossProbeOut) && (int)(segment.Header.TimestampEcho - _lastRetransmitStamp) < 0) return;
        Rtt.Sample(TimeSpan.FromMilliseconds(Math.Max(elapsed, 1)), Options);
    }

    /// <summary>Starts timing a segment unless one is being timed.</summary>
    private void TimeSegment(SequenceNumber end, Instant now)
    {
        if (_rttTiming) return;
        _rttTiming = true;
        _rttEnd = end;
        _rttStart = now;
    }

    // RFC 7323 section 5.4: between 1 ms and 1 s a tick; a random offset per four-tuple.
    private uint TimestampNow(Instant now) => TimestampClock(now) + TimestampOffset;

    internal static uint TimestampClock(Instant now) => (uint)(now.Ticks / TimeSpan.TicksPerMillisecond);
}
