using System.Net;

namespace Ginnel.Attacks.Device;

/// <summary>Counts dials. Whoever the attacker asks for may be one who never answers.</summary>
/// <param name="inner">Where dials go.</param>
/// <param name="isSilent">Whether a destination does not answer.</param>
internal sealed class CountedDialer(IDialer inner, Func<EndPoint, bool> isSilent) : IDialer
{
    private int _now, _most;
    private long _begun;

    /// <summary>Most dials that were under way at once.</summary>
    internal int Most => Volatile.Read(ref _most);

    /// <summary>Dials that were begun.</summary>
    internal long Begun => Volatile.Read(ref _begun);

    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        Interlocked.Increment(ref _begun);
        int now = Interlocked.Increment(ref _now);
        for (int most = Most; now > most && Interlocked.CompareExchange(ref _most, now, most) != most;) most = Most;
        try
        {
            if (isSilent(target)) await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(false);
            return await inner.DialAsync(target, flow, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _now);
        }
    }

    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => inner.BindAsync(flow, cancellationToken);
}
