using System.Threading.Tasks.Sources;

namespace Ginnel.Linux.Datagrams;

/// <summary>
/// The one wait that a socket may have under way, reused so that waiting costs no memory. May end without cause: try again.
/// </summary>
internal sealed class ReadinessWait : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _token;
    private int _isWaiting;

    /// <summary>Begins to wait. The caller arms the loop afterwards.</summary>
    public ValueTask BeginAsync(CancellationToken cancellationToken)
    {
        _core.Reset();
        _token = cancellationToken;
        ValueTask task = new(this, _core.Version);
        Volatile.Write(ref _isWaiting, 1);
        _cancellation = cancellationToken.UnsafeRegister(static wait => ((ReadinessWait)wait!).Cancel(), this);
        return task;
    }

    /// <summary>Ends the wait, if one is under way.</summary>
    public void Complete(Exception? failure)
    {
        if (Interlocked.Exchange(ref _isWaiting, 0) == 0) return;
        if (failure is null) _core.SetResult(true);
        else _core.SetException(failure);
    }

    void IValueTaskSource.GetResult(short token)
    {
        _cancellation.Dispose();
        _core.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void Cancel() => Complete(new OperationCanceledException(_token));
}
