using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Explicit congestion notification (RFC 3168). Theory of operation: the SYNs agree on it. Then new data leave with ECT(0), and a congested
/// router marks them instead of dropping them. The receiver says so on every acknowledgment (ECE) until the sender has told that its window
/// came down (CWR), so that a lost acknowledgment loses no news. The sender takes the echo for a loss with nothing to repeat: once for each
/// window of data, brought down in proportion as in fast recovery (RFC 9937).
/// </content>
internal sealed partial class TcpConnection
{
    private const TcpFlags EcnFlags = TcpFlags.Ece | TcpFlags.Cwr;

    [Flags]
    private enum EcnState : ushort
    {
        None = 0,
        /// <summary>We sent a SYN or SYN-ACK that sets ECN up.</summary>
        Asked = 1,
        /// <summary>We sent one that does not.</summary>
        Withdrawn = 2,
        /// <summary>The peer sent one that does.</summary>
        Agreed = 4,
        /// <summary>The peer sent one that does not.</summary>
        Refused = 8,
        /// <summary>A mark has arrived, and the peer has not told yet that it knows.</summary>
        EchoOwed = 16,
        /// <summary>Our window came down, and the next new data have to say so.</summary>
        CwrOwed = 32,
        /// <summary>The window is on its way down because of an echo.</summary>
        Reducing = 64,
        /// <summary>An echo came at a window of one segment: new data wait for the timer.</summary>
        Held = 128,
        /// <summary>The peer has sent something that may be marked.</summary>
        Seen = 256,
        /// <summary>The window came down, and what tells the peer so has not been acknowledged yet.</summary>
        Answered = 512,
    }

    private const EcnState Negotiation = EcnState.Asked | EcnState.Withdrawn | EcnState.Agreed | EcnState.Refused;

    private EcnState _ecn;

    /// <summary>
    /// SND.NXT when the window last came down, then when CWR left: what is acknowledged up to here tells of no other congestion. It counts only
    /// as long as <see cref="EcnState.Answered"/> stands, for after 2³¹ octets more an old number would seem to lie ahead.
    /// </summary>
    private SequenceNumber _reducedTo;

    /// <summary>Where an echo's reduction ends.</summary>
    private int _reducedWindow;

    // Section 6.1.1: both have asked, and neither has ever said anything else.
    private bool MaySetEct => (_ecn & Negotiation) == (EcnState.Asked | EcnState.Agreed);

    // Section 6.1.1: who asked and was not refused owes echoes, even if a later SYN of its own withdrew.
    private bool EchoesMarks => (_ecn & (EcnState.Asked | EcnState.Agreed | EcnState.Refused)) == (EcnState.Asked | EcnState.Agreed);

    private bool IsReducing => (_ecn & EcnState.Reducing) != 0;

    private bool IsHeld => (_ecn & EcnState.Held) != 0;

    /// <summary>
    /// The flags of our SYN, or SYN-ACK (section 6.1.1). A SYN that is repeated asks no more: perhaps it was the asking that was not borne
    /// (section 6.1.1.1).
    /// </summary>
    private TcpFlags EcnOfSyn(bool answer)
    {
        if (answer)
        {
            bool agrees = Options.Ecn != EcnMode.Off && (_ecn & Negotiation & ~EcnState.Asked) == EcnState.Agreed;
            return agrees ? TcpFlags.Ece : 0;
        }
        return Options.Ecn == EcnMode.Active && !_synRetransmitted && (_ecn & EcnState.Withdrawn) == 0 ? EcnFlags : 0;
    }

    private void NoteSentEcn(TcpFlags flags) => _ecn |= (flags & EcnFlags) != 0 ? EcnState.Asked : EcnState.Withdrawn;

    /// <summary>What a SYN or SYN-ACK says. Of its four forms one agrees; both flags on a SYN-ACK are a mere reflection (section 6.1.1).</summary>
    private void LearnEcn(in TcpSegment segment)
    {
        bool agrees = segment.Has(TcpFlags.Ack) ? (segment.Header.Flags & EcnFlags) == TcpFlags.Ece : AsksForEcn(segment);
        _ecn |= agrees ? EcnState.Agreed : EcnState.Refused;
    }

    internal static bool AsksForEcn(in TcpSegment syn) => (syn.Header.Flags & EcnFlags) == EcnFlags;

    /// <summary>
    /// An acceptable segment, its data taken: was it marked? Data only, and a probe of our closed window, whose number cannot easily be
    /// guessed (sections 6.1.3 and 6.1.6); what lies outside of the window has not come as far as this (section 6.1.5).
    /// </summary>
    private void NoteMarks(in TcpSegment segment)
    {
        if (!EchoesMarks || (segment.Payload.IsEmpty && !segment.IsWindowProbe)) return;
        if (segment.Ecn != EcnCodepoint.NotEct) _ecn |= EcnState.Seen;
        bool owed = (_ecn & EcnState.EchoOwed) != 0;
        // The mark on a segment that says CWR is a new one: it was made after the window came down.
        bool owes = (owed && !segment.Has(TcpFlags.Cwr)) || segment.Ecn == EcnCodepoint.CongestionExperienced;
        if (segment.Ecn == EcnCodepoint.CongestionExperienced) Tcp.Context.Counters.CongestionMarks += segment.Count;
        _ecn = owes ? _ecn | EcnState.EchoOwed : _ecn & ~EcnState.EchoOwed;
        // The sender's window may be one segment now, which must not wait for a delayed acknowledgment.
        if ((owes != owed || segment.Has(TcpFlags.Cwr)) && _acksOwed == 0) OweAck();
    }

    /// <summary>
    /// An acknowledgment with ECE, before anything is made of it; SND.UNA moved by <paramref name="advanced"/>. Section 6.1.2: the window is
    /// reduced as for a loss, once for each window of data, whatever the signs of congestion in it are.
    /// </summary>
    private void EchoArrives(in Delivery delivery, int advanced, Instant now)
    {
        if (_phase != LossPhase.Open)
        {
            // There was congestion, whatever becomes of the loss: nothing of the reduction may be taken back.
            _undoWindow = _undoThreshold = Congestion!.SlowStartThreshold;
            return;
        }
        if (IsAnswered) return;
        bool isLeast = Congestion!.CongestionWindow <= SegmentSize;
        int flight = Math.Min(Flight + advanced, Congestion.CongestionWindow);
        Congestion.Congested(CongestionSign.Echo, flight, now);
        _reducedWindow = Congestion.CongestionWindow;
        Tcp.Context.Counters.CongestionEchoes++;
        NoteReduction();
        ForgetUndo();
        if (isLeast)
        {
            // Section 6.1.2: a window of one segment cannot come down; so the timer is set again and holds back new data.
            _ecn = (_ecn & ~EcnState.Reducing) | EcnState.Held;
            _retransmitAt = now + Rtt.Timeout(Options);
            return;
        }
        _ecn |= EcnState.Reducing;
        Reduction.Begin(Flight - Scoreboard.Sacked + delivery.Octets);
    }

    /// <summary>The window came down, for whatever sign of congestion: the peer is told with the next new data (section 6.1.2).</summary>
    private void NoteReduction()
    {
        _reducedTo = SndNxt;
        _ecn |= MaySetEct ? EcnState.CwrOwed | EcnState.Answered : EcnState.Answered;
    }

    /// <summary>CWR leaves, on what is sent from SND.NXT on: probes may have gone before, which do not bear it (section 6.1.6).</summary>
    private void NoteCwr()
    {
        if ((_ecn & EcnState.CwrOwed) != 0) _reducedTo = SndNxt;
        _ecn &= ~EcnState.CwrOwed;
    }

    // Section 6.1.2: until CWR is acknowledged, or else what was sent afterwards, the peer may not have heard of it and goes on echoing.
    private bool IsAnswered => (_ecn & EcnState.Answered) != 0 && ((_ecn & EcnState.CwrOwed) != 0 || SndUna <= _reducedTo);

    /// <summary>Whether what is missing now was sent before the window came down because of an echo: then it has come down for this too.</summary>
    private bool IsReducedAlready => IsReducing && IsAnswered && SndUna != _reducedTo;

    /// <summary>After each acknowledgment of an echo's reduction. It ends when something is acknowledged that was sent after its beginning.</summary>
    private void FollowReduction(int delivered, bool advances)
    {
        bool isAnswered = IsAnswered;
        if (!isAnswered) _ecn &= ~EcnState.Answered;
        if (!IsReducing || _phase != LossPhase.Open) return;
        if (isAnswered)
        {
            if (delivered == 0) return;
            Congestion!.CongestionWindow = Reduction.Window(delivered, Pipe(), _reducedWindow, SegmentSize, isSafe: advances);
            return;
        }
        _ecn &= ~EcnState.Reducing;
        Congestion!.CongestionWindow = CalmWindow(_reducedWindow);
    }

    /// <summary>All will be sent again: there is no spacing out any more, and the window is at once where it was going.</summary>
    private void CutReductionShort()
    {
        if (!IsReducing) return;
        _ecn &= ~EcnState.Reducing;
        Congestion!.CongestionWindow = Math.Min(Congestion.CongestionWindow, _reducedWindow);
    }

    /// <summary>The reduction was for a loss that was none: the peer is not told of it, and an echo from here on counts.</summary>
    private void WithdrawReduction()
    {
        _ecn &= ~EcnState.CwrOwed;
        _reducedTo = SndUna;
    }

    /// <summary>The timer that held new data back has expired.</summary>
    private void LetGo() => _ecn &= ~EcnState.Held;
}
