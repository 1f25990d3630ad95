using System.Threading.Tasks.Sources;

namespace Ginnel.Linux.Events;

/// <summary>
/// Whether one direction of an edge-triggered descriptor is worth a try, and the one wait for it that may be under way; reused, so that waiting
/// costs no memory. Before a try what is known is forgotten (<see cref="Forget"/>), and after one that succeeded there may be more
/// (<see cref="Signal"/>): the kernel tells of the same readiness only once. So whoever waits, waits for news.
/// </summary>
internal sealed class Readiness(EventLoop loop) : IValueTaskSource, IValueTaskSource<bool>
{
    private const int Idle = 0, Signalled = 1, Waiting = 2, Closed = 3;

    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = !loop.RunsContinuations };
    private CancellationTokenRegistration _cancellation;
    private CancellationToken _token;
    private int _state = Idle;

    /// <summary>Waits until a try is worth it; at once if one is. One wait at a time.</summary>
    /// <exception cref="ObjectDisposedException">Closed, before or meanwhile.</exception>
    public ValueTask WaitAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        switch (Begin(cancellationToken))
        {
            case Signalled:
                Forget();
                return default;
            case Closed:
                return ValueTask.FromException(new ObjectDisposedException(null));
            default:
                return new ValueTask(this, _core.Version);
        }
    }

    /// <summary>Waits until a try is worth it, and leaves the news to that try; false once it is closed. One wait at a time.</summary>
    public ValueTask<bool> LookAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<bool>(cancellationToken);
        int before = Begin(cancellationToken);
        return before == Idle ? new ValueTask<bool>(this, _core.Version) : new ValueTask<bool>(before == Signalled);
    }

    // What was known before; only if nothing was, a wait is under way now.
    private int Begin(CancellationToken cancellationToken)
    {
        int known = Volatile.Read(ref _state);
        if (known is Signalled or Closed) return known;
        _core.Reset();
        _token = cancellationToken;
        known = Interlocked.CompareExchange(ref _state, Waiting, Idle);
        if (known == Idle && cancellationToken.CanBeCanceled)
            _cancellation = cancellationToken.UnsafeRegister(static readiness => ((Readiness)readiness!).Cancel(), this);
        return known;
    }

    /// <summary>Before a try: what comes from here on is news.</summary>
    public void Forget() => Interlocked.CompareExchange(ref _state, Idle, Signalled);

    /// <summary>A try is worth it.</summary>
    public void Signal()
    {
        if (Interlocked.CompareExchange(ref _state, Signalled, Idle) != Waiting) return;
        if (Interlocked.CompareExchange(ref _state, Idle, Waiting) == Waiting) _core.SetResult(true);
        // The wait was cancelled at this very moment; the next one must not miss the signal.
        else Interlocked.CompareExchange(ref _state, Signalled, Idle);
    }

    /// <summary>Ends the wait that is under way, and any later one.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _state, Closed) == Waiting) _core.SetResult(false);
    }

    void IValueTaskSource.GetResult(short token)
    {
        EndWait();
        if (!_core.GetResult(token)) throw new ObjectDisposedException(null);
    }

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        EndWait();
        if (!_core.GetResult(token)) return false;
        Signal();
        return true;
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    private void EndWait()
    {
        _cancellation.Dispose();
        _cancellation = default;
    }

    private void Cancel()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Waiting) == Waiting) _core.SetException(new OperationCanceledException(_token));
    }
}
