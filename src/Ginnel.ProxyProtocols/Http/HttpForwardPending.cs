namespace Ginnel.ProxyProtocols;

/// <summary>
/// A forwarded request's connection that waits for its dial. Accepted, it is one end of a pair; the proxy frames messages on the other.
/// </summary>
internal sealed class HttpForwardPending(FlowInfo flow) : IPendingConnection
{
    private readonly TaskCompletionSource<(PairedStream? Stream, DialFailure Failure)> _decision = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _abandoned = new();

    public FlowInfo Flow => flow;

    public CancellationToken Abandoned => _abandoned.Token;

    /// <summary>The stream to the target, or why there is none.</summary>
    internal Task<(PairedStream? Stream, DialFailure Failure)> Decision => _decision.Task;

    public ValueTask<DuplexStream> AcceptAsync(CancellationToken cancellationToken = default)
    {
        (PairedStream ours, PairedStream relayed) = PairedStream.Create(flow.Source, flow.Destination);
        if (_decision.TrySetResult((ours, default))) return new ValueTask<DuplexStream>(relayed);
        return ValueTask.FromException<DuplexStream>(new IOException("The client went away."));
    }

    public void Reject(DialFailure reason) => _decision.TrySetResult((null, reason));

    /// <summary>The client is gone.</summary>
    internal async Task AbandonAsync()
    {
        _decision.TrySetResult((null, new DialFailure(DialFailureKind.Reset, "the client went away")));
        await _abandoned.CancelAsync().ConfigureAwait(false);
    }
}
