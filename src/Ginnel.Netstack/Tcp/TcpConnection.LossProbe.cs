using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// The probe of the tail (TLP, RFC 8985 section 7). Theory of operation: when the last segments of a burst are lost nothing arrives behind
/// them, and only the timer would tell. So after two round trips of silence one segment goes out: new data if there are any, else the
/// last segment again. Its acknowledgment makes RACK see what is missing. If the probe itself mended the loss, which nobody else would
/// notice, the window is reduced all the same.
/// </content>
internal sealed partial class TcpConnection
{
    // RFC 8985 section 7.2: what a lone segment's acknowledgment may be held back by the peer.
    private static readonly TimeSpan PeerDelayedAck = TimeSpan.FromMilliseconds(200);

    // Two ticks of our clock: on short paths two round trips are less than what a busy host needs to turn round.
    private static readonly TimeSpan LeastProbeTimeout = TimeSpan.FromMilliseconds(2);

    private Instant _lossProbeAt = Instant.Never;
    private bool _lossProbeOwed;
    private bool _lossProbeOut;
    private bool _lossProbeAgain;
    private SequenceNumber _lossProbeEnd;
    private int _lossProbeFlight;

    /// <summary>TLP_calc_PTO(), after new data were sent or acknowledged, unless something else watches over the flight.</summary>
    private void ScheduleLossProbe(Instant now)
    {
        _lossProbeAt = Instant.Never;
        _lossProbeOwed = false;
        if (!SackOn || Flight == 0 || _phase != LossPhase.Open || Scoreboard.Sacked > 0 || _lossProbeOut || _isPersisting) return;
        TimeSpan timeout = TimeSpan.FromSeconds(1);
        if (Rtt.Smoothed > TimeSpan.Zero) timeout = 2 * Rtt.Smoothed + (Flight <= SegmentSize ? PeerDelayedAck : LeastProbeTimeout);
        _lossProbeAt = Instant.Min(now + timeout, _retransmitAt);
    }

    private void CancelLossProbe()
    {
        _lossProbeAt = Instant.Never;
        _lossProbeOwed = _lossProbeOut = false;
    }

    /// <summary>Section 7.3: the probe is due; from now on the retransmission timer runs, whether it can be sent or not.</summary>
    private void LossProbeExpired(Instant now)
    {
        _lossProbeAt = Instant.Never;
        if (Flight == 0 || _phase != LossPhase.Open) return;
        _lossProbeOwed = true;
        _retransmitAt = now + Rtt.Timeout(Options);
    }

    /// <summary>TLP_send_probe(): new data if the peer's window admits them, whatever ours says, else the last segment again.</summary>
    private bool SendLossProbe(Instant now)
    {
        _lossProbeOwed = false;
        if (Flight == 0 || _phase != LossPhase.Open || !MaySend) return false;
        int length = Math.Min(DataSegmentSize(), Math.Min(Unsent, SndUna + SndWnd - SndNxt));
        _lossProbeAgain = length <= 0;
        bool sent;
        if (_lossProbeAgain)
        {
            SackBlock last = Scoreboard.LastSegment(DataSegmentSize());
            sent = SendAgain(last.Left, last.Right - last.Left, now);
        }
        else sent = SendNew(length, now);
        if (!sent) { _lossProbeOwed = true; return false; }
        Tcp.Context.Counters.LossProbes++;
        _lossProbeOut = true;
        _lossProbeEnd = SndNxt;
        _lossProbeFlight = InNetwork;
        _lossProbeAt = Instant.Never;
        return true;
    }

    /// <summary>TLP_process_ack() of section 7.4.2: did the probe mend a loss?</summary>
    private void CheckLossProbe(in TcpSegment segment, in Delivery delivery, int advanced, Instant now)
    {
        if (!_lossProbeOut || SndUna < _lossProbeEnd) return;
        bool wasDuplicate = delivery.HasDuplicate && delivery.Duplicate.Right == _lossProbeEnd;
        bool bothArrived = advanced == 0 && segment.Header.SackCount == 0 && segment.Payload.IsEmpty && !segment.Fin;
        if (!_lossProbeAgain || wasDuplicate) _lossProbeOut = false;
        else if (SndUna > _lossProbeEnd)
        {
            _lossProbeOut = false;
            if (_phase != LossPhase.Open || IsReducing) return;
            // What was in the network then, not the little that is now.
            Congestion!.Congested(CongestionSign.MendedTail, _lossProbeFlight, now);
            NoteReduction();
        }
        else if (bothArrived) _lossProbeOut = false;
    }
}
