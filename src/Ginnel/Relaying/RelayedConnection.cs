namespace Ginnel;

/// <summary>
/// Two connected streams and the two directions between them. Half-close travels through; a break of one side resets the other. Nothing waits for
/// the directions but what they leave behind when they end: ten thousand idle connections are ten thousand of each object.
/// </summary>
internal sealed class RelayedConnection(Flow flow, DuplexStream client, DuplexStream upstream, FlowSet flows) : IFlowCarrier
{
    /// <summary>How long a side may be silent that has stopped reading.</summary>
    internal static readonly TimeSpan LastWordsPatience = TimeSpan.FromSeconds(30);

    private Task<PumpResult>? _up;
    private Task<PumpResult>? _down;
    private Task<PumpResult>? _first;
    private FlowEnd _end;
    private int _settled;

    /// <summary>Begins to carry; ends the flow when both directions have ended.</summary>
    internal void Start()
    {
        flow.CarryBy(this);
        _up = StreamPump.RunAsync(client, upstream, flow.Up);
        _down = StreamPump.RunAsync(upstream, client, flow.Down);
        if (_up.IsCompleted) OnUpEnded();
        else _up.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(OnUpEnded);
        if (_down.IsCompleted) OnDownEnded();
        else _down.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(OnDownEnded);
    }

    private void OnUpEnded() => OnEnded(_up!, isUp: true);

    private void OnDownEnded() => OnEnded(_down!, isUp: false);

    // The first one to end decides how the other is treated; what is last to be done, by whichever thread, is the last of it.
    private void OnEnded(Task<PumpResult> ended, bool isUp)
    {
        bool isFirst = Interlocked.CompareExchange(ref _first, ended, null) is null;
        if (isFirst) SettleFirst(ended, isUp);
        if (Interlocked.Increment(ref _settled) == 2) _ = FinishAsync();
    }

    private void SettleFirst(Task<PumpResult> ended, bool isUp)
    {
        _end = Judge(ended, isUp);
        if (ended.IsCompletedSuccessfully && ended.Result == PumpResult.SinkBroke) _ = AwaitLastWordsAsync(isUp ? _down! : _up!);
        else if (_end.Kind != FlowEndKind.Closed) AbortBoth();
    }

    private async Task FinishAsync()
    {
        try
        {
            if (_end.Kind == FlowEndKind.Closed) _end = _first == _up ? Judge(_down!, isUp: false) : Judge(_up!, isUp: true);
            if (_end.Kind != FlowEndKind.Closed) AbortBoth();
            await DisposeOfAsync(client).ConfigureAwait(false);
            await DisposeOfAsync(upstream).ConfigureAwait(false);
        }
        finally
        {
            FlowEnd asked = flow.RequestedEnd;
            flows.End(flow, asked.Kind == FlowEndKind.Live ? _end : asked);
        }
    }

    private async ValueTask DisposeOfAsync(DuplexStream stream)
    {
        try
        {
            await stream.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            if (_end.Kind == FlowEndKind.Closed) _end = FlowSet.EndOf(exception);
        }
    }

    /// <summary>
    /// Who no longer reads may have answered all the same (a server's 413). What it said is passed on, but a side that neither reads nor
    /// speaks is given up.
    /// </summary>
    private async Task AwaitLastWordsAsync(Task speaking)
    {
        flow.Touch();
        while (!speaking.IsCompleted && LastWordsPatience - flow.IdleFor is var left)
        {
            if (left <= TimeSpan.Zero)
            {
                AbortBoth();
                return;
            }
            await speaking.WaitAsync(left, flow.Time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A fault in a stream that is not ours ends the flow; the relay and its other flows live.
    private static FlowEnd Judge(Task<PumpResult> ended, bool isUp) =>
        ended.IsCompletedSuccessfully ? Judge(ended.Result, isUp) : new FlowEnd(FlowEndKind.Ended, Reason: "a stream failed unexpectedly");

    private static FlowEnd Judge(PumpResult result, bool isUp) => result switch
    {
        PumpResult.EndOfStream => new FlowEnd(FlowEndKind.Closed),
        PumpResult.SourceBroke => new FlowEnd(isUp ? FlowEndKind.ResetBySource : FlowEndKind.ResetByTarget),
        _ => new FlowEnd(isUp ? FlowEndKind.ResetByTarget : FlowEndKind.ResetBySource),
    };

    private void AbortBoth()
    {
        // An end from outside breaks the pumps as well; it has its own way of ending the two sides.
        if (flow.IsEnding) return;
        EndAtOnce(client, isWhole: false);
        EndAtOnce(upstream, isWhole: false);
    }

    /// <summary>
    /// An end from outside. A side that was given its stream to the end is closed, so that the host still delivers it; the other is reset,
    /// for a stream that was cut must not look whole.
    /// </summary>
    void IFlowCarrier.End()
    {
        EndAtOnce(client, isWhole: flow.Down.Activity == FlowActivity.Ended);
        EndAtOnce(upstream, isWhole: flow.Up.Activity == FlowActivity.Ended);
    }

    // Streams may be others': what one of them throws must reach neither the other's end, nor who sweeps the idle ones, nor a bare continuation.
    private static void EndAtOnce(DuplexStream stream, bool isWhole)
    {
        try
        {
            if (isWhole) stream.Dispose();
            else stream.Abort();
        }
        catch (Exception)
        {
            // It counts as ended; FinishAsync disposes of it all the same.
        }
    }
}
