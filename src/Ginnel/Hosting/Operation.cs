using System.Threading.Tasks.Sources;
using Ginnel.Netstack;

namespace Ginnel;

/// <summary>
/// A read, write or receive that waits: reused for every one of its stream or port, so that waiting costs no memory. Its life: begun by the caller, armed
/// under the shard's lock when there is nothing to do yet, woken by an event, executed outside the lock, which completes it or arms it again.
/// </summary>
internal abstract class Operation<TResult>(Shard shard) : Completion, IValueTaskSource<TResult>, IValueTaskSource
{
    private ManualResetValueTaskSourceCore<TResult> _core;
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private bool _armed;
    private bool _cancelled;
    private int _busy;

    /// <summary>Whether cancellation was asked for; under the lock or while executing.</summary>
    internal bool IsCancelled => _cancelled;

    internal short Version => _core.Version;

    /// <summary>Claims the operation for a caller; false when another one of its kind is under way.</summary>
    internal bool TryBegin() => Interlocked.CompareExchange(ref _busy, 1, 0) == 0;

    /// <summary>Ends a claim that completed without waiting.</summary>
    internal void EndAtOnce()
    {
        Unregister();
        Volatile.Write(ref _busy, 0);
    }

    /// <summary>Watches the token from here on. Before arming, so that a cancellation in between is seen when arming.</summary>
    internal void Watch(CancellationToken token)
    {
        _cancelled = false;
        _token = token;
        if (token.CanBeCanceled)
            _registration = token.UnsafeRegister(static (state, _) => ((Operation<TResult>)state!).Cancel(), this);
    }

    /// <summary>Under the lock: the next event wakes it. False when it was cancelled meanwhile.</summary>
    internal bool Arm()
    {
        if (_cancelled) return false;
        return _armed = true;
    }

    /// <summary>Under the lock: if it waits, it is executed once the lock is released.</summary>
    internal void Wake(ref ShardWork work)
    {
        if (!_armed) return;
        _armed = false;
        work.Add(this);
    }

    private void Cancel()
    {
        Operation<TResult> self = this;
        // A host that has ended has woken every operation already; then this does nothing.
        shard.Run(ref self, static (NetworkStack _, ref Operation<TResult> operation, Instant _, ref ShardWork work) =>
        {
            operation._cancelled = true;
            operation.Wake(ref work);
            return OpStatus.Ok;
        });
    }

    protected void Complete(TResult result)
    {
        Unregister();
        _core.SetResult(result);
    }

    protected void Fail(Exception exception)
    {
        Unregister();
        _core.SetException(exception);
    }

    protected void FailCancelled() => Fail(new OperationCanceledException(_token));

    /// <summary>Forgets what the caller lent.</summary>
    protected abstract void Clear();

    private void Unregister()
    {
        // Waits for a callback that is under way: it must not reach the next use of this operation.
        _registration.Dispose();
        _registration = default;
        _token = default;
        _cancelled = false;
    }

    public TResult GetResult(short token)
    {
        _core.GetStatus(token); // A stale token throws here, before anything is reset.
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            Clear();
            _core.Reset();
            Volatile.Write(ref _busy, 0);
        }
    }

    void IValueTaskSource.GetResult(short token) => GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
