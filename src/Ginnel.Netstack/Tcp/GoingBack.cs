using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Which duplicate acknowledgments mean nothing after everything was sent again without SACK. Theory of operation: each segment that is sent
/// again is answered once, by an acknowledgment that moves SND.UNA or, where it had arrived before, by a duplicate. So as many duplicates are
/// explained as segments were sent again and not answered otherwise. RFC 6582 section 3.2, step 1, passes all of them over, and section 4 looks
/// for signs by which to tell; counting them is one that needs no timestamps.
/// </summary>
internal struct GoingBack
{
    private SequenceNumber _from;
    private int _unanswered;

    /// <summary>Whether something that was in flight at the beginning is not acknowledged yet, or just so.</summary>
    internal bool IsOn { get; private set; }

    /// <summary>In fast recovery without SACK: where the last retransmission that began at SND.UNA ends, or SND.UNA before there is one.</summary>
    internal SequenceNumber HeadSentTo { get; set; }

    /// <summary>Everything in flight counts as lost; SND.UNA is <paramref name="from"/>.</summary>
    internal void Begin(SequenceNumber from) => (_from, _unanswered, IsOn) = (from, 0, true);

    /// <summary>Duplicates count as ever.</summary>
    internal void End() => IsOn = false;

    /// <summary>Segments were sent again.</summary>
    internal void SentAgain(int segments) => _unanswered += segments;

    /// <summary>SND.UNA has moved.</summary>
    internal void Advanced() => _unanswered = Math.Max(0, _unanswered - 1);

    /// <summary>Takes a duplicate of <paramref name="sndUna"/>: whether it is one that had to come.</summary>
    internal bool Explains(SequenceNumber sndUna)
    {
        if (!IsOn) return false;
        // What was on its way before arrives before what is sent again.
        if (sndUna == _from) return true;
        if (_unanswered == 0) return false;
        _unanswered--;
        return true;
    }
}
