using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// What SACK tells (RFC 2018, RFC 2883) and what RACK concludes from it (RFC 8985 section 6). Theory of operation: every acknowledgment
/// says what has arrived; whatever was sent before that and is still missing is late. It is lost when it is later than the reordering
/// window admits; until then a deadline waits for it, so that a single late packet costs no retransmission and a single lost one no
/// timeout.
/// </content>
internal sealed partial class TcpConnection
{
    private Instant _reorderAt = Instant.Never;

    /// <summary>Update() of RFC 6675: takes the SACK blocks of a segment, before its acknowledgment is taken.</summary>
    private void NoteSacks(in TcpSegment segment, ref Delivery delivery)
    {
        if (!SackOn) return;
        for (int i = 0; i < segment.Header.SackCount; i++)
        {
            SackBlock block = segment.Header.Sack[i];
            if (block.Left >= block.Right) continue;
            if (i == 0 && IsDuplicateReport(segment, block)) (delivery.HasDuplicate, delivery.Duplicate) = (true, block);
            // Blocks outside what is in flight are duplicates' reports or lies (attack case C10).
            if (block.Left < SndUna || block.Right > SndNxt || block.Right <= segment.Header.Acknowledgment) continue;
            Scoreboard.Sack(block.Left, block.Right, ref delivery, Memory);
        }
    }

    // RFC 2883 section 4: below the acknowledgment, or within the second block; and it must have been sent not too long ago.
    private bool IsDuplicateReport(in TcpSegment segment, SackBlock block)
    {
        if (block.Left < SndUna - MaxSndWnd || block.Right > SndNxt) return false;
        if (block.Right <= segment.Header.Acknowledgment) return true;
        return segment.Header.SackCount > 1 && segment.Header.Sack[1].Left <= block.Left && block.Right <= segment.Header.Sack[1].Right;
    }

    /// <summary>Steps 1 to 4 of RFC 8985 section 6.2, the probe of the tail, and duplicates.</summary>
    private void NoteDelivery(in TcpSegment segment, in Delivery delivery, int advanced, Instant now)
    {
        Rack.Update(delivery, !delivery.HasAgain || EchoesSince(segment, delivery.AgainSentAt), now);
        if (advanced > 0) Rack.Acknowledged(SndUna);
        if (delivery.HasDuplicate)
        {
            // The probe's own duplicate says nothing of the reordering window.
            if (!_lossProbeOut) Rack.NoteDuplicate(SndNxt);
            NoteDuplicateReport(delivery.Duplicate);
        }
        CheckLossProbe(segment, delivery, advanced, now);
    }

    // Whether the peer acknowledges something that was sent then or later (RFC 8985 section 6.2, step 2).
    private bool EchoesSince(in TcpSegment segment, Instant sentAt) =>
        !TimestampsOn || segment.Header.TimestampEcho == 0 || (int)(segment.Header.TimestampEcho - TimestampNow(sentAt)) >= 0;

    /// <summary>Step 5: what is lost, and when to look again. Enters recovery when something is.</summary>
    private void DetectLosses(int delivered, Instant now)
    {
        _reorderAt = Instant.Never;
        if (Flight == 0) return;
        Instant lostAgain = Scoreboard.MarkOvertaken(Rack, Patience(), now, out _reorderAt);
        if (Scoreboard.Lost == 0) return;
        if (_phase == LossPhase.Open) EnterRecovery(delivered, now);
        else if (_phase == LossPhase.Recovery && lostAgain != Instant.Never && lostAgain >= _reducedAt) ReduceAgain(now);
    }

    /// <summary>RACK.rtt + RACK.reo_wnd: so long after it was sent, something overtaken is lost.</summary>
    private TimeSpan Patience()
    {
        bool threeSacked = Scoreboard.Sacked > (DuplicateThreshold - 1) * SegmentSize || _duplicateAcks >= DuplicateThreshold;
        return Rack.RoundTrip + Rack.ReorderingWindow(_phase != LossPhase.Open, threeSacked, Rtt.Smoothed);
    }

    /// <summary>RACK's deadline: what was late is lost now.</summary>
    private void ReorderingExpired(Instant now)
    {
        DetectLosses(0, now);
        // Nothing was delivered, so what has become lost makes no room beyond the first retransmission.
        if (_phase == LossPhase.Recovery) ReduceProportionally(0, isSafe: false);
    }

    // RFC 5681 section 4.3: a lost retransmission is a second sign of congestion.
    private void ReduceAgain(Instant now)
    {
        _reducedAt = now;
        Congestion!.Congested(CongestionSign.LostRetransmission, InNetwork, now);
        NoteReduction();
        Reduction.Begin(Flight - Scoreboard.Sacked);
    }

    private void ReduceProportionally(int delivered, bool isSafe) => Congestion!.CongestionWindow =
        Reduction.Window(delivered, Pipe(), Congestion.SlowStartThreshold, SegmentSize, isSafe);
}
