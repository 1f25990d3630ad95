using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// What many hosts share, one per process unless told otherwise: the packet pool, one timer for all deadlines, the clock, the entropy,
/// the budget of buffer memory. A host that is idle costs no thread and no timer of its own.
/// </summary>
public sealed class NetworkRuntime : IDisposable
{
    private static readonly Lazy<NetworkRuntime> SharedRuntime = new(static () => new NetworkRuntime(new NetworkRuntimeOptions()));
    // Instants begin at a second, so that "a moment ago" is never negative and zero never a real time.
    private static readonly Instant Origin = new(TimeSpan.TicksPerSecond);
    private readonly long _startTimestamp;
    private readonly MemoryBudget _budget;
    private long _poisonedHosts;

    /// <summary>A runtime of its own: for tests, and for whoever wants separate limits.</summary>
    public NetworkRuntime(NetworkRuntimeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BufferMemory, 1 << 20, nameof(options));
        Time = options.Time;
        Entropy = options.Entropy ?? new SystemEntropy();
        Completions = options.Completions;
        Pool = options.Pool ?? new PacketPool(options.PacketMemory);
        _startTimestamp = Time.GetTimestamp();
        _budget = new MemoryBudget(options.BufferMemory);
        Deadlines = new DeadlineLoop(this);
        PoolTrimmer.Watch(Pool);
    }

    /// <summary>The process's runtime, made on first use.</summary>
    public static NetworkRuntime Shared => SharedRuntime.Value;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>Where continuations run.</summary>
    public CompletionScheduler Completions { get; }

    /// <summary>Where packets come from.</summary>
    public PacketPool Pool { get; }

    /// <summary>Where unpredictability comes from.</summary>
    public EntropySource Entropy { get; }

    /// <summary>The time as stacks are told it.</summary>
    public Instant Now => Origin + Time.GetElapsedTime(_startTimestamp);

    /// <summary>Hosts that a fault of our own has ended; the process lives on. Should stay 0.</summary>
    public long PoisonedHosts => Volatile.Read(ref _poisonedHosts);

    internal DeadlineLoop Deadlines { get; }
    internal MemoryBudget Budget => _budget;

    internal void CountPoisoned() => Interlocked.Increment(ref _poisonedHosts);

    /// <summary>Stops the timer. Hosts of this runtime must have been disposed.</summary>
    public void Dispose() => Deadlines.Dispose();
}
