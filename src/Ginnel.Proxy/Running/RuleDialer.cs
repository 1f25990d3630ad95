using System.Net;

namespace Ginnel.Proxy;

/// <summary>
/// Dials for the rules that share a port: one target after the other, connection by connection; one that cannot be reached is passed over for
/// the next. The first connection goes to the second target if there are several, as nexd's does. It decides and hands on.
/// </summary>
internal sealed class RuleDialer(IDialer next, TimeProvider time) : IDialer
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private volatile ProxyRule[] _rules = [];
    private uint _turn;

    /// <summary>The rules; replaced as a whole. What is under way goes on with those that it began with.</summary>
    public IReadOnlyList<ProxyRule> Rules
    {
        get => _rules;
        set => _rules = [.. value];
    }

    /// <summary>The target of a new source of datagrams; null when no rule is left.</summary>
    public EndPoint? NextTarget()
    {
        ProxyRule[] rules = _rules;
        return rules.Length == 0 ? null : rules[Turn(rules.Length)].Target;
    }

    /// <inheritdoc/>
    public async ValueTask<DialResult> DialAsync(EndPoint target, FlowInfo flow, CancellationToken cancellationToken = default)
    {
        ProxyRule[] rules = _rules;
        DialResult result = DialResult.Failed(DialFailureKind.Refused, "the rule was removed");
        int turn = rules.Length == 0 ? 0 : Turn(rules.Length);
        for (int i = 0; i < rules.Length; i++)
        {
            ProxyRule rule = rules[(turn + i) % rules.Length];
            result = await DialOneAsync(rule, flow, cancellationToken).ConfigureAwait(false);
            if (result.IsConnected) return result with { Chosen = rule.Target };
            bool isItsOwnFault = result.Failure.Kind is DialFailureKind.Refused or DialFailureKind.HostUnreachable or DialFailureKind.NetworkUnreachable
                or DialFailureKind.TimedOut or DialFailureKind.NameNotFound or DialFailureKind.Reset;
            if (!isItsOwnFault) break;
        }
        return result;
    }

    /// <inheritdoc/>
    public ValueTask<BindResult> BindAsync(FlowInfo flow, CancellationToken cancellationToken = default) => next.BindAsync(flow, cancellationToken);

    private int Turn(int count) => (int)(Interlocked.Increment(ref _turn) % (uint)count);

    private async ValueTask<DialResult> DialOneAsync(ProxyRule rule, FlowInfo flow, CancellationToken cancellationToken)
    {
        TimeSpan patience = rule.Options.ConnectTimeout ?? Patience;
        using CancellationTokenSource timeout = new(patience, time);
        using CancellationTokenSource either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            DialResult result = await next.DialAsync(rule.Target, flow, either.Token).ConfigureAwait(false);
            return result.IsConnected && rule.Options.ProxyProtocol is { } version
                ? await IntroduceAsync(result.Stream, version, flow, either.Token).ConfigureAwait(false) : result;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return DialResult.Failed(DialFailureKind.TimedOut, $"no answer within {RuleParser.Print(patience)}");
        }
    }

    private static async ValueTask<DialResult> IntroduceAsync(DuplexStream stream, int version, FlowInfo flow, CancellationToken cancellationToken)
    {
        try
        {
            await stream.WriteAsync(ProxyHeader.Compose(version, flow.Source, flow.Destination as IPEndPoint), cancellationToken).ConfigureAwait(false);
            return DialResult.Connected(stream);
        }
        catch (Exception failure)
        {
            stream.Abort();
            await stream.DisposeAsync().ConfigureAwait(false);
            if (failure is not IOException) throw;
            return DialResult.Failed(DialFailureKind.Reset);
        }
    }
}
