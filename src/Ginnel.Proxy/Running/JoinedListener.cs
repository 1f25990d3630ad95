namespace Ginnel.Proxy;

/// <summary>
/// Several listeners as one: what a rule bounds is bounded for all of its listeners together. For one caller at a time, with one token for all calls.
/// </summary>
internal sealed class JoinedListener(IReadOnlyList<IListener> listeners) : IListener
{
    // Null where the listener's next one has been handed out, or the listener is closed.
    private readonly Task<IPendingConnection?>?[] _next = new Task<IPendingConnection?>?[listeners.Count];
    private readonly bool[] _isClosed = new bool[listeners.Count];
    private int _turn;

    /// <inheritdoc/>
    public async ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            for (int i = 0; i < _next.Length; i++)
                if (!_isClosed[i]) _next[i] ??= listeners[i].AcceptAsync(cancellationToken).AsTask();
            Task[] waiting = [.. _next.OfType<Task>()];
            if (waiting.Length == 0) return null;
            await Task.WhenAny(waiting).ConfigureAwait(false);
            // In turn: a flood of one family does not keep the other out.
            int index = _turn;
            while (_next[index] is not { IsCompleted: true }) index = (index + 1) % _next.Length;
            _turn = (index + 1) % _next.Length;
            Task<IPendingConnection?> done = _next[index]!;
            _next[index] = null;
            if (done.IsCanceled || done.IsFaulted) RejectOthers();
            if (await done.ConfigureAwait(false) is { } pending) return pending;
            _isClosed[index] = true;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (IListener listener in listeners) await listener.DisposeAsync().ConfigureAwait(false);
    }

    // Nobody asks again: who came in by another one at this moment must not wait for ever.
    private void RejectOthers()
    {
        for (int i = 0; i < _next.Length; i++)
        {
            if (_next[i] is not { } task) continue;
            _next[i] = null;
            _ = task.ContinueWith(
                static one => one.Result?.Reject(new DialFailure(DialFailureKind.Refused)), CancellationToken.None,
                TaskContinuationOptions.OnlyOnRanToCompletion | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }
}
