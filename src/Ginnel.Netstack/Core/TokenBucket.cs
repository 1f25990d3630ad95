namespace Ginnel.Netstack;

/// <summary>
/// Limits how often something is done per second, with a burst of as many. The bucket's size varies by up to a sixteenth at random:
/// an exact global limit is an oracle through which a stranger learns which ports are open (CVE-2020-25705).
/// </summary>
internal struct TokenBucket(int perSecond, EntropySource entropy)
{
    private double _tokens = perSecond;
    private Instant _refilled;

    /// <summary>Takes a token; false when there is none, and the thing is not done.</summary>
    internal bool TryTake(Instant now)
    {
        if (perSecond <= 0) return false;
        if (now > _refilled)
        {
            double added = (now - _refilled).TotalSeconds * perSecond;
            // A small bucket has no sixteenth to hide in.
            int hidden = perSecond < 16 ? 0 : (int)entropy.Next((uint)perSecond / 16 + 1);
            _tokens = Math.Max(_tokens, Math.Min(_tokens + added, perSecond - hidden));
            _refilled = now;
        }
        if (_tokens < 1) return false;
        _tokens--;
        return true;
    }
}
