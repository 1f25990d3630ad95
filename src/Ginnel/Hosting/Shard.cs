using Ginnel.Netstack;

namespace Ginnel;

/// <summary>A request to the stack, run under the shard's lock.</summary>
internal delegate OpStatus Verb<TState>(NetworkStack stack, ref TState state, Instant now, ref ShardWork work) where TState : allows ref struct;

/// <summary>
/// One lock, one stack, its sockets, its ports to links, one deadline. Whichever thread brings a batch or a request runs the core to
/// completion under the lock; what follows from it (packets to links, continuations) happens after the lock is released.
/// </summary>
/// <remarks>
/// An exception out of the core is a fault of ours. It ends this host and only this one: the stack is never entered again, every socket
/// fails with the reason, links are told nothing more.
/// </remarks>
internal sealed partial class Shard : Scheduled
{
    private readonly Lock _lock = new();
    private readonly NetworkStack _stack;
    private readonly long _memoryLimit;
    private ShardSocket?[] _sockets = [];
    private Instant _scheduled = Instant.Never;
    private Exception? _ended;
    private readonly ChangeNotice _changeNotice;
    private long _configurationVersion;

    internal Shard(NetworkRuntime runtime, NetworkHostOptions options)
    {
        Runtime = runtime;
        _memoryLimit = options.MemoryLimit;
        _stack = new NetworkStack(new StackOptions
        {
            Pool = runtime.Pool,
            Entropy = runtime.Entropy,
            Tcp = options.Tcp,
            MaxSockets = options.MaxSockets,
            MaxPending = options.MaxPending,
            MemoryLimit = options.MemoryLimit,
            StableSecret = options.StableSecret,
        });
        _changeNotice = new ChangeNotice(this);
        runtime.Budget.Join();
    }

    internal NetworkRuntime Runtime { get; }

    /// <summary>Called under the lock with a pending connection or port that the stack holds. True: someone will decide it.</summary>
    internal PendingHandler? Pending { get; set; }

    /// <summary>Called under the lock when the host ends, whatever ends it.</summary>
    internal EndedHandler? Ending { get; set; }

    /// <summary>Called once, outside the lock, when a fault of ours has ended the host.</summary>
    internal Action<Exception>? Poisoned { get; set; }

    /// <summary>Called outside the lock after addresses or what routers advertise have changed.</summary>
    internal Action? ConfigurationChanged { get; set; }

    /// <summary>Why the host has ended; null while it lives.</summary>
    internal Exception? Ended => Volatile.Read(ref _ended);

    /// <summary>Runs a request and what follows from it.</summary>
    internal OpStatus Run<TState>(ref TState state, Verb<TState> verb) where TState : allows ref struct
    {
        ShardWork work = default;
        OpStatus status;
        lock (_lock)
        {
            if (_ended is not null) return OpStatus.Stale;
            try
            {
                Instant now = Runtime.Now;
                status = verb(_stack, ref state, now, ref work);
                Settle(ref work, now);
            }
            catch (Exception exception)
            {
                Poison(exception, ref work);
                status = OpStatus.Failed;
            }
        }
        Finish(ref work);
        return status;
    }

    /// <summary>Looks at the stack or at shell state that its lock guards; must not cause packets or events.</summary>
    internal TResult Peek<TState, TResult>(TState state, Func<NetworkStack, TState, TResult> look)
    {
        lock (_lock) return look(_stack, state);
    }

    internal override void OnDeadline(Instant now)
    {
        Shard self = this;
        Run(ref self, static (NetworkStack stack, ref Shard shard, Instant time, ref ShardWork _) =>
        {
            shard._scheduled = Instant.Never;
            stack.MemoryLimit = shard.Runtime.Budget.ShareOf(shard._memoryLimit);
            stack.Advance(time);
            return OpStatus.Ok;
        });
    }

    /// <summary>A request from which neither packets nor events follow: it skips looking for them.</summary>
    internal OpStatus Ask<TState>(ref TState state, Verb<TState> verb) where TState : allows ref struct
    {
        ShardWork work = default;
        lock (_lock)
        {
            if (_ended is not null) return OpStatus.Stale;
            try
            {
                return verb(_stack, ref state, default, ref work);
            }
            catch (Exception exception)
            {
                Poison(exception, ref work);
            }
        }
        Finish(ref work);
        return OpStatus.Failed;
    }

    /// <summary>Makes a socket known. Under the lock, in the same request that made its id, so that no event is missed.</summary>
    internal void Register(SocketId id, ShardSocket socket)
    {
        socket.Id = id;
        if (id.Slot >= _sockets.Length) Array.Resize(ref _sockets, (int)Math.Max(4, System.Numerics.BitOperations.RoundUpToPowerOf2(id.Slot + 1)));
        _sockets[id.Slot] = socket;
    }

    /// <summary>Gives a socket's id up. Under the lock.</summary>
    internal void Release(ShardSocket socket, Instant now)
    {
        SocketId id = socket.Id;
        if (id == SocketId.None) return;
        socket.Id = SocketId.None;
        if (id.Slot < _sockets.Length && _sockets[id.Slot] == socket) _sockets[id.Slot] = null;
        _stack.Release(id, now);
    }

    private void Settle(ref ShardWork work, Instant now)
    {
        while (_stack.TryTakeEvent(out SocketEvent happened)) Dispatch(happened, ref work, now);
        CollectSenders(ref work, now);
        if (_stack.ConfigurationVersion != _configurationVersion)
        {
            _configurationVersion = _stack.ConfigurationVersion;
            if (ConfigurationChanged is not null && _changeNotice.TryQueue()) work.Add(_changeNotice);
        }
        Instant next = _stack.NextDeadline;
        if (next >= _scheduled) { work.Deadline = Instant.Never; return; }
        _scheduled = next;
        work.Deadline = next;
    }

    private void Dispatch(SocketEvent happened, ref ShardWork work, Instant now)
    {
        uint slot = happened.Id.Slot;
        ShardSocket? socket = slot < _sockets.Length ? _sockets[slot] : null;
        if (socket is not null && socket.Id == happened.Id)
        {
            socket.OnEvents(happened.Events, ref work);
            return;
        }
        if ((happened.Events & (SocketEvents.PendingConnection | SocketEvents.PendingPort)) == 0) return;
        if ((happened.Events & SocketEvents.Failed) != 0) _stack.Release(happened.Id, now);
        else if (Pending is null || !Pending(_stack, happened, ref work)) _stack.Reject(happened.Id, NetworkFailure.Refused, now);
    }

    private void Finish(ref ShardWork work)
    {
        work.ScheduleAll(Runtime.Completions);
        if (work.Deadline != Instant.Never && work.Deadline != default) Runtime.Deadlines.Schedule(this, work.Deadline);
        for (ShardPort? port = work.FirstSender; port is not null;)
        {
            ShardPort? next = port.NextSender;
            port.NextSender = null;
            Send(port);
            port = next;
        }
    }

    private void Poison(Exception exception, ref ShardWork work)
    {
        Runtime.CountPoisoned();
        EndLocked(new IOException($"The network host failed and was shut down: {exception.Message}", exception), ref work);
        work.Add(new PoisonNotice(this, exception));
    }

    // Under the lock: no verb runs after this.
    private void EndLocked(Exception reason, ref ShardWork work)
    {
        if (_ended is not null) return;
        _ended = reason;
        work.Deadline = Instant.Never;
        foreach (ShardSocket? socket in _sockets) socket?.OnHostEnded(ref work);
        Ending?.Invoke(ref work);
        _sockets = [];
        foreach (ShardPort port in _ports) port.Close();
        _ports = [];
        Runtime.Budget.Leave();
    }

    /// <summary>Ends the host: the stack's connections are reset as far as links take packets, every operation fails with the reason.</summary>
    internal void End(Exception reason)
    {
        AbortAll();
        ShardWork work = default;
        lock (_lock) EndLocked(reason, ref work);
        Finish(ref work);
        Runtime.Deadlines.Remove(this);
    }

    private void AbortAll()
    {
        int none = 0;
        Run(ref none, (NetworkStack stack, ref int _, Instant now, ref ShardWork _) =>
        {
            foreach (ShardSocket? socket in _sockets)
                if (socket is not null && socket.Id != SocketId.None) stack.Abort(socket.Id, now);
            return OpStatus.Ok;
        });
    }

    /// <summary>One at most is on its way; what changes meanwhile is told by the next.</summary>
    private sealed class ChangeNotice(Shard shard) : Completion
    {
        private int _queued;

        internal bool TryQueue() => Interlocked.Exchange(ref _queued, 1) == 0;

        public override void Execute()
        {
            Volatile.Write(ref _queued, 0);
            shard.ConfigurationChanged?.Invoke();
        }
    }

    private sealed class PoisonNotice(Shard shard, Exception exception) : Completion
    {
        public override void Execute() => shard.Poisoned?.Invoke(exception);
    }
}

/// <summary>Wakes whoever waits for something of the host, under the lock.</summary>
internal delegate void EndedHandler(ref ShardWork work);

/// <summary>Takes charge of a pending connection or port, under the lock; false to have it refused.</summary>
internal delegate bool PendingHandler(NetworkStack stack, SocketEvent happened, ref ShardWork work);
