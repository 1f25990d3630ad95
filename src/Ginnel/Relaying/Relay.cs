using System.Net;

namespace Ginnel;

/// <summary>
/// The algebra's one operation: whatever the listener offers is dialled, and answered only once that is decided; then bytes flow both
/// ways until both sides have closed. Refused is refused, unreachable is unreachable, a reset is a reset.
/// </summary>
public sealed class Relay
{
    private readonly IListener _listener;
    private readonly IDialer _dialer;
    private readonly RelayOptions _options;
    private readonly TimeProvider _time;
    private static readonly Action<object?> Cancel = static source => ((CancellationTokenSource)source!).Cancel();
    private readonly FlowSet _flows;
    private int _dials;
    private long _limited;

    /// <summary>A relay; the listener stays the caller's.</summary>
    public Relay(IListener listener, IDialer dialer, RelayOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(listener);
        ArgumentNullException.ThrowIfNull(dialer);
        _listener = listener;
        _dialer = dialer;
        _options = options ?? new RelayOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxPendingDials, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(_options.MaxFlows, 1, nameof(options));
        _time = _options.Time ?? TimeProvider.System;
        Flows = _options.Flows ?? new FlowRegistry(_time);
        _flows = new FlowSet(Flows, _time, _options.ConnectionIdleTimeout);
    }

    /// <summary>Where its live flows are listed.</summary>
    public FlowRegistry Flows { get; }

    /// <summary>Connections that were rejected because of a limit of this relay.</summary>
    public long LimitedCount => Volatile.Read(ref _limited);

    /// <summary>
    /// Relays until the listener is closed, then until the last flow has ended; or until the token is cancelled, which ends all flows.
    /// </summary>
    public Task RunAsync(CancellationToken cancellationToken = default) =>
        _flows.RunAsync(stop => _listener.AcceptAsync(stop), Admit, cancellationToken);

    private void Admit(IPendingConnection pending, CancellationToken stop)
    {
        if (Volatile.Read(ref _dials) >= _options.MaxPendingDials || _flows.Count >= _options.MaxFlows)
        {
            Interlocked.Increment(ref _limited);
            pending.Reject(new DialFailure(DialFailureKind.Limit, "the relay's dials or flows"));
            return;
        }
        _ = ServeAsync(_flows.Begin(pending.Flow), pending, stop);
    }

    // Until the connection stands, or is known not to; from then on it looks after itself, and nothing of this is kept for it.
    private async Task ServeAsync(Flow flow, IPendingConnection pending, CancellationToken stop)
    {
        // The accept loop goes on at once; a dialer that works before its first await must not hold it up.
        await _options.Scheduler.YieldAsync();
        FlowEnd end;
        try
        {
            (RelayedConnection? connection, end) = await OpenAsync(flow, pending, stop).ConfigureAwait(false);
            if (connection is not null)
            {
                connection.Start();
                return;
            }
        }
        catch (Exception exception)
        {
            pending.Reject(new DialFailure(DialFailureKind.HostUnreachable));
            end = FlowSet.EndOf(exception);
        }
        _flows.End(flow, end);
    }

    private async ValueTask<(RelayedConnection? Connection, FlowEnd Failed)> OpenAsync(Flow flow, IPendingConnection pending, CancellationToken stop)
    {
        (DuplexStream? upstream, FlowEnd failed) = await DialAsync(flow, pending, stop).ConfigureAwait(false);
        if (upstream is null) return (null, failed);
        DuplexStream client;
        try
        {
            client = await pending.AcceptAsync(stop).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            upstream.Abort();
            await upstream.DisposeAsync().ConfigureAwait(false);
            if (!StreamPump.IsBroken(exception)) throw;
            return (null, new FlowEnd(FlowEndKind.Abandoned));
        }
        Flows.Start(flow);
        return (new RelayedConnection(flow, client, upstream, _flows), default);
    }

    private async ValueTask<(DuplexStream? Upstream, FlowEnd Failed)> DialAsync(Flow flow, IPendingConnection pending, CancellationToken stop)
    {
        EndPoint? target = _options.Target?.Invoke(flow.Info) ?? flow.Info.Destination;
        if (target is null) return Refuse(pending, new DialFailure(DialFailureKind.Unsupported, "the flow has no destination"));
        flow.Target = target;
        Interlocked.Increment(ref _dials);
        using CancellationTokenSource any = new(_options.DialTimeout, _time);
        using CancellationTokenRegistration abandoning = pending.Abandoned.UnsafeRegister(Cancel, any), stopping = stop.UnsafeRegister(Cancel, any);
        try
        {
            DialResult result = await _dialer.DialAsync(target, flow.Info, any.Token).ConfigureAwait(false);
            if (result.Chosen is { } chosen) flow.Target = chosen;
            return result.IsConnected ? (result.Stream, default) : Refuse(pending, result.Failure);
        }
        catch (OperationCanceledException) when (any.IsCancellationRequested)
        {
            if (!pending.Abandoned.IsCancellationRequested && !stop.IsCancellationRequested)
                return Refuse(pending, new DialFailure(DialFailureKind.TimedOut, $"no answer within {_options.DialTimeout.TotalSeconds:0.#} s"));
            pending.Reject(new DialFailure(DialFailureKind.Refused));
            return (null, new FlowEnd(FlowEndKind.Abandoned));
        }
        finally
        {
            Interlocked.Decrement(ref _dials);
        }
    }

    private static (DuplexStream? Upstream, FlowEnd Failed) Refuse(IPendingConnection pending, DialFailure failure)
    {
        pending.Reject(failure);
        return (null, new FlowEnd(FlowEndKind.DialFailed, failure));
    }
}
