namespace Ginnel;

/// <summary>Two connected streams and the two directions between them. Half-close travels through; a break of one side resets the other.</summary>
internal sealed class RelayedConnection(Flow flow, DuplexStream client, DuplexStream upstream) : IFlowCarrier
{
    /// <summary>How long a side may be silent that has stopped reading.</summary>
    internal static readonly TimeSpan LastWordsPatience = TimeSpan.FromSeconds(30);

    internal async Task<FlowEnd> RunAsync()
    {
        flow.CarryBy(this);
        Task<PumpResult> up = StreamPump.RunAsync(client, upstream, flow.Up, CancellationToken.None);
        Task<PumpResult> down = StreamPump.RunAsync(upstream, client, flow.Down, CancellationToken.None);
        FlowEnd end = await WatchAsync(up, down).ConfigureAwait(false);
        await client.DisposeAsync().ConfigureAwait(false);
        await upstream.DisposeAsync().ConfigureAwait(false);
        return flow.RequestedEnd.Kind == FlowEndKind.Live ? end : flow.RequestedEnd;
    }

    private async Task<FlowEnd> WatchAsync(Task<PumpResult> up, Task<PumpResult> down)
    {
        FlowEnd end = new(FlowEndKind.Closed);
        try
        {
            Task<PumpResult> first = await Task.WhenAny(up, down).ConfigureAwait(false);
            PumpResult broke = await first.ConfigureAwait(false);
            end = Judge(broke, first == up);
            Task<PumpResult> second = first == up ? down : up;
            if (broke == PumpResult.SinkBroke) await AwaitLastWordsAsync(second).ConfigureAwait(false);
            else if (end.Kind != FlowEndKind.Closed) AbortBoth();
            PumpResult last = await second.ConfigureAwait(false);
            if (end.Kind != FlowEndKind.Closed)
            {
                AbortBoth();
                return end;
            }
            end = Judge(last, second == up);
            if (end.Kind != FlowEndKind.Closed) AbortBoth();
            return end;
        }
        catch
        {
            // A fault in a stream that is not ours: the flow ends, the relay and its other flows live.
            AbortBoth();
            await ((Task)Task.WhenAll(up, down)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return new FlowEnd(FlowEndKind.Ended, Reason: "a stream failed unexpectedly");
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
        client.Abort();
        upstream.Abort();
    }

    /// <summary>
    /// An end from outside. A side that was given its stream to the end is closed, so that the host still delivers it; the other is reset,
    /// for a stream that was cut must not look whole.
    /// </summary>
    void IFlowCarrier.End()
    {
        End(client, flow.Down);
        End(upstream, flow.Up);
    }

    private static void End(DuplexStream sink, FlowDirection direction)
    {
        if (direction.Activity == FlowActivity.Ended) sink.Dispose();
        else sink.Abort();
    }
}
