using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// What the peer has told of octets beyond the acknowledged ones (RFC 6675 section 3). Theory of operation: sorted, disjoint ranges
/// that the peer has SACKed; everything else between SND.UNA and SND.NXT is a hole. Whether a hole counts as lost is monotone: if an
/// octet is lost, so is every hole below it. So the whole of IsLost() is one number, <see cref="LostEdge"/>. The number of ranges is
/// bounded; what a peer says beyond that is forgotten, which costs it retransmissions and us nothing (attack case C10).
/// </summary>
internal sealed class Scoreboard
{
    /// <summary>Most ranges remembered.</summary>
    internal const int MaxRanges = 256;

    /// <summary>DupThresh of RFC 6675 section 2.</summary>
    internal const int DuplicateThreshold = 3;

    private SackBlock[] _ranges = new SackBlock[4];
    private int _count;

    /// <summary>Octets SACKed.</summary>
    internal int Sacked { get; private set; }

    /// <summary>Whether nothing is SACKed.</summary>
    internal bool IsEmpty => _count == 0;

    /// <summary>The octet after the highest SACKed one; meaningless while empty.</summary>
    internal SequenceNumber Highest => _ranges[_count - 1].Right;

    /// <summary>The lowest SACKed octet; meaningless while empty.</summary>
    internal SequenceNumber Lowest => _ranges[0].Left;

    /// <summary>Ranges at present.</summary>
    internal int Count => _count;

    /// <summary>Update() of RFC 6675: takes a block that lies within SND.UNA…SND.NXT. Returns octets that were not SACKed before.</summary>
    internal int Add(SequenceNumber left, SequenceNumber right)
    {
        int at = 0;
        while (at < _count && _ranges[at].Right < left) at++;
        int end = at;
        int before = 0;
        while (end < _count && _ranges[end].Left <= right)
        {
            before += _ranges[end].Right - _ranges[end].Left;
            left = SequenceNumber.Min(left, _ranges[end].Left);
            right = SequenceNumber.Max(right, _ranges[end].Right);
            end++;
        }
        if (end == at && _count == MaxRanges) return 0;
        Replace(at, end, new SackBlock(left, right));
        int added = right - left - before;
        Sacked += added;
        return added;
    }

    /// <summary>Everything below was acknowledged.</summary>
    internal void Advance(SequenceNumber acknowledged)
    {
        int gone = 0;
        while (gone < _count && _ranges[gone].Right <= acknowledged)
        {
            Sacked -= _ranges[gone].Right - _ranges[gone].Left;
            gone++;
        }
        if (gone > 0)
        {
            _count -= gone;
            Array.Copy(_ranges, gone, _ranges, 0, _count);
        }
        if (_count > 0 && _ranges[0].Left < acknowledged)
        {
            Sacked -= acknowledged - _ranges[0].Left;
            _ranges[0] = _ranges[0] with { Left = acknowledged };
        }
    }

    /// <summary>Forgets all: the peer has reneged (RFC 2018 section 8).</summary>
    internal void Clear() => (_count, Sacked) = (0, 0);

    /// <summary>
    /// IsLost() of RFC 6675 section 4: holes below the result are lost, because at least three ranges, or more than two full segments
    /// of octets, have been SACKed above them. <paramref name="floor"/> when none is.
    /// </summary>
    internal SequenceNumber LostEdge(SequenceNumber floor, int segmentSize)
    {
        int octets = 0;
        for (int i = _count - 1; i >= 0; i--)
        {
            octets += _ranges[i].Right - _ranges[i].Left;
            if (_count - i >= DuplicateThreshold || octets > (DuplicateThreshold - 1) * segmentSize)
                return SequenceNumber.Max(floor, _ranges[i].Left);
        }
        return floor;
    }

    /// <summary>Octets between two numbers that are not SACKed.</summary>
    internal int Holes(SequenceNumber from, SequenceNumber to)
    {
        int holes = Math.Max(0, to - from);
        for (int i = 0; i < _count && _ranges[i].Left < to; i++)
            holes -= Math.Max(0, SequenceNumber.Min(_ranges[i].Right, to) - SequenceNumber.Max(_ranges[i].Left, from));
        return Math.Max(0, holes);
    }

    /// <summary>The first hole at or after <paramref name="from"/> that begins below <paramref name="limit"/>, cut there.</summary>
    internal bool TryNextHole(SequenceNumber from, SequenceNumber limit, out SackBlock hole)
    {
        int i = 0;
        while (i < _count && _ranges[i].Left <= from)
        {
            from = SequenceNumber.Max(from, _ranges[i].Right);
            i++;
        }
        SequenceNumber end = i < _count ? SequenceNumber.Min(_ranges[i].Left, limit) : limit;
        hole = new SackBlock(from, end);
        return from < end;
    }

    private void Replace(int at, int end, SackBlock range)
    {
        int count = _count + 1 - (end - at);
        if (count > _ranges.Length) Array.Resize(ref _ranges, Math.Min(MaxRanges, _ranges.Length * 2));
        Array.Copy(_ranges, end, _ranges, at + 1, _count - end);
        _ranges[at] = range;
        _count = count;
    }
}
