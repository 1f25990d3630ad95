using System.Buffers;
using System.Net;

namespace Ginnel;

/// <summary>One source of datagrams and the port through which it reaches its targets.</summary>
internal sealed class RelayedPort(Flow flow, IDatagramPort source, IDatagramPort outside, RelayOptions options, Action strangerRefused)
{
    private const int MaxDatagram = 65_535;
    private readonly PortTargets _targets = new(flow.Info, options);
    // Where a rule sends everything to one target, answers come in the name of whom the source spoke to last.
    private volatile IPEndPoint? _spokenTo;

    internal async Task<FlowEnd> RunAsync()
    {
        using CancellationTokenSource ending = CancellationTokenSource.CreateLinkedTokenSource(flow.Ending);
        Task up = UpAsync(ending.Token);
        Task down = DownAsync(ending.Token);
        await Task.WhenAny(up, down).ConfigureAwait(false);
        await ending.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(up, down).ConfigureAwait(false);
        return flow.RequestedEnd.Kind == FlowEndKind.Live ? new FlowEnd(FlowEndKind.Closed) : flow.RequestedEnd;
    }

    private async Task UpAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = [];
        try
        {
            while (true)
            {
                Return(ref buffer);
                flow.Up.Activity = FlowActivity.Waiting;
                await source.WaitAsync(cancellationToken).ConfigureAwait(false);
                flow.Up.Activity = FlowActivity.Carrying;
                buffer = ArrayPool<byte>.Shared.Rent(MaxDatagram);
                DatagramItem item = await source.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (item.Failure.Kind != DialFailureKind.None) continue; // About an answer of ours that the source no longer wants.
                _spokenTo = item.Remote;
                IPEndPoint target = flow.Target as IPEndPoint ?? item.Remote;
                DialFailure failure = _targets.Judge(target);
                if (failure.Kind == DialFailureKind.None)
                    failure = await outside.SendAsync(buffer.AsMemory(0, item.Length), target, cancellationToken).ConfigureAwait(false);
                if (failure.Kind == DialFailureKind.None) flow.Up.Count(item.Length);
                else source.ReportFailure(item.Remote, failure);
            }
        }
        catch (Exception exception) when (StreamPump.IsBroken(exception))
        {
        }
        finally
        {
            Return(ref buffer);
        }
    }

    private async Task DownAsync(CancellationToken cancellationToken)
    {
        byte[] buffer = [];
        try
        {
            while (true)
            {
                Return(ref buffer);
                flow.Down.Activity = FlowActivity.Waiting;
                await outside.WaitAsync(cancellationToken).ConfigureAwait(false);
                flow.Down.Activity = FlowActivity.Carrying;
                buffer = ArrayPool<byte>.Shared.Rent(MaxDatagram);
                DatagramItem item = await outside.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
                IPEndPoint speaker = item.Remote;
                if (flow.Target is IPEndPoint target)
                {
                    if (!target.Equals(item.Remote) || _spokenTo is null) continue; // Only the rule's target may answer.
                    speaker = _spokenTo;
                }
                else if (item.Failure.Kind != DialFailureKind.None ? !_targets.HasSentTo(item.Remote.Address) : !_targets.MayAnswer(item.Remote.Address))
                {
                    strangerRefused();
                    continue;
                }
                if (item.Failure.Kind != DialFailureKind.None)
                {
                    source.ReportFailure(speaker, item.Failure);
                    continue;
                }
                DialFailure failure = await source.SendAsync(buffer.AsMemory(0, item.Length), speaker, cancellationToken).ConfigureAwait(false);
                if (failure.Kind == DialFailureKind.None) flow.Down.Count(item.Length);
            }
        }
        catch (Exception exception) when (StreamPump.IsBroken(exception))
        {
        }
        finally
        {
            Return(ref buffer);
        }
    }

    // A port that waits holds no buffer: thousands may.
    private static void Return(ref byte[] buffer)
    {
        if (buffer.Length > 0) ArrayPool<byte>.Shared.Return(buffer);
        buffer = [];
    }
}
