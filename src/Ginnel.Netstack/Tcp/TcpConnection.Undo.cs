namespace Ginnel.Netstack;

/// <content>
/// Losses that were none (Eifel, RFC 3522 and RFC 4015). Theory of operation: when something is sent again, the window before and the
/// timestamp of the first retransmission are kept. If the acknowledgment that then comes echoes an older timestamp, it is the
/// original's: it was late, not lost, and the window goes back to what it was.
/// </content>
internal sealed partial class TcpConnection
{
    private bool _undoPossible;
    private bool _undoStamped;
    private uint _undoStamp;
    private uint _lastRetransmitStamp;
    private int _undoWindow;
    private int _undoThreshold;

    private void Remember()
    {
        _undoPossible = TimestampsOn;
        _undoStamped = false;
        _undoWindow = Congestion!.CongestionWindow;
        _undoThreshold = Congestion.SlowStartThreshold;
    }

    private void StampRetransmission(Instant now)
    {
        _lastRetransmitStamp = TimestampNow(now);
        if (!_undoPossible || _undoStamped) return;
        _undoStamped = true;
        _undoStamp = _lastRetransmitStamp;
    }

    private void Undo(in TcpSegment segment)
    {
        if (!_undoStamped) return;
        // RFC 3522 section 3.2, step 4: only the first acknowledgment after the retransmission can tell.
        _undoPossible = false;
        if (_phase == LossPhase.Open || segment.Header.TimestampEcho == 0 || (int)(segment.Header.TimestampEcho - _undoStamp) >= 0) return;
        Congestion!.Undo(_undoWindow, _undoThreshold);
        _phase = LossPhase.Open;
        _retransmitNow = _headAgain = false;
        _lostEdge = _highRxt = SndUna;
        _duplicateAcks = _duplicateOctets = 0;
    }
}
