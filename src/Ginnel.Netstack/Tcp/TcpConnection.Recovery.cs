using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Loss recovery. Theory of operation: three phases. Open; Recovery, after a loss was seen in acknowledgments (RFC 6675 with SACK,
/// RFC 6582 without); Loss, after the timer expired (RFC 5681, RFC 6675 section 5.1). In each the same three numbers say what to do:
/// holes below LostEdge are lost, those below HighRxt have been sent again, and Pipe estimates what is in the network. A peer without
/// SACK is treated as one that SACKs some unknown segment with each duplicate acknowledgment.
/// </content>
internal sealed partial class TcpConnection
{
    private enum LossPhase : byte { Open, Recovery, Loss }

    private LossPhase _phase;
    private SequenceNumber _recoveryPoint;
    private SequenceNumber _lostEdge;
    private SequenceNumber _highRxt;
    private bool _rescueUsed;
    private bool _retransmitNow;
    private int _duplicateAcks;
    private int _duplicateOctets;
    private bool _headMarked;
    private bool _headAgain;
    private SequenceNumber _headMark;

    /// <summary>Octets of data that fit a segment beside the options that every segment carries.</summary>
    private int SegmentSize => SndMss - (TimestampsOn ? 12 : 0);

    /// <summary>
    /// FlightSize of RFC 5681 section 2, the octets in the network. What was SACKed has left it and still counts in <see cref="Flight"/>,
    /// which therefore grows past the congestion window during recovery; half of that would be a threshold that no path ever carried.
    /// Nor does what limited transmit sent count (RFC 5681 section 3.2, step 2; RFC 6675 section 5, step 4.2).
    /// </summary>
    private int InNetwork => Math.Min(Flight, Congestion!.CongestionWindow);

    private void ResetRecovery() => _recoveryPoint = _lostEdge = _highRxt = Iss;

    /// <summary>SetPipe() of RFC 6675 section 4: holes that are not lost, and those that were sent again.</summary>
    private int Pipe()
    {
        SequenceNumber lost = SequenceNumber.Max(_lostEdge, SndUna);
        SequenceNumber again = SequenceNumber.Max(_highRxt, SndUna);
        if (Scoreboard is { IsEmpty: false } board) return board.Holes(lost, SndNxt) + board.Holes(SndUna, again);
        return Math.Max(0, SndNxt - lost + (again - SndUna) - _duplicateOctets);
    }

    /// <summary>Update() of RFC 6675: takes the SACK blocks of a segment; returns octets that are news.</summary>
    private int NoteSacks(in TcpSegment segment)
    {
        int news = 0;
        for (int i = 0; i < segment.Header.SackCount; i++)
        {
            SackBlock block = segment.Header.Sack[i];
            // Blocks outside what is in flight are duplicates' reports (RFC 2883) or lies (attack case C10).
            if (block.Left >= block.Right || block.Left < SndUna || block.Right > SndNxt) continue;
            if (block.Right <= segment.Header.Acknowledgment) continue;
            news += (Scoreboard ??= new Scoreboard()).Add(block.Left, block.Right);
        }
        return news;
    }

    /// <summary>SND.UNA has moved.</summary>
    private void Progress(in TcpSegment segment, int octets, Instant now)
    {
        if (_undoPossible) Undo(segment);
        // Whether what is the first hole now was sent again, and when, is known no better than this.
        (_headAgain, _headMarked, _headMark) = (false, _highRxt > SndUna, SndNxt);
        _highRxt = SequenceNumber.Max(_highRxt, SndUna);
        _lostEdge = SequenceNumber.Max(_lostEdge, SndUna);
        bool partial = SndUna < _recoveryPoint;
        if (_phase == LossPhase.Open || !partial)
        {
            if (_phase == LossPhase.Recovery) EndRecovery();
            else Grow(octets, now);
            _phase = LossPhase.Open;
            _duplicateAcks = _duplicateOctets = 0;
            // What was to be sent again and had not left yet has arrived after all.
            _retransmitNow = false;
            if (SackOn) FindLosses(now);
            return;
        }
        if (_phase == LossPhase.Loss)
        {
            Grow(octets, now);
            _duplicateOctets = Math.Max(0, _duplicateOctets - octets);
            RaiseLostEdge();
            return;
        }
        if (SackOn) RaiseLostEdge();
        else PartialAcknowledgment(octets);
    }

    // RFC 6582 section 3.2, step 3: the next hole is lost too. What it leaves of cwnd inflation is in _duplicateOctets here.
    private void PartialAcknowledgment(int octets)
    {
        _duplicateOctets = Math.Max(0, _duplicateOctets - Math.Max(0, octets - SegmentSize));
        _lostEdge = SequenceNumber.Min(SndUna + SegmentSize, SndNxt);
        _highRxt = SndUna;
        _retransmitNow = true;
    }

    private void Grow(int octets, Instant now)
    {
        if (_cwndLimited || Congestion!.InSlowStart && Congestion.CongestionWindow < 2 * (Flight + octets))
            Congestion!.Acknowledged(octets, Rtt.Smoothed, now);
    }

    private void EndRecovery()
    {
        // RFC 6582 section 3.2: do not burst what has become free; a pipe of less than the window lets few segments follow.
        int calm = Math.Max(Pipe(), SegmentSize) + Options.InitialWindow * SegmentSize;
        Congestion!.CongestionWindow = Math.Min(Congestion.SlowStartThreshold, calm);
        _rescueUsed = false;
    }

    /// <summary>SND.UNA has not moved: perhaps a segment arrived beyond a lost one (RFC 5681 section 2, RFC 6675 section 2).</summary>
    private void NoteDuplicateAcknowledgment(in TcpSegment segment, int sacked, Instant now)
    {
        // The answers to probes of a closed window all look alike and mean no loss.
        if (Flight == 0 || _isPersisting || segment.Header.Acknowledgment != SndUna) return;
        if (SackOn)
        {
            if (sacked == 0) return;
            _duplicateAcks++;
            FindLosses(now);
            return;
        }
        bool windowChanged = segment.Header.Window << SndScale != SndWnd;
        if (segment.Payload.Length > 0 || segment.Fin || windowChanged) return;
        _duplicateAcks++;
        // More duplicates than segments in flight are not the network's doing (attack case C13).
        if (_duplicateOctets < Flight - SegmentSize) _duplicateOctets = Math.Min(_duplicateOctets + SegmentSize, Flight - SegmentSize);
        if (_phase != LossPhase.Open || _duplicateAcks < Scoreboard.DuplicateThreshold) return;
        EnterRecovery(now);
        _lostEdge = SequenceNumber.Min(SndUna + SegmentSize, SndNxt);
    }

    private void FindLosses(Instant now)
    {
        if (_phase != LossPhase.Open)
        {
            RaiseLostEdge();
            FindLostRetransmission();
            return;
        }
        if (Scoreboard is not { IsEmpty: false } board) return;
        SequenceNumber edge = board.LostEdge(SndUna, SegmentSize);
        // RFC 6675 section 5, steps 1 and 2: three duplicates, or IsLost(HighACK + 1).
        if (edge <= SndUna && _duplicateAcks < Scoreboard.DuplicateThreshold) return;
        EnterRecovery(now);
        RaiseLostEdge();
        if (_lostEdge <= SndUna) _lostEdge = SequenceNumber.Min(SndUna + SegmentSize, board.Lowest);
    }

    private void RaiseLostEdge()
    {
        if (Scoreboard is { IsEmpty: false } board) _lostEdge = SequenceNumber.Max(_lostEdge, board.LostEdge(SndUna, SegmentSize));
    }

    // Octets that were sent after the first hole's retransmission have been SACKed, more than the network would reorder: the
    // retransmission is lost too. RFC 6675 waits for the timer here; one more round trip is better.
    private void FindLostRetransmission()
    {
        if (!_headMarked || Scoreboard is not { IsEmpty: false } board || _highRxt <= SndUna) return;
        if (board.Highest - _headMark <= (Scoreboard.DuplicateThreshold - 1) * SegmentSize) return;
        _headMarked = false;
        _headAgain = true;
    }

    private void EnterRecovery(Instant now)
    {
        Remember();
        _phase = LossPhase.Recovery;
        _recoveryPoint = SndNxt;
        _highRxt = SndUna;
        _rescueUsed = false;
        // RFC 6675 section 5, step 4.3: the first hole goes out whatever the pipe holds.
        _retransmitNow = true;
        Congestion!.Lost(InNetwork, now);
        // RFC 6675 section 5, step 4.3 recommends it: the timer gives the retransmission its own time.
        _retransmitAt = now + Rtt.Timeout(Options);
    }

    /// <summary>The retransmission timer expired: everything in flight is lost unless SACKed (RFC 6675 section 5.1).</summary>
    private void EnterLoss(bool again, Instant now)
    {
        // RFC 2018 section 8: a peer that SACKed the very first hole and does not acknowledge it has thrown it away.
        if (Scoreboard is { IsEmpty: false } board && board.Lowest <= SndUna) board.Clear();
        if (_phase == LossPhase.Open) Remember();
        Congestion!.TimedOut(InNetwork, again, now);
        _phase = LossPhase.Loss;
        _recoveryPoint = SndNxt;
        _lostEdge = SndNxt;
        _highRxt = SndUna;
        _duplicateAcks = _duplicateOctets = 0;
        _retransmitNow = true;
        _rttTiming = _headMarked = _headAgain = false;
    }

    /// <summary>Everything in flight must be sent again, but nothing says that the path is congested: it became narrower.</summary>
    private void MarkAllLost()
    {
        _lostEdge = SndNxt;
        _highRxt = SndUna;
        if (_phase == LossPhase.Open) _recoveryPoint = SndNxt;
        if (_phase == LossPhase.Open) _phase = LossPhase.Loss;
        _retransmitNow = true;
        _rttTiming = false;
    }

    /// <summary>NextSeg() of RFC 6675 section 4, rules 1 and, when there are no new data, 3 and 4. False: nothing to send again.</summary>
    private bool TryPickRetransmission(out SequenceNumber sequence, out int length)
    {
        (sequence, length) = (SndUna, 0);
        if (Flight == 0 || _phase == LossPhase.Open) return false;
        if (_headAgain && TryHole(SndUna, SndUna + DataSegmentSize(), out SackBlock head))
        {
            length = SequenceNumber.Min(head.Right, SndNxt) - head.Left;
            return head.Left == SndUna;
        }
        SequenceNumber from = SequenceNumber.Max(_highRxt, SndUna);
        if (!TryHole(from, _lostEdge, out SackBlock hole))
        {
            if (_phase != LossPhase.Recovery || CanSendNew()) return false;
            if (!TryPickSpeculative(from, out hole)) return false;
        }
        int room = Congestion!.CongestionWindow - Pipe();
        int size = DataSegmentSize();
        length = hole.Right - hole.Left;
        _cwndLimited = room < length;
        sequence = hole.Left;
        if (_retransmitNow) length = Math.Min(length, Math.Max(size, room / size * size));
        else if (room < Math.Min(size, length)) return false;
        else if (length > room) length = Math.Max(size, room / size * size);
        length = Math.Min(length, LargestSend(size));
        return true;
    }

    private bool TryPickSpeculative(SequenceNumber from, out SackBlock hole)
    {
        hole = default;
        if (Scoreboard is not { IsEmpty: false } board) return false;
        // Rule 3: holes below the highest SACKed octet, lost or not.
        if (TryHole(from, board.Highest, out hole))
        {
            if (hole.Right - hole.Left > SegmentSize) hole = hole with { Right = hole.Left + SegmentSize };
            return true;
        }
        // Rule 4, once per recovery: the last octets in flight, which no SACK could ever show to be lost.
        if (_rescueUsed || SndNxt <= board.Highest || from >= SndNxt) return false;
        hole = new SackBlock(SequenceNumber.Max(board.Highest, SndNxt - SegmentSize), SndNxt);
        return true;
    }

    private bool TryHole(SequenceNumber from, SequenceNumber limit, out SackBlock hole)
    {
        if (Scoreboard is { IsEmpty: false } board) return board.TryNextHole(from, limit, out hole);
        hole = new SackBlock(from, limit);
        return from < limit;
    }

    /// <summary>A retransmission has left.</summary>
    private void NoteRetransmission(SequenceNumber sequence, SequenceNumber end, Instant now)
    {
        _retransmitNow = _headAgain = _rttTiming = false;
        if (sequence == SndUna) (_headMarked, _headMark) = (true, SndNxt);
        StampRetransmission(now);
        bool rescue = _phase == LossPhase.Recovery && sequence >= _lostEdge
            && Scoreboard is { IsEmpty: false } board && sequence >= board.Highest;
        if (rescue)
        {
            // RFC 6675 section 4, rule 4: HighRxt does not move.
            _rescueUsed = true;
            return;
        }
        _highRxt = SequenceNumber.Max(_highRxt, end);
    }
}
