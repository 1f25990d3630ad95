namespace Ginnel.ProxyProtocols;

/// <summary>
/// A client that waits for its dial. It is watched meanwhile: when it goes, the dial is given up. What it says early is kept for the target.
/// </summary>
internal abstract class ProxyPending : IPendingConnection
{
    private readonly CancellationTokenSource _abandoned = new();
    private readonly CancellationTokenSource _decided = new();
    private readonly Task<bool> _watch;
    private int _isDecided;

    protected ProxyPending(ProxyClient client, FlowInfo flow, TimeProvider time)
    {
        (Client, Flow, Time) = (client, flow, time);
        _watch = WatchAsync();
    }

    public FlowInfo Flow { get; }

    public CancellationToken Abandoned => _abandoned.Token;

    protected ProxyClient Client { get; }

    protected TimeProvider Time { get; }

    /// <summary>What the client is told when it is connected.</summary>
    protected abstract ReadOnlyMemory<byte> Success { get; }

    /// <summary>What it is told otherwise.</summary>
    protected abstract ReadOnlyMemory<byte> Refusal(DialFailure reason);

    public async ValueTask<DuplexStream> AcceptAsync(CancellationToken cancellationToken = default)
    {
        if (!TryDecide()) throw new IOException("The client was answered already.");
        try
        {
            // One reader at a time: the relay's begins when ours has ended.
            if (await StopWatchingAsync().ConfigureAwait(false)) throw new IOException("The client went away.");
            await Client.Stream.WriteAsync(Success, cancellationToken).ConfigureAwait(false);
            return Client.Input.Detach();
        }
        catch
        {
            Client.Drop();
            throw;
        }
    }

    public void Reject(DialFailure reason)
    {
        if (TryDecide()) _ = RejectAsync(reason);
    }

    private async Task RejectAsync(DialFailure reason)
    {
        bool isGone = await StopWatchingAsync().ConfigureAwait(false);
        Client.Input.Release();
        if (isGone) Client.Drop();
        else await LastWords.SayAsync(Client.Stream, Refusal(reason), Time).ConfigureAwait(false);
    }

    private bool TryDecide() => Interlocked.Exchange(ref _isDecided, 1) == 0;

    private async Task<bool> StopWatchingAsync()
    {
        await _decided.CancelAsync().ConfigureAwait(false);
        return await _watch.ConfigureAwait(false);
    }

    private async Task<bool> WatchAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        // A client that says no more before it was answered has nothing to use a tunnel for: most often its process has ended.
        bool isGone = await Client.Input.WatchAsync(_decided.Token).ConfigureAwait(false) != WatchEnd.Stopped;
        if (isGone) await _abandoned.CancelAsync().ConfigureAwait(false);
        return isGone;
    }
}
