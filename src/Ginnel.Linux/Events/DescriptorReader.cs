using Ginnel.Linux.Native;

namespace Ginnel.Linux.Events;

/// <summary>The run of a link or a carrier: its descriptor on an event loop, from the start until it is stopped, disposed of or broken.</summary>
/// <param name="descriptor">What is read; stays its owner's.</param>
/// <param name="shared">The loop; null for one of its own while it runs.</param>
/// <param name="name">Of the thread of a loop of its own.</param>
internal abstract class DescriptorReader(Descriptor descriptor, EventLoop? shared, string name) : Watch, IThreadPoolWorkItem
{
    private readonly EventLoop _loop = shared ?? new EventLoop(name, runsContinuations: false);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _cancellation;
    private int _waitsForRoom;
    private int _hasEnded;

    /// <summary>Begins to read; the task ends with the run.</summary>
    /// <exception cref="LinuxException">The kernel's limit of watches is reached.</exception>
    internal Task Start(CancellationToken cancellationToken)
    {
        try
        {
            // Level-triggered: what a full batch leaves waits for the loop's next turn, behind the others'.
            _loop.Add(descriptor, Polling.In, this);
        }
        catch
        {
            if (shared is null) _loop.Dispose();
            throw;
        }
        _cancellation = cancellationToken.UnsafeRegister(static reader => ((DescriptorReader)reader!).StopSoon(), this);
        return _ended.Task;
    }

    /// <summary>Ends the run on the loop's thread.</summary>
    internal void StopSoon() => _loop.Schedule(this);

    /// <summary>Has <see cref="Writable"/> called when the kernel has room again.</summary>
    internal void WatchForRoom()
    {
        Volatile.Write(ref _waitsForRoom, 1);
        _loop.Change(descriptor, Polling.In | Polling.Out, this);
    }

    internal override void OnReady(uint events)
    {
        if (Volatile.Read(ref _hasEnded) != 0) return;
        try
        {
            if ((events & (Polling.Error | Polling.HangUp)) != 0) Check();
            if ((events & Polling.Out) != 0 && Interlocked.Exchange(ref _waitsForRoom, 0) != 0)
            {
                _loop.Change(descriptor, Polling.In, this);
                Writable();
            }
            Read();
        }
        catch (Exception failure)
        {
            End(failure);
        }
    }

    void IThreadPoolWorkItem.Execute() => End(null);

    /// <summary>Reads a batch at most, and delivers it.</summary>
    protected abstract void Read();

    /// <summary>There is room to write for whoever waited for it.</summary>
    protected abstract void Writable();

    /// <summary>The kernel reports an error of the descriptor; throws if it means the end.</summary>
    protected virtual void Check()
    {
    }

    /// <summary>The run is over; called once, before its task ends.</summary>
    protected abstract void OnEnded();

    /// <summary>What the task fails with.</summary>
    protected virtual Exception Describe(Exception failure) => failure;

    private void End(Exception? failure)
    {
        if (Interlocked.Exchange(ref _hasEnded, 1) != 0) return;
        _loop.Remove(descriptor, this);
        _cancellation.Dispose();
        OnEnded();
        if (shared is null) _loop.Dispose();
        if (failure is null) _ended.SetResult();
        else _ended.SetException(Describe(failure));
    }
}
