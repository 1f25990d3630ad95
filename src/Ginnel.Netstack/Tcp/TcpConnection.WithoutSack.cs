namespace Ginnel.Netstack;

/// <content>
/// Recovery where the peer has no SACK (RFC 6582). Theory of operation: a duplicate acknowledgment says that some segment has arrived behind
/// the hole, and not which; the next hole shows only when this one is mended. So holes are mended one in each round trip. That is right for a
/// few. But before the first of them is mended, as many duplicates have come as segments have arrived, and what is missing of them tells how
/// many holes there are. Where they are many, as at the end of a slow start that overflowed a queue, everything is sent again, in slow start
/// from the initial window up to the new threshold: a few round trips, and some segments twice, instead of a round trip for each hole.
/// </content>
internal sealed partial class TcpConnection
{
    /// <summary>So many more holes are mended one by one.</summary>
    private const int FewHoles = 3;

    /// <summary>A duplicate acknowledgment: one segment more has left the network.</summary>
    private void CountDuplicate(Instant now)
    {
        if (GoingBack.Explains(SndUna))
        {
            _duplicateAcks--;
            return;
        }
        // More duplicates than segments in flight are not the network's doing (attack case C13); nor has what counts as lost arrived.
        int most = Math.Min(Flight - SegmentSize, Scoreboard.InFlight);
        if (_duplicateOctets < most) _duplicateOctets = Math.Min(_duplicateOctets + SegmentSize, most);
        if (_phase != LossPhase.Open || _duplicateAcks < DuplicateThreshold) return;
        EnterRecovery(0, now);
        GoingBack.HeadSentTo = SndUna;
        Scoreboard.MarkHead(SegmentSize, Memory);
    }

    /// <summary>RFC 6582 section 3.2, step 3: SND.UNA has moved, by <paramref name="octets"/>, but not far enough.</summary>
    private void PartialAcknowledgment(int octets)
    {
        // A part of the segment that was sent again shows no other hole: who acknowledges it in crumbs gets no retransmission for each (attack
        // case C13).
        if (SndUna < GoingBack.HeadSentTo) return;
        int missing = Missing(octets);
        if (missing > FewHoles * SegmentSize)
        {
            GoBack(missing);
            return;
        }
        // The next hole is lost too. What this leaves of cwnd's inflation is in _duplicateOctets here.
        _duplicateOctets = Math.Max(0, _duplicateOctets - Math.Max(0, octets - SegmentSize));
        Scoreboard.MarkHead(SegmentSize, Memory);
        _retransmitNow = true;
    }

    /// <summary>
    /// Octets that are missing still, told by the first partial acknowledgment: of what was in flight when recovery began, what neither a
    /// duplicate nor this retransmission stands for.
    /// </summary>
    private int Missing(int octets) =>
        SndUna - octets == _undoFrom ? (int)Math.Max(0, _recoveryPoint - _undoFrom - (_duplicateAcks + 1L) * SegmentSize) : 0;

    // Fast recovery has set the threshold; what is missing never fitted the path, so that it is no more than the rest. But duplicates can get lost,
    // or not count because they bear another window: no more is believed of them than of another sign of congestion. The window begins anew, for no
    // acknowledgments would space out a larger one.
    private void GoBack(int missing)
    {
        int fitted = _recoveryPoint - _undoFrom - missing;
        MarkAllLost();
        int least = Math.Max(Congestion!.SlowStartThreshold / 2, 2 * SegmentSize);
        Congestion.SlowStartThreshold = Math.Min(Congestion.SlowStartThreshold, Math.Max(fitted, least));
        Congestion.CongestionWindow = CalmWindow(Congestion.SlowStartThreshold);
    }

    /// <summary>
    /// Everything that was in flight when all was sent again is acknowledged, at one leap perhaps: no burst of what has become free. Duplicates of
    /// what was sent twice may still come, until something newer is acknowledged.
    /// </summary>
    private void EndGoingBack()
    {
        if (_phase == LossPhase.Loss) Congestion!.CongestionWindow = CalmWindow(Congestion.CongestionWindow);
        if (SndUna != _recoveryPoint) GoingBack.End();
    }
}
