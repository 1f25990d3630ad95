using System.Runtime.InteropServices;

namespace Ginnel.Netstack;

/// <content>Where the records are: in the connection, then in rented arrays of doubling size.</content>
internal partial struct Scoreboard
{
    private void Append(in Transmission sent)
    {
        _count++;
        Live[^1] = sent;
    }

    private void Remove(int from, int to)
    {
        if (to <= from) return;
        Span<Transmission> live = Live;
        live[to..].CopyTo(live[from..]);
        _count -= to - from;
    }

    // Room for so many records behind the last one. First what acknowledgments left free in front, when that is worth the moving; then a
    // larger array; then less detail, which halves what stands in order, so that it is seldom needed.
    private bool TryMakeRoom(int records, RingMemory memory)
    {
        if (_first + _count + records <= All.Length) return true;
        if (_first >= Math.Max(records, _count)) MoveToFront();
        else if (!TryGrow(memory))
        {
            MoveToFront();
            JoinNeighbors();
        }
        return _first + _count + records <= All.Length;
    }

    private void MoveToFront()
    {
        Live.CopyTo(All);
        _first = 0;
    }

    private bool TryGrow(RingMemory memory)
    {
        int size = _array is { } old ? old.Length * 2 : SmallestArray;
        if (size > MaxRecords * RecordSize || !memory.TryRent(MemoryUse.Scoreboard, size, out byte[] larger)) return false;
        Live.CopyTo(MemoryMarshal.Cast<byte, Transmission>(larger.AsSpan()));
        if (_array is { } former) memory.Return(MemoryUse.Scoreboard, former);
        _array = larger;
        _first = 0;
        return true;
    }

    // Two neighbors that fared alike become one, sent when the later was: loss is then seen a little later, never too early.
    private void JoinNeighbors()
    {
        Span<Transmission> live = Live;
        int kept = 0;
        for (int i = 0; i < live.Length; i++)
        {
            Transmission one = live[i];
            if (i + 1 < live.Length && live[i + 1].State == one.State && live[i + 1].SentAgain == one.SentAgain)
            {
                Transmission other = live[++i];
                one.SentAt = other.SentAt > one.SentAt ? other.SentAt : one.SentAt;
                one.End = other.End;
            }
            live[kept++] = one;
        }
        _count = kept;
    }
}
