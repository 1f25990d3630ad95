namespace Ginnel.Netstack;

/// <summary>
/// How many challenge ACKs the whole stack sends (RFC 5961 section 7). Theory of operation: the limit that protects us is the one of
/// each connection; this one only bounds the sum. A fixed sum per second would be a side channel: who exhausts it on his own
/// connection sees whether a guess on another's drew from it (CVE-2016-5696, attack case C8). Therefore each second's sum is random
/// between one and two times the limit, and so is the second itself.
/// </summary>
internal sealed class ChallengeAckLimiter(EntropySource entropy)
{
    private const uint Limit = 1000;

    /// <summary>Least time between two challenge ACKs, or answers to segments outside the window, of one connection.</summary>
    internal static readonly TimeSpan PerConnection = TimeSpan.FromMilliseconds(500);

    private Instant _renewAt;
    private uint _left;

    /// <summary>Draws one.</summary>
    internal bool TryTake(Instant now)
    {
        if (now >= _renewAt)
        {
            _left = Limit + entropy.Next(Limit);
            _renewAt = now + TimeSpan.FromMilliseconds(1000 + entropy.Next(500));
        }
        if (_left == 0) return false;
        _left--;
        return true;
    }
}
