namespace Ginnel.WireGuard.Protocol;

/// <summary>
/// Which counters of a session were received (RFC 6479): a ring of words that slides forward by whole words, so that moving it costs no
/// shifting. Counters more than <see cref="Width"/> behind the greatest are refused unseen.
/// </summary>
internal sealed class ReplayWindow
{
    private const int Words = 128, WordBits = 64;

    /// <summary>Counters behind the greatest that may still arrive.</summary>
    public const int Width = (Words - 1) * WordBits;

    private readonly ulong[] _received = new ulong[Words];
    private ulong _greatest;

    /// <summary>Takes note of an authenticated counter; false if it came before, is too old, or lies beyond the limit.</summary>
    public bool TryAccept(ulong counter)
    {
        if (counter >= Timing.RejectAfterMessages) return false;
        // The limit keeps the sums below from overflowing.
        if (counter + Width < _greatest) return false;
        ulong word = counter / WordBits, greatestWord = _greatest / WordBits;
        if (counter > _greatest)
        {
            ulong steps = Math.Min(word - greatestWord, Words);
            for (ulong step = 1; step <= steps; step++) _received[(greatestWord + step) % Words] = 0;
            _greatest = counter;
        }
        ulong bit = 1UL << (int)(counter % WordBits);
        ref ulong entry = ref _received[word % Words];
        if ((entry & bit) != 0) return false;
        entry |= bit;
        return true;
    }
}
