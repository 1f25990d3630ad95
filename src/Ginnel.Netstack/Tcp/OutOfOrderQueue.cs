using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// Which octets beyond RCV.NXT have come. Theory of operation: sorted, disjoint ranges, found by binary search; the octets themselves
/// stand in the receive ring at their places. Bounded twice: in octets by the window, in ranges by an option, so that a sender of
/// tiny segments with holes between them (attack case C11) gets drops, not our processor. Of octets that come twice the first ones
/// stay (C14). Each range remembers when it last grew, because SACK reports the latest first (RFC 2018 section 4).
/// </summary>
internal sealed class OutOfOrderQueue
{
    private struct Range
    {
        internal SequenceNumber Left;
        internal SequenceNumber Right;
        internal uint Stamp;
    }

    private Range[] _ranges = new Range[4];
    private int _count;
    private uint _clock;

    /// <summary>Whether every octet so far has come in order.</summary>
    internal bool IsEmpty => _count == 0;

    /// <summary>Ranges at present.</summary>
    internal int Count => _count;

    /// <summary>Whether an interval could be added: it joins a range, or there is room for one more.</summary>
    internal bool CanAdd(SequenceNumber left, SequenceNumber right, int maxRanges)
    {
        if (_count < maxRanges) return true;
        int at = FirstEndingAtOrAfter(left);
        return at < _count && _ranges[at].Left <= right;
    }

    /// <summary>The first part of <paramref name="from"/>…<paramref name="to"/> that has not come yet.</summary>
    internal bool TryNextMissing(SequenceNumber from, SequenceNumber to, out SackBlock missing)
    {
        int at = FirstEndingAtOrAfter(from);
        while (at < _count && _ranges[at].Left <= from)
        {
            from = SequenceNumber.Max(from, _ranges[at].Right);
            at++;
        }
        missing = new SackBlock(from, at < _count ? SequenceNumber.Min(_ranges[at].Left, to) : to);
        return missing.Left < missing.Right;
    }

    /// <summary>Notes that an interval has come; it becomes the most recent one.</summary>
    internal void Add(SequenceNumber left, SequenceNumber right)
    {
        int at = FirstEndingAtOrAfter(left);
        int end = at;
        while (end < _count && _ranges[end].Left <= right)
        {
            left = SequenceNumber.Min(left, _ranges[end].Left);
            right = SequenceNumber.Max(right, _ranges[end].Right);
            end++;
        }
        int count = _count + 1 - (end - at);
        if (count > _ranges.Length) Array.Resize(ref _ranges, _ranges.Length * 2);
        Array.Copy(_ranges, end, _ranges, at + 1, _count - end);
        _ranges[at] = new Range { Left = left, Right = right, Stamp = ++_clock };
        _count = count;
    }

    /// <summary>RCV.NXT moved: takes away what it reaches and returns how far it goes with that.</summary>
    internal SequenceNumber Advance(SequenceNumber next)
    {
        int gone = 0;
        while (gone < _count && _ranges[gone].Left <= next)
        {
            next = SequenceNumber.Max(next, _ranges[gone].Right);
            gone++;
        }
        if (gone == 0) return next;
        _count -= gone;
        Array.Copy(_ranges, gone, _ranges, 0, _count);
        return next;
    }

    /// <summary>The stream ends at a number: forgets what came from beyond.</summary>
    internal void CutBack(SequenceNumber end)
    {
        while (_count > 0 && _ranges[_count - 1].Left >= end) _count--;
        if (_count > 0) _ranges[_count - 1].Right = SequenceNumber.Min(_ranges[_count - 1].Right, end);
    }

    /// <summary>
    /// Fills SACK blocks from index <paramref name="start"/> on, the range that grew last first; returns the count of all blocks.
    /// </summary>
    internal int Fill(ref SackBlocks blocks, int start, int max)
    {
        int filled = start;
        uint below = uint.MaxValue;
        while (filled < max)
        {
            int best = -1;
            for (int i = 0; i < _count; i++)
            {
                if (_ranges[i].Stamp < below && (best < 0 || _ranges[i].Stamp > _ranges[best].Stamp)) best = i;
            }
            if (best < 0) break;
            below = _ranges[best].Stamp;
            blocks[filled++] = new SackBlock(_ranges[best].Left, _ranges[best].Right);
        }
        return filled;
    }

    private int FirstEndingAtOrAfter(SequenceNumber number)
    {
        int low = 0;
        int high = _count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_ranges[middle].Right < number) low = middle + 1; else high = middle;
        }
        return low;
    }
}
