using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// What was sent and is not acknowledged: when, and what became of it (RFC 6675 section 3, RFC 8985 section 5). Theory of operation: an
/// array of <see cref="Transmission"/> records, in order of sequence, that together cover SND.UNA…SND.NXT. What is sent at one instant is
/// one record, however many segments it has; a SACK that covers a part splits it, and SACKed neighbors become one again. So a record is
/// touched once when it is sent, once when it is SACKed, once when it goes. The first records live in the connection itself, more of
/// them in memory of the stack's budget that is given back when nothing is in flight. There are at most <see cref="MaxRecords"/>: beyond,
/// neighbors that fared alike become one, sent when the later was; what a peer SACKs in still smaller pieces is forgotten, which costs
/// it retransmissions and us nothing (attack case C10).
/// </summary>
internal partial struct Scoreboard
{
    /// <summary>Most records, of 16 bytes each.</summary>
    internal const int MaxRecords = 1024;

    // The last places are not given to SACKed pieces, so that there is always room to note what is sent.
    private const int Reserve = 16;
    private const int RecordSize = 16;
    private const int SmallestArray = 32 * RecordSize;

    private byte[]? _array;
    private FewTransmissions _few;
    private int _first;
    private int _count;
    private SequenceNumber _base;
    private SequenceNumber _lostFrom;
    private SequenceNumber _highAgain;

    /// <summary>Octets SACKed.</summary>
    internal int Sacked { get; private set; }

    /// <summary>Octets that are lost and were not sent again yet.</summary>
    internal int Lost { get; private set; }

    /// <summary>Octets that were sent again and about which nothing has been heard since.</summary>
    internal int SentAgainInFlight
    {
        get
        {
            int octets = 0;
            SequenceNumber left = _base;
            foreach (ref readonly Transmission sent in Live)
            {
                if (sent.SentAgain && sent.State == TransmissionState.InFlight) octets += sent.End - left;
                left = sent.End;
            }
            return octets;
        }
    }

    /// <summary>Octets in the network, by our best guess (pipe of RFC 6675, inflight of RFC 9937).</summary>
    internal int InFlight => End - _base - Sacked - Lost;

    /// <summary>Records at present.</summary>
    internal readonly int Count => _count;

    /// <summary>Whether the peer SACKed the first octet, and so has thrown it away since (RFC 2018 section 8).</summary>
    internal bool IsHeadSacked => _count > 0 && Live[0].State == TransmissionState.Sacked;

    private SequenceNumber End => _count == 0 ? _base : Live[^1].End;

    [UnscopedRef]
    private Span<Transmission> All
    {
        get
        {
            Span<Transmission> few = _few;
            return _array is null ? few : MemoryMarshal.Cast<byte, Transmission>(_array.AsSpan());
        }
    }

    [UnscopedRef]
    private Span<Transmission> Live => All.Slice(_first, _count);

    /// <summary>Octets were sent for the first time.</summary>
    internal void Sent(SequenceNumber left, SequenceNumber end, Instant now, RingMemory memory)
    {
        if (_count == 0) _base = _lostFrom = _highAgain = left;
        Transmission sent = new() { SentAt = now, End = end };
        if (_count > 0 && Joins(Live[^1], sent)) Live[^1].End = end;
        else if (TryMakeRoom(1, memory)) Append(sent);
        else Absorb(sent);
    }

    /// <summary>Octets were sent once more. They count as in flight from now on, whatever was known of them.</summary>
    internal void SentAgain(SequenceNumber left, SequenceNumber end, Instant now, RingMemory memory)
    {
        TryMakeRoom(2, memory);
        int from = Split(left, MaxRecords), to = Split(end, MaxRecords);
        if (to <= from) to = Math.Min(from + 1, _count);
        if (from >= to) return;
        for (int i = from; i < to; i++) Uncount(i);
        Transmission again = Live[to - 1] with { SentAt = now, State = TransmissionState.InFlight, SentAgain = true };
        _highAgain = SequenceNumber.Max(_highAgain, again.End);
        if (from > 0 && Joins(Live[from - 1], again)) from--;
        Live[from] = again;
        Remove(from + 1, to);
    }

    /// <summary>Update() of RFC 6675: takes a block within SND.UNA…SND.NXT and adds what is news to <paramref name="delivery"/>.</summary>
    internal void Sack(SequenceNumber left, SequenceNumber right, ref Delivery delivery, RingMemory memory)
    {
        TryMakeRoom(2, memory);
        int from = Find(left);
        // What is SACKed already needs no cutting.
        if (from < _count && Live[from].State == TransmissionState.Sacked) left = LeftOf(from);
        from = Split(left, MaxRecords - Reserve);
        int last = Find(right - 1);
        if (last < _count && Live[last].State == TransmissionState.Sacked) right = Live[last].End;
        int to = Split(right, MaxRecords - Reserve);
        // A piece that could not be cut off is forgotten.
        if (from < _count && LeftOf(from) < left) from++;
        if (from >= to) return;
        for (int i = from; i < to; i++)
        {
            if (Live[i].State == TransmissionState.Sacked) continue;
            delivery.Add(Live[i], LeftOf(i), Live[i].End);
            Uncount(i);
            Sacked += Live[i].End - LeftOf(i);
            Live[i].State = TransmissionState.Sacked;
        }
        if (from > 0 && Live[from - 1].State == TransmissionState.Sacked) from--;
        if (to < _count && Live[to].State == TransmissionState.Sacked) to++;
        Live[from].End = Live[to - 1].End;
        Remove(from + 1, to);
    }

    /// <summary>Everything below was acknowledged; what was not known to have arrived is added to <paramref name="delivery"/>.</summary>
    internal void Advance(SequenceNumber acknowledged, ref Delivery delivery, RingMemory memory)
    {
        int gone = 0;
        foreach (ref Transmission sent in Live)
        {
            if (_base >= acknowledged) break;
            SequenceNumber end = SequenceNumber.Min(sent.End, acknowledged);
            if (sent.State != TransmissionState.Sacked) delivery.Add(sent, _base, end);
            Tally(sent.State, _base - end);
            _base = end;
            if (end == sent.End) gone++;
        }
        _first += gone;
        _count -= gone;
        _base = acknowledged;
        _lostFrom = SequenceNumber.Max(_lostFrom, _base);
        _highAgain = SequenceNumber.Max(_highAgain, _base);
        if (_count == 0) Clear(memory);
    }

    /// <summary>Forgets all and gives the memory back.</summary>
    internal void Clear(RingMemory memory)
    {
        if (_array is { } array) memory.Return(MemoryUse.Scoreboard, array);
        _array = null;
        _first = _count = Sacked = Lost = 0;
    }

    // Sent at the same instant, next to each other, with the same fate.
    private static bool Joins(in Transmission before, in Transmission after) =>
        before.SentAt == after.SentAt && before.State == after.State && before.SentAgain == after.SentAgain;

    // No place for another record, and none to be made: the last one takes in what is sent now, as if all of it were.
    private void Absorb(in Transmission sent)
    {
        Uncount(_count - 1);
        Live[^1] = sent;
    }

    private SequenceNumber LeftOf(int index) => index == 0 ? _base : Live[index - 1].End;

    // The first record that ends after the number.
    private int Find(SequenceNumber number)
    {
        Span<Transmission> live = Live;
        int low = 0, high = live.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (live[middle].End <= number) low = middle + 1;
            else high = middle;
        }
        return low;
    }

    // Makes a border at the number; the index of the record that begins there, or if there was no place of the one that contains it.
    private int Split(SequenceNumber at, int limit)
    {
        int index = Find(at);
        if (index == _count || LeftOf(index) >= at || _count >= limit || _first + _count == All.Length) return index;
        _count++;
        Span<Transmission> live = Live;
        live[index..^1].CopyTo(live[(index + 1)..]);
        live[index].End = at;
        return index + 1;
    }

    private void Uncount(int index) => Tally(Live[index].State, LeftOf(index) - Live[index].End);

    private void Tally(TransmissionState state, int octets)
    {
        if (state == TransmissionState.Sacked) Sacked += octets;
        else if (state == TransmissionState.Lost) Lost += octets;
    }
}
