using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Loss recovery. Theory of operation: three phases. Open; Recovery, after a loss was seen in acknowledgments; Loss, after the timer
/// expired (RFC 5681). In each the scoreboard says the same two things: what is lost and has to be sent again, and how much is in the
/// network. With SACK, RACK decides what is lost (RFC 8985, in the part Rack) and proportional rate reduction how much may be sent
/// meanwhile (RFC 9937). What a peer without SACK lets us know is in the part WithoutSack.
/// </content>
internal sealed partial class TcpConnection
{
    /// <summary>DupThresh of RFC 5681 section 3.2.</summary>
    private const int DuplicateThreshold = 3;

    private enum LossPhase : byte { Open, Recovery, Loss }

    private LossPhase _phase;
    private SequenceNumber _recoveryPoint;
    private bool _retransmitNow;
    private int _duplicateAcks;
    private int _duplicateOctets;
    private int _mostFlight;
    private SequenceNumber _mostFlightEnd;
    private Instant _reducedAt;

    /// <summary>Octets of data that fit a segment beside the options that every segment carries.</summary>
    private int SegmentSize => SndMss - (TimestampsOn ? 12 : 0);

    /// <summary>
    /// FlightSize of RFC 5681 section 2, the octets in the network. What was SACKed has left it and still counts in <see cref="Flight"/>,
    /// which therefore grows past the congestion window during recovery; half of that would be a threshold that no path ever carried.
    /// Nor does what limited transmit sent count (RFC 5681 section 3.2, step 2; RFC 6675 section 5, step 4.2).
    /// </summary>
    private int InNetwork => Math.Min(Flight, Congestion!.CongestionWindow);

    private TcpLossState LossState => _phase switch
    {
        LossPhase.Recovery => TcpLossState.Recovery,
        LossPhase.Loss => TcpLossState.Loss,
        _ when IsReducing => TcpLossState.WindowReduced,
        _ => _sending?.Scoreboard.Sacked > 0 || _duplicateAcks > 0 ? TcpLossState.Disorder : TcpLossState.Open,
    };

    private void ResetRecovery()
    {
        (_recoveryPoint, _reducedTo) = (Iss, Iss + 1);
        _ecn |= EcnState.Answered;
    }

    /// <summary>Octets in the network (RFC 6675 section 4, RFC 9937 section 5). Window minus pipe is what may be sent.</summary>
    private int Pipe() => Math.Max(0, Scoreboard.InFlight - _duplicateOctets);

    /// <summary>What an acknowledgment means for recovery, once it has been taken; SND.UNA moved by <paramref name="advanced"/>.</summary>
    private void Recover(in TcpSegment segment, in Delivery delivery, int advanced, Instant now)
    {
        // In TIME-WAIT nothing is sent any more, whatever a late acknowledgment says.
        if (Congestion is null) return;
        if (segment.Has(TcpFlags.Ece) && MaySetEct) EchoArrives(delivery, advanced, now);
        int growth = CountForGrowth(advanced, delivery);
        if (SackOn) NoteDelivery(segment, delivery, advanced, now);
        int lostBefore = Scoreboard.Lost;
        if (advanced > 0) Progress(segment, delivery, advanced, growth, now);
        else NoteDuplicateAcknowledgment(segment, delivery, now);
        if (SackOn && (delivery.Octets > 0 || advanced > 0)) DetectLosses(delivery.Octets, now);
        FollowReduction(delivery.Octets, advanced > 0);
        if (!SackOn) return;
        // RFC 9937 section 6: on every acknowledgment of a recovery that delivers something.
        if (_phase != LossPhase.Recovery || delivery.Octets == 0) return;
        ReduceProportionally(delivery.Octets, advanced > 0 && Scoreboard.Lost <= lostBefore);
    }

    /// <summary>SND.UNA has moved by <paramref name="octets"/>, of which <paramref name="growth"/> let the window grow.</summary>
    private void Progress(in TcpSegment segment, in Delivery delivery, int octets, int growth, Instant now)
    {
        CheckSpurious(segment, delivery, now);
        if (!SackOn) GoingBack.Advanced();
        bool partial = SndUna < _recoveryPoint;
        if (_phase == LossPhase.Open || !partial)
        {
            if (_phase == LossPhase.Recovery) EndRecovery();
            else if (!IsReducing && !IsHeld && !(MaySetEct && segment.Has(TcpFlags.Ece))) Grow(growth, now);
            if (GoingBack.IsOn) EndGoingBack();
            _phase = LossPhase.Open;
            _frto = FrtoStep.None;
            _duplicateAcks = _duplicateOctets = 0;
            // What was to be sent again and had not left yet has arrived after all.
            _retransmitNow = false;
            return;
        }
        if (_phase == LossPhase.Loss)
        {
            Grow(growth, now);
            _duplicateOctets = Math.Max(0, _duplicateOctets - octets);
            return;
        }
        if (!SackOn) PartialAcknowledgment(octets);
    }

    // What duplicates have told before does not make the window grow afterwards: limited transmit has spent it (RFC 3042 section 2). On a path
    // that was seen to reorder before it was no sign of loss, and counts.
    private int CountForGrowth(int octets, in Delivery delivery) =>
        SackOn && !Rack.ReorderingSeen ? Math.Min(octets, delivery.Octets) : octets;

    // RFC 7661 section 4.1: only a window that is used grows. In slow start half of it is enough, of the largest flight of this window:
    // the flight of the moment is small at the end of every burst.
    private void Grow(int octets, Instant now)
    {
        if (_cwndLimited || Congestion!.InSlowStart && Congestion.CongestionWindow < 2 * _mostFlight)
            Congestion!.Acknowledged(octets, Rtt.Smoothed, now);
    }

    /// <summary>New data have left: is it the largest flight since what was in flight then was acknowledged?</summary>
    private void NoteFlight()
    {
        if (Flight <= _mostFlight && SndUna < _mostFlightEnd) return;
        (_mostFlight, _mostFlightEnd) = (Flight, SndNxt);
    }

    /// <summary>SND.UNA has not moved: perhaps a segment arrived beyond a lost one (RFC 5681 section 2, RFC 6675 section 2).</summary>
    private void NoteDuplicateAcknowledgment(in TcpSegment segment, in Delivery delivery, Instant now)
    {
        // The answers to probes of a closed window all look alike and mean no loss.
        if (Flight == 0 || _isPersisting || segment.Header.Acknowledgment != SndUna) return;
        bool windowChanged = segment.Header.Window << SndScale != SndWnd;
        bool isDuplicate = SackOn ? delivery.Octets > 0 : segment.Payload.Length == 0 && !segment.Fin && !windowChanged;
        if (!isDuplicate) return;
        CheckSpurious(segment, delivery, now);
        _duplicateAcks++;
        if (!SackOn) CountDuplicate(now);
    }

    /// <summary>Fast recovery begins, with <paramref name="delivered"/> octets of the acknowledgment that showed the loss.</summary>
    private void EnterRecovery(int delivered, Instant now)
    {
        Remember();
        _phase = LossPhase.Recovery;
        _recoveryPoint = SndNxt;
        // RFC 5681 section 3.2, step 3: the first hole goes out whatever the pipe holds.
        _retransmitNow = true;
        _reducedAt = now;
        // RFC 3168 section 6.1.2: one reduction for what one window of data has met, marks and losses together; it goes on.
        if (IsReducedAlready)
        {
            _undoWindow = _undoThreshold = _reducedWindow;
            // Without SACK nothing brings the window down in proportion any more.
            if (!SackOn) CutReductionShort();
        }
        else
        {
            Congestion!.Congested(CongestionSign.Loss, InNetwork, now);
            Reduction.Begin(Flight - Scoreboard.Sacked + delivered);
            NoteReduction();
        }
        _ecn &= ~EcnState.Reducing;
        CancelLossProbe();
        // RFC 6675 section 5, step 4.3 recommends it: the timer gives the retransmission its own time.
        _retransmitAt = now + Rtt.Timeout(Options);
    }

    private void EndRecovery()
    {
        // RFC 6582 section 3.2: do not burst what has become free; a pipe of less than the window lets few segments follow.
        Congestion!.CongestionWindow = CalmWindow(Congestion.SlowStartThreshold);
        Rack.Recovered();
    }

    private int CalmWindow(int most) => Math.Min(most, Math.Max(Pipe(), SegmentSize) + Options.InitialWindow * SegmentSize);

    /// <summary>The retransmission timer expired: what was on its way long enough is lost unless SACKed (RFC 8985 section 6.3).</summary>
    private void EnterLoss(bool again, Instant now)
    {
        // RFC 2018 section 8: a peer that SACKed the very first hole and does not acknowledge it has thrown it away.
        if (Scoreboard.IsHeadSacked) Scoreboard.ForgetSacks();
        _frto = _phase == LossPhase.Open && !again ? FrtoStep.First : FrtoStep.None;
        if (_phase == LossPhase.Open) Remember();
        if (_phase == LossPhase.Open && IsReducedAlready) _undoWindow = _undoThreshold = _reducedWindow;
        // RFC 3168 section 6.1.2: ssthresh does not fall twice for one window of data.
        Congestion!.TimedOut(InNetwork, again || IsReducedAlready, now);
        _ecn &= ~EcnState.Reducing;
        NoteReduction();
        _phase = LossPhase.Loss;
        _recoveryPoint = SndNxt;
        if (SackOn) Scoreboard.MarkTimedOut(SegmentSize, Patience(), now, Memory);
        else Scoreboard.MarkAll();
        if (!SackOn) GoingBack.Begin(SndUna);
        _duplicateAcks = _duplicateOctets = 0;
        _retransmitNow = true;
        _rttTiming = false;
        _reorderAt = Instant.Never;
        CancelLossProbe();
    }

    /// <summary>Everything in flight must be sent again, but nothing says that the path is congested: it became narrower.</summary>
    private void MarkAllLost()
    {
        Scoreboard.MarkAll();
        if (!SackOn) GoingBack.Begin(SndUna);
        _recoveryPoint = SndNxt;
        // What duplicates have told is told of what counts as lost now; without SACK no recovery hole by hole goes on from here.
        _duplicateAcks = _duplicateOctets = 0;
        if (_phase == LossPhase.Open || !SackOn) _phase = LossPhase.Loss;
        CutReductionShort();
        ForgetUndo();
        _frto = FrtoStep.None;
        _retransmitNow = true;
        _rttTiming = false;
        CancelLossProbe();
    }

    /// <summary>NextSeg() of RFC 6675 section 4, rule 1: what is lost, the lowest first. False: nothing to send again.</summary>
    private bool TryPickRetransmission(out SequenceNumber sequence, out int length)
    {
        (sequence, length) = (SndUna, 0);
        // RFC 5682 section 2.1, step 2b: between the first acknowledgment and the second only new data are sent.
        if (_sending is null || _frto == FrtoStep.Second || !Scoreboard.TryFirstLost(out SackBlock hole)) return false;
        int room = Congestion!.CongestionWindow - Pipe();
        int size = DataSegmentSize();
        length = hole.Right - hole.Left;
        _cwndLimited = room < length;
        sequence = hole.Left;
        if (_retransmitNow) length = Math.Min(length, Math.Max(size, room / size * size));
        else if (room < Math.Min(size, length)) return false;
        else if (length > room) length = Math.Max(size, room / size * size);
        length = Math.Min(length, LargestSend(size));
        return FitsPeersWindow(sequence, size, ref length);
    }

    /// <summary>A retransmission has left.</summary>
    private void NoteRetransmission(SequenceNumber sequence, SequenceNumber end, Instant now)
    {
        _retransmitNow = _rttTiming = false;
        Scoreboard.SentAgain(sequence, end, now, Memory);
        Reduction.Sent(end - sequence);
        if (!SackOn)
        {
            GoingBack.SentAgain((end - sequence + SegmentSize - 1) / SegmentSize);
            if (sequence == SndUna) GoingBack.HeadSentTo = end;
        }
        // The first hole was lost once more: it gets the timer's whole time again, as RFC 6298 section 5.1 has it for what is sent.
        if (sequence == SndUna && _phase == LossPhase.Recovery) _retransmitAt = now + Rtt.Timeout(Options);
        StampRetransmission(end - sequence, now);
    }
}
