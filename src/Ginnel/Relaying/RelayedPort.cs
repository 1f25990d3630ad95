using System.Net;

namespace Ginnel;

/// <summary>
/// One source of datagrams and the port through which it reaches its targets. What waits on one side goes to the other in batches; a port that
/// waits holds none, for thousands may.
/// </summary>
internal sealed class RelayedPort(Flow flow, IDatagramPort source, IDatagramPort outside, RelayOptions options, DatagramRelay relay) : IFlowCarrier
{
    /// <summary>Batches in a row before everybody else has a turn: a source that never stops must not keep them waiting.</summary>
    private const int BatchesPerTurn = 8;

    // In place of what was wrong with an item: nothing more is to be done about it.
    private static readonly DialFailure Settled = new(DialFailureKind.Denied, "settled");

    private readonly PortTargets _targets = new(flow.Info, options);
    // Where a rule sends everything to one target, answers come in the name of whom the source spoke to last.
    private volatile IPEndPoint? _spokenTo;

    internal async Task<FlowEnd> RunAsync()
    {
        flow.CarryBy(this);
        Task up = CarryAsync(source, outside, flow.Up);
        await CarryAsync(outside, source, flow.Down).ConfigureAwait(false);
        await up.ConfigureAwait(false);
        FlowEnd asked = flow.RequestedEnd;
        return asked.Kind == FlowEndKind.Live ? new FlowEnd(FlowEndKind.Closed) : asked;
    }

    // Whoever waits at a port that is closed goes on, without an exception on the ports that many flows have.
    void IFlowCarrier.End() => Close();

    private void Close()
    {
        _ = source.DisposeAsync().AsTask();
        _ = outside.DisposeAsync().AsTask();
    }

    private async Task CarryAsync(IDatagramPort from, IDatagramPort to, FlowDirection direction)
    {
        DatagramBatch? batch = null;
        int inRow = 0;
        try
        {
            while (true)
            {
                direction.Activity = FlowActivity.Waiting;
                ValueTask<bool> waiting = from.WaitAsync();
                if (!waiting.IsCompleted) inRow = 0;
                if (!await waiting.ConfigureAwait(false)) return;
                direction.Activity = FlowActivity.Carrying;
                batch = DatagramBatch.Rent();
                await from.ReceiveAsync(batch).ConfigureAwait(false);
                if (batch.Count > 0) await PassAsync(batch, to, direction).ConfigureAwait(false);
                batch.Return();
                batch = null;
                if (++inRow % BatchesPerTurn == 0) await options.Scheduler.YieldAsync(behindAll: true);
            }
        }
        catch (Exception exception) when (StreamPump.IsBroken(exception))
        {
        }
        finally
        {
            batch?.Return();
            Close();
        }
    }

    private async ValueTask PassAsync(DatagramBatch batch, IDatagramPort to, FlowDirection direction)
    {
        if (direction == flow.Up) JudgeUp(batch);
        else JudgeDown(batch);
        await to.SendAsync(batch).ConfigureAwait(false);
        Settle(batch, direction);
    }

    private void JudgeUp(DatagramBatch batch)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            // An error is about an answer of ours that the source no longer wants.
            if (batch[i].Failure.Kind != DialFailureKind.None)
            {
                Skip(batch, i);
                continue;
            }
            IPEndPoint asked = batch[i].Remote;
            _spokenTo = asked;
            IPEndPoint target = flow.Target as IPEndPoint ?? asked;
            DialFailure failure = _targets.Judge(target);
            if (failure.Kind != DialFailureKind.None) Refuse(batch, i, asked, failure);
            else if (!ReferenceEquals(target, asked)) batch[i] = batch[i] with { Remote = target };
        }
    }

    private void JudgeDown(DatagramBatch batch)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            DatagramItem item = batch[i];
            bool isError = item.Failure.Kind != DialFailureKind.None;
            IPEndPoint speaker = item.Remote;
            if (flow.Target is IPEndPoint target)
            {
                // Only the rule's target may answer.
                if (!target.Equals(speaker) || _spokenTo is null)
                {
                    Skip(batch, i);
                    continue;
                }
                speaker = _spokenTo;
            }
            else if (isError ? !_targets.HasSentTo(speaker.Address) : !_targets.MayAnswer(speaker.Address))
            {
                relay.CountStranger();
                Skip(batch, i);
                continue;
            }
            if (isError) Refuse(batch, i, speaker, item.Failure);
            else if (!ReferenceEquals(speaker, item.Remote)) batch[i] = item with { Remote = speaker };
        }
    }

    // Told the source, and done with.
    private void Refuse(DatagramBatch batch, int index, IPEndPoint remote, in DialFailure failure)
    {
        source.ReportFailure(remote, failure);
        Skip(batch, index);
    }

    private static void Skip(DatagramBatch batch, int index) => batch[index] = batch[index] with { Failure = Settled };

    // What was sent is counted; what was not by the way out is told the source, and an answer that it does not take is nobody's affair.
    private void Settle(DatagramBatch batch, FlowDirection direction)
    {
        long bytes = 0;
        bool hasSent = false;
        for (int i = 0; i < batch.Count; i++)
        {
            DatagramItem item = batch[i];
            if (item.Failure.Kind == DialFailureKind.None) (bytes, hasSent) = (bytes + item.Length, true);
            else if (direction == flow.Up && item.Failure != Settled) source.ReportFailure(flow.Target is null ? item.Remote : _spokenTo!, item.Failure);
        }
        if (hasSent) direction.Count(bytes);
    }
}
