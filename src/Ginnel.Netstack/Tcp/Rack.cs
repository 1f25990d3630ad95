using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// RACK's variables for a connection (RFC 8985 section 5.3). Theory of operation: of everything that has arrived, the segment that was
/// sent last is remembered. What was sent before it and has not arrived within a round trip and a little more is lost, whether it was
/// sent for the first time or the tenth, and whatever its place in the stream. The little more, the reordering window, is nothing until
/// the network was seen to reorder; then a quarter of the shortest round trip, and a quarter more for each round trip in which a
/// duplicate came back because that was not enough.
/// </summary>
internal struct Rack
{
    // RFC 8985 section 6.2, step 4: what a duplicate taught is forgotten after so many recoveries.
    private const byte Persistence = 16;

    private Instant _sentAt;
    private SequenceNumber _end;
    private SequenceNumber _highest;
    private SequenceNumber _duplicateRound;
    private long _leastRoundTrip;
    private long _nextLeastRoundTrip;
    private Instant _leastSince;
    private byte _duplicates;
    private byte _persist;
    private bool _hasDuplicateRound;
    private bool _hasDelivered;
    private bool _hasHighest;

    // RFC 8985 section 6.2, step 1: a minimum over a window of time, made of two halves.
    private static readonly TimeSpan LeastWindow = TimeSpan.FromSeconds(10);

    /// <summary>RACK.rtt: of the segment that was sent last among those that have arrived.</summary>
    internal TimeSpan RoundTrip { get; private set; }

    /// <summary>Whether the network has been seen to reorder.</summary>
    internal bool ReorderingSeen { get; private set; }

    /// <summary>RACK.min_RTT over the last ten to twenty seconds.</summary>
    internal readonly TimeSpan LeastRoundTrip => new(_leastRoundTrip);

    /// <summary>RACK_sent_after(): sent later, or at the same instant and behind.</summary>
    internal static bool IsAfter(Instant sentAt, SequenceNumber end, Instant thanSentAt, SequenceNumber thanEnd) =>
        sentAt > thanSentAt || (sentAt == thanSentAt && end > thanEnd);

    /// <summary>Whether something that was sent later has arrived.</summary>
    internal readonly bool IsOvertaken(in Transmission sent) => _hasDelivered && IsAfter(_sentAt, _end, sent.SentAt, sent.End);

    /// <summary>
    /// Steps 1 to 3 of section 6.2. <paramref name="isEcho"/>: whether the acknowledgment, by its timestamp, is of a retransmission at
    /// that time rather than of an earlier copy (step 2).
    /// </summary>
    internal void Update(in Delivery delivery, bool isEcho, Instant now)
    {
        if (delivery.HasOriginal)
        {
            NoteRoundTrip(now - delivery.OriginalSentAt, now);
            // Step 3: something sent once arrived after something behind it.
            if (_hasHighest && delivery.LowestOriginalEnd < _highest) ReorderingSeen = true;
            Advance(delivery.OriginalSentAt, delivery.OriginalEnd, now);
        }
        // An acknowledgment that comes sooner than any round trip is of the earlier copy.
        if (delivery.HasAgain && isEcho && (now - delivery.AgainSentAt).Ticks >= _leastRoundTrip)
            Advance(delivery.AgainSentAt, delivery.AgainEnd, now);
        if (delivery.HasOriginal) NoteHighest(delivery.OriginalEnd);
        if (delivery.HasAgain) NoteHighest(delivery.AgainEnd);
    }

    /// <summary>Step 4: a duplicate was reported, so the window was too short; believed once per round trip.</summary>
    internal void NoteDuplicate(SequenceNumber sndNxt)
    {
        if (_hasDuplicateRound) return;
        (_hasDuplicateRound, _duplicateRound) = (true, sndNxt);
        if (_duplicates < byte.MaxValue) _duplicates++;
        _persist = Persistence;
    }

    /// <summary>SND.UNA has moved.</summary>
    internal void Acknowledged(SequenceNumber sndUna)
    {
        if (_hasDuplicateRound && sndUna >= _duplicateRound) _hasDuplicateRound = false;
    }

    /// <summary>A recovery has ended without a duplicate; after sixteen of them what duplicates taught is forgotten.</summary>
    internal void Recovered()
    {
        if (_persist > 0 && --_persist == 0) _duplicates = 0;
    }

    /// <summary>RACK_update_reo_wnd().</summary>
    internal readonly TimeSpan ReorderingWindow(bool inRecovery, bool threeSacked, TimeSpan smoothed)
    {
        if (!ReorderingSeen && (inRecovery || threeSacked)) return TimeSpan.Zero;
        return new TimeSpan(Math.Min((1 + _duplicates) * _leastRoundTrip / 4, smoothed.Ticks));
    }

    private void Advance(Instant sentAt, SequenceNumber end, Instant now)
    {
        RoundTrip = now - sentAt;
        if (_hasDelivered && !IsAfter(sentAt, end, _sentAt, _end)) return;
        (_hasDelivered, _sentAt, _end) = (true, sentAt, end);
    }

    private void NoteHighest(SequenceNumber end)
    {
        _highest = _hasHighest ? SequenceNumber.Max(_highest, end) : end;
        _hasHighest = true;
    }

    private void NoteRoundTrip(TimeSpan roundTrip, Instant now)
    {
        long sample = Math.Max(1, roundTrip.Ticks);
        if (_leastRoundTrip == 0 || now - _leastSince >= LeastWindow)
        {
            _leastRoundTrip = _leastRoundTrip == 0 ? sample : Math.Min(_nextLeastRoundTrip, sample);
            _nextLeastRoundTrip = sample;
            _leastSince = now;
            return;
        }
        _leastRoundTrip = Math.Min(_leastRoundTrip, sample);
        _nextLeastRoundTrip = Math.Min(_nextLeastRoundTrip, sample);
    }
}
