namespace Ginnel;

/// <summary>Two connected streams and the two directions between them. Half-close travels through; a break of one side resets the other.</summary>
internal sealed class RelayedConnection(Flow flow, DuplexStream client, DuplexStream upstream)
{
    internal async Task<FlowEnd> RunAsync()
    {
        using CancellationTokenRegistration registration = flow.Ending.UnsafeRegister(static state => ((RelayedConnection)state!).AbortBoth(), this);
        Task<PumpResult> up = StreamPump.RunAsync(client, upstream, flow.CountUp, CancellationToken.None);
        Task<PumpResult> down = StreamPump.RunAsync(upstream, client, flow.CountDown, CancellationToken.None);
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
            // Who no longer reads may have answered all the same (a server's 413): its direction ends by itself, or by the
            // idle timeout if one is set.
            if (end.Kind != FlowEndKind.Closed && broke != PumpResult.SinkBroke) AbortBoth();
            Task<PumpResult> second = first == up ? down : up;
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

    private static FlowEnd Judge(PumpResult result, bool isUp) => result switch
    {
        PumpResult.EndOfStream => new FlowEnd(FlowEndKind.Closed),
        PumpResult.SourceBroke => new FlowEnd(isUp ? FlowEndKind.ResetBySource : FlowEndKind.ResetByTarget),
        _ => new FlowEnd(isUp ? FlowEndKind.ResetByTarget : FlowEndKind.ResetBySource),
    };

    private void AbortBoth()
    {
        client.Abort();
        upstream.Abort();
    }
}
