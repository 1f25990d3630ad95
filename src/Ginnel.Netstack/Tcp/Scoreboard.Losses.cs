using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>Which octets are taken for lost, and which of them are to be sent again first.</content>
internal partial struct Scoreboard
{
    /// <summary>
    /// RACK_detect_loss() of RFC 8985 section 6.2, step 5: what was sent before something that has arrived, and has been on its way for
    /// <paramref name="patience"/> (a round trip and the reordering window), is lost. Tells when the last of the others would be.
    /// Returns the send time of the latest retransmission among the newly lost, or <see cref="Instant.Never"/>.
    /// </summary>
    internal Instant MarkOvertaken(in Rack rack, TimeSpan patience, Instant now, out Instant next)
    {
        next = Instant.Never;
        Instant lostAgain = Instant.Never;
        Span<Transmission> live = Live;
        SequenceNumber left = _base;
        for (int i = 0; i < live.Length; i++)
        {
            ref Transmission sent = ref live[i];
            if (sent.State == TransmissionState.InFlight)
            {
                if (!rack.IsOvertaken(sent))
                {
                    // Beyond what was ever sent again everything is in order of time as well.
                    if (left >= _highAgain) break;
                }
                else if (sent.SentAt + patience <= now)
                {
                    if (sent.SentAgain && (lostAgain == Instant.Never || sent.SentAt > lostAgain)) lostAgain = sent.SentAt;
                    Lose(ref sent, left);
                }
                else if (next == Instant.Never || sent.SentAt + patience > next) next = sent.SentAt + patience;
            }
            left = sent.End;
        }
        return lostAgain;
    }

    /// <summary>
    /// RFC 8985 section 6.3: the timer expired, so the first segment is lost, and everything that was on its way as long as
    /// <paramref name="patience"/>. What was sent just now is not.
    /// </summary>
    internal void MarkTimedOut(int segmentSize, TimeSpan patience, Instant now, RingMemory memory)
    {
        MarkHead(segmentSize, memory);
        SequenceNumber left = _base;
        foreach (ref Transmission sent in Live)
        {
            if (sent.State == TransmissionState.InFlight && sent.SentAt + patience <= now) Lose(ref sent, left);
            left = sent.End;
        }
    }

    /// <summary>The first segment is lost.</summary>
    internal void MarkHead(int segmentSize, RingMemory memory)
    {
        if (_count == 0) return;
        TryMakeRoom(1, memory);
        Split(_base + segmentSize, MaxRecords);
        ref Transmission head = ref Live[0];
        if (head.State == TransmissionState.InFlight) Lose(ref head, _base);
    }

    /// <summary>All that is in flight is lost.</summary>
    internal void MarkAll()
    {
        SequenceNumber left = _base;
        foreach (ref Transmission sent in Live)
        {
            if (sent.State == TransmissionState.InFlight) Lose(ref sent, left);
            left = sent.End;
        }
    }

    /// <summary>Nothing was lost after all.</summary>
    internal void UnmarkAll()
    {
        foreach (ref Transmission sent in Live)
        {
            if (sent.State == TransmissionState.Lost) sent.State = TransmissionState.InFlight;
        }
        Lost = 0;
    }

    /// <summary>The peer has reneged (RFC 2018 section 8): what it had is in flight as far as anyone knows.</summary>
    internal void ForgetSacks()
    {
        foreach (ref Transmission sent in Live)
        {
            if (sent.State == TransmissionState.Sacked) sent.State = TransmissionState.InFlight;
        }
        Sacked = 0;
        // Times were lost when SACKed neighbors became one: nothing says any more that they are in order.
        _highAgain = End;
    }

    /// <summary>The first octets that are lost, up to the next that are not.</summary>
    internal bool TryFirstLost(out SackBlock lost)
    {
        lost = default;
        if (Lost == 0) return false;
        Span<Transmission> live = Live;
        int index = Find(_lostFrom);
        while (live[index].State != TransmissionState.Lost) index++;
        SequenceNumber left = LeftOf(index);
        _lostFrom = left;
        while (index + 1 < live.Length && live[index + 1].State == TransmissionState.Lost) index++;
        lost = new SackBlock(left, live[index].End);
        return true;
    }

    /// <summary>The last segment that was sent: what is left behind the last full one, when its record was sent in one go.</summary>
    internal SackBlock LastSegment(int segmentSize)
    {
        SequenceNumber left = LeftOf(_count - 1), end = End;
        int rest = (end - left) % segmentSize;
        return new SackBlock(end - (rest == 0 ? segmentSize : rest), end);
    }

    private void Lose(ref Transmission sent, SequenceNumber left)
    {
        sent.State = TransmissionState.Lost;
        Lost += sent.End - left;
        _lostFrom = SequenceNumber.Min(_lostFrom, left);
    }
}
