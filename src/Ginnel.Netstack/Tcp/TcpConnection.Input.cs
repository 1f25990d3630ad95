using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>SEGMENT ARRIVES for the states beyond SYN-SENT: RFC 9293 section 3.10.7.4, one method for each of its steps.</content>
internal sealed partial class TcpConnection
{
    private Instant _challengeAt;
    private Instant _lastHeardAt;
    private uint _segmentsReceived;

    /// <summary>A segment of this flow has arrived, its checksum and lengths verified.</summary>
    internal void SegmentArrives(ref TcpSegment segment, Instant now)
    {
        _segmentsReceived += (uint)segment.Count;
        switch (State)
        {
            case TcpState.Closed: Tcp.Drop(DropReason.SocketClosed); return;
            case TcpState.Pending: PendingArrives(ref segment, now); return;
            case TcpState.SynSent: SynSentArrives(ref segment, now); break;
            default: OtherwiseArrives(ref segment, now); break;
        }
        Settle(now);
    }

    private void OtherwiseArrives(ref TcpSegment segment, Instant now)
    {
        if (IsRepeatedSyn(segment)) { RepeatSynAck(segment, now); return; }
        // Simultaneous open (section 3.5, figure 7): the peer's SYN again, now with the acknowledgment of ours.
        bool simultaneous = State == TcpState.SynReceived && IsActive && segment.Sequence == Irs && segment.Has(TcpFlags.Syn);
        if (simultaneous) AcceptSimultaneous(ref segment);
        if (!CheckTimestamp(ref segment, now)) return;
        if (!CheckSequence(ref segment, now)) return;
        if (segment.Has(TcpFlags.Rst)) { CheckReset(segment, now); return; }
        // Third, security and precedence: no longer checked (RFC 9293 appendix A.1).
        if (segment.Has(TcpFlags.Syn)) { SynArrives(now); return; }
        if (!segment.Has(TcpFlags.Ack)) { Tcp.Drop(DropReason.BadFlags); return; }
        Heard(now);
        SequenceNumber former = RcvNxt;
        if (!CheckAcknowledgment(ref segment, now)) return;
        // What was cut off in front came twice (RFC 2883); told only of a segment that is believed.
        if (segment.Header.Sequence < former) NoteDuplicate(segment.Header.Sequence, SequenceNumber.Min(segment.End, former));
        // Sixth, URG: the pointer is ignored and urgent data are read in line, as RFC 6093 section 6 advises; so no pointer can point
        // anywhere (attack case C2).
        LearnFin(segment, now);
        CheckText(ref segment, now);
        if (State == TcpState.Closed) return;
        NoteMarks(segment);
        CheckFin(now);
    }

    /// <summary>PAWS (RFC 7323 section 5.3, R1), before everything else but a reset.</summary>
    private bool CheckTimestamp(ref TcpSegment segment, Instant now)
    {
        if (!TimestampsOn || segment.Has(TcpFlags.Rst)) return true;
        if (!segment.Header.HasTimestamps)
        {
            if (Options.TolerateMissingTimestamps) return true;
            // Section 3.2: once negotiated it must be there, and a segment without is silently dropped.
            Tcp.Drop(DropReason.PawsRejected);
            return false;
        }
        bool old = (int)(segment.Header.TimestampValue - TsRecent) < 0;
        // Section 5.5: after 24 days the peer's clock may have wrapped, and its last value says nothing.
        if (old && now - TsRecentAt < TimeSpan.FromDays(24))
        {
            Tcp.Drop(DropReason.PawsRejected);
            AcknowledgeStray(segment, now);
            return false;
        }
        return true;
    }

    /// <summary>
    /// RFC 7323 section 4.3: only a segment that reaches back to the last acknowledgment may set the value to be echoed. And only one whose own
    /// acknowledgment is believed (RFC 5961 section 5.2): else a stranger who guesses a number in the window could set a value of the far
    /// future, and everything that the peer sends would be too old for PAWS.
    /// </summary>
    private void NoteTimestamp(in TcpSegment segment, Instant now)
    {
        if (!TimestampsOn || !segment.Header.HasTimestamps || segment.Has(TcpFlags.Rst) || segment.Header.Sequence > LastAckSent) return;
        TsRecent = segment.Header.TimestampValue;
        TsRecentAt = now;
    }

    /// <summary>First: is any of it in the window? What is not is cut off (section 3.10.7.4, step 1).</summary>
    private bool CheckSequence(ref TcpSegment segment, Instant now)
    {
        SequenceNumber sequence = segment.Sequence;
        int length = segment.Length;
        // A bare acknowledgment may stand exactly at the right edge: its sender has filled our window.
        bool acceptable = length == 0
            ? sequence >= RcvNxt && sequence <= RcvAdv
            : segment.End > RcvNxt && sequence < RcvAdv;
        if (!acceptable && sequence == RcvNxt && RcvAdv == RcvNxt)
        {
            // A probe of our closed window: the data are refused, acknowledgment and reset count ("special allowance").
            segment.IsWindowProbe = !segment.Payload.IsEmpty;
            segment.TrimBack(RcvNxt);
            Tcp.Drop(DropReason.OutOfWindow);
            OweAck();
            return true;
        }
        if (!acceptable)
        {
            Tcp.Drop(DropReason.OutOfWindow);
            if (!segment.Has(TcpFlags.Rst)) AcknowledgeStray(segment, now);
            return false;
        }
        // A SYN in the window is judged in step four, whatever else the segment carries.
        if (segment.Has(TcpFlags.Syn)) return true;
        segment.TrimFront(RcvNxt);
        // Who sends past the window should learn soon where it ends.
        if (segment.TrimBack(RcvAdv)) OweAck();
        return true;
    }

    /// <summary>Second: a reset counts only at exactly RCV.NXT; elsewhere in the window it is challenged (RFC 5961 section 3.2).</summary>
    private void CheckReset(in TcpSegment segment, Instant now)
    {
        // RFC 1337: a reset must not cut TIME-WAIT short.
        if (State == TcpState.TimeWait) { Tcp.Drop(DropReason.BadFlags); return; }
        if (segment.Sequence != RcvNxt) { ChallengeAck(now); return; }
        bool closing = State is TcpState.Closing or TcpState.LastAck;
        if (State == TcpState.SynReceived) Finish(NetworkFailure.Refused, now);
        else Finish(closing && SendRing.Count == 0 ? NetworkFailure.None : NetworkFailure.Reset, now);
    }

    /// <summary>Fourth: a SYN on a living connection is challenged, never believed (RFC 5961 section 4.2).</summary>
    private void SynArrives(Instant now)
    {
        Tcp.Drop(DropReason.BadFlags);
        ChallengeAck(now);
    }

    /// <summary>Where the peer's stream ends. What came from beyond is of no stream, and must not join it when a hole is filled.</summary>
    private void LearnFin(in TcpSegment segment, Instant now)
    {
        if (!segment.Fin) return;
        // Section 3.10.7.4, step 5, TIME-WAIT: it is acknowledged. One with a new number is not the peer's FIN again, so the time does not
        // begin anew, or a peer could keep the connection for ever.
        if (State == TcpState.TimeWait) OweAck();
        if (!MayReceive || _peerFinKnown) return;
        _peerFinKnown = true;
        _peerFin = segment.Sequence + segment.Payload.Length;
        OutOfOrder?.CutBack(_peerFin);
        if (OutOfOrder is { IsEmpty: true }) ReceiveRing.FreeIfEmpty(Memory);
        if (RcvNxt != _peerFin && segment.Payload.IsEmpty) FinBeyondHole(now);
    }

    /// <summary>Eighth: the FIN, once everything before it has come.</summary>
    private void CheckFin(Instant now)
    {
        if (!_peerFinKnown || RcvNxt != _peerFin || !MayReceive) return;
        RcvNxt += 1;
        RcvAdv = SequenceNumber.Max(RcvAdv, RcvNxt);
        OutOfOrder = null;
        OweAck();
        Raise(SocketEvents.PeerClosed | SocketEvents.Readable);
        switch (State)
        {
            case TcpState.Established: State = TcpState.CloseWait; break;
            case TcpState.FinWait1: State = TcpState.Closing; break;
            case TcpState.FinWait2: EnterTimeWait(now); break;
        }
    }

    /// <summary>
    /// RFC 5681 section 4.2: out of order it shows a hole as data do, also where it comes alone. Where nobody reads any more, data that will be
    /// lost are on their way, and RFC 9293 section 3.6.1 wants the peer to know, as it does when they arrive.
    /// </summary>
    private void FinBeyondHole(Instant now)
    {
        if (!Released) { OweAck(); return; }
        Tcp.Drop(DropReason.SocketClosed);
        Reset(NetworkFailure.Aborted, now);
    }

    /// <summary>The peer is alive: probes and patience begin anew.</summary>
    private void Heard(Instant now)
    {
        _lastHeardAt = now;
        _keepAliveSent = 0;
    }

    /// <summary>
    /// Answers a segment that is not acceptable with an acknowledgment. One that carries data is answered always, for our last
    /// acknowledgment may be lost; a bare one rarely, or two confused peers would answer each other for ever.
    /// </summary>
    private void AcknowledgeStray(in TcpSegment segment, Instant now)
    {
        if (segment.Payload.Length > 0 || segment.Fin)
        {
            if (segment.End <= RcvNxt) NoteDuplicate(segment.Sequence, segment.End);
            OweAck();
            if (State == TcpState.TimeWait && segment.Fin) RestartTimeWait(now);
            return;
        }
        ChallengeAck(now);
    }

    /// <summary>Sends a challenge ACK (RFC 5961), limited per connection and for the stack.</summary>
    private void ChallengeAck(Instant now)
    {
        if (now < _challengeAt || !Tcp.ChallengeAcks.TryTake(now))
        {
            Tcp.Drop(DropReason.RateLimited);
            return;
        }
        _challengeAt = now + ChallengeAckLimiter.PerConnection;
        OweAck();
    }
}
