using System.Net;

namespace Ginnel.Proxy;

/// <summary>
/// Dials one target after the other, connection by connection; one that cannot be reached is passed over for the next. The first
/// connection goes to the second target if there are several, as nexd's does. It decides and hands on.
/// </summary>
internal sealed class RoundRobinDialer(IDialer next, IReadOnlyList<EndPoint> targets) : IDialer
{
    private uint _turn;

    /// <summary>The target whose turn it is.</summary>
    public EndPoint Next() => targets[(int)(Interlocked.Increment(ref _turn) % (uint)targets.Count)];

    /// <inheritdoc/>
    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        uint turn = Interlocked.Increment(ref _turn);
        DialResult result = default;
        for (uint i = 0; i < targets.Count; i++)
        {
            result = await next.DialAsync(targets[(int)((turn + i) % (uint)targets.Count)], flow, cancellationToken).ConfigureAwait(false);
            bool isItsOwnFault = result.Failure.Kind is DialFailureKind.Refused or DialFailureKind.HostUnreachable or DialFailureKind.NetworkUnreachable
                or DialFailureKind.TimedOut or DialFailureKind.NameNotFound or DialFailureKind.Reset;
            if (!isItsOwnFault) break;
        }
        return result;
    }

    /// <inheritdoc/>
    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => next.BindAsync(flow, cancellationToken);
}
