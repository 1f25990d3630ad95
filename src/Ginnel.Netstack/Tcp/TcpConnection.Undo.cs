using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Losses that were none. Theory of operation: when a recovery begins, the window before it is kept. Three signs bring it back. An
/// acknowledgment that echoes a timestamp from before the first retransmission is the original's, which was late (Eifel, RFC 3522).
/// Duplicates reported for all that was sent again mean that all of it had arrived (RFC 2883, in the way of RFC 3708). And after a
/// timeout two new segments are sent before anything else is repeated: if what was in flight goes on arriving, the timer was too
/// impatient (F-RTO, RFC 5682), and takes the round trip that it did not wait for as a lesson (RFC 4015).
/// </content>
internal sealed partial class TcpConnection
{
    /// <summary>Where F-RTO stands (RFC 5682 section 3.1): waiting for the first acknowledgment after the timeout, or the second.</summary>
    private enum FrtoStep : byte { None, First, Second }

    // RFC 5682 section 2.1, step 2b: up to two new segments.
    private const int FrtoSegments = 2;

    private FrtoStep _frto;
    private int _frtoRoom;
    private bool _undoPossible;
    private bool _eifelPossible;
    private bool _undoStamped;
    private uint _undoStamp;
    private uint _lastRetransmitStamp;
    private int _undoWindow;
    private int _undoThreshold;
    private int _undoOctets;
    private SequenceNumber _undoFrom;
    private ushort _duplicatesReported;

    private void Remember()
    {
        _undoPossible = true;
        _eifelPossible = TimestampsOn;
        _undoStamped = false;
        _undoWindow = Congestion!.CongestionWindow;
        _undoThreshold = Congestion.SlowStartThreshold;
        _undoOctets = 0;
        _undoFrom = SndUna;
    }

    private void StampRetransmission(int octets, Instant now)
    {
        _lastRetransmitStamp = TimestampNow(now);
        if (!_undoPossible || _phase == LossPhase.Open) return;
        _undoOctets += octets;
        if (_undoStamped) return;
        _undoStamped = true;
        _undoStamp = _lastRetransmitStamp;
    }

    /// <summary>An acknowledgment during a recovery: does it belong to what was sent first?</summary>
    private void CheckSpurious(in TcpSegment segment, in Delivery delivery, Instant now)
    {
        if (_phase == LossPhase.Open) return;
        if (IsEifel(segment))
        {
            // Or the acknowledgment of its first arrival was lost, which looks the same: the timer learns nothing from this.
            RestoreWindow();
        }
        else if (IsFrto(delivery))
        {
            // RFC 4015 section 3.3: the timer learns how long it really took.
            Rtt.Adapt(now - delivery.OriginalSentAt, Options);
            RestoreWindow();
        }
    }

    // RFC 3522 section 3.2, step 4: only the first acknowledgment after the retransmission can tell.
    private bool IsEifel(in TcpSegment segment)
    {
        if (!_eifelPossible || !_undoStamped || segment.Header.Acknowledgment <= _undoFrom) return false;
        _eifelPossible = false;
        return segment.Header.TimestampEcho != 0 && (int)(segment.Header.TimestampEcho - _undoStamp) < 0;
    }

    /// <summary>RFC 5682 section 3.1, the SACK-enhanced form; without SACK it is that of section 2.1.</summary>
    private bool IsFrto(in Delivery delivery)
    {
        if (_phase != LossPhase.Loss || _frto == FrtoStep.None) return false;
        bool advances = SndUna > _undoFrom;
        if (_frto == FrtoStep.First)
        {
            // Step 2: until the retransmission is acknowledged nothing is known.
            if (!advances) return false;
            _frtoRoom = FrtoSegments * SegmentSize;
            // Step 2b, or 2a where all is acknowledged or nothing new can be sent.
            _frto = SndUna < _recoveryPoint ? FrtoStep.Second : FrtoStep.None;
            if (_frto == FrtoStep.Second && !CanSendNew()) _frto = FrtoStep.None;
            return false;
        }
        // Step 3b: what was in flight at the timeout and not sent again arrives. Step 3a: it does not.
        _frto = FrtoStep.None;
        return delivery.HasOriginal && delivery.LowestOriginalEnd <= _recoveryPoint;
    }

    /// <summary>The peer has octets twice. When all that was sent again came twice, none of it had been lost.</summary>
    private void NoteDuplicateReport(SackBlock duplicate)
    {
        if (_duplicatesReported < ushort.MaxValue) _duplicatesReported++;
        if (!_undoPossible || _undoOctets == 0 || duplicate.Left < _undoFrom || duplicate.Right > _recoveryPoint) return;
        _undoOctets -= Math.Min(_undoOctets, duplicate.Right - duplicate.Left);
        if (_undoOctets == 0) RestoreWindow();
    }

    /// <summary>What is lost now is not the network's doing: nothing of an earlier recovery may be taken back because of it.</summary>
    private void ForgetUndo() => _undoPossible = _eifelPossible = false;

    private void RestoreWindow()
    {
        ForgetUndo();
        _undoOctets = 0;
        Tcp.Context.Counters.SpuriousRecoveries++;
        Scoreboard.UnmarkAll();
        // RFC 4015 section 3.2, step 8: no burst of what has become free; slow start finds the rest of the way back.
        int threshold = Math.Max(_undoThreshold, _undoWindow);
        if (threshold > Congestion!.SlowStartThreshold) WithdrawReduction();
        Congestion.Undo(CalmWindow(_undoWindow), threshold);
        _phase = LossPhase.Open;
        _frto = FrtoStep.None;
        GoingBack.End();
        _retransmitNow = false;
        _duplicateAcks = _duplicateOctets = 0;
    }
}
