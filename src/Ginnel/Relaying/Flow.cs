using System.Net;

namespace Ginnel;

/// <summary>How a flow ended.</summary>
public enum FlowEndKind : byte
{
    /// <summary>It has not.</summary>
    Live,
    /// <summary>Both directions were closed.</summary>
    Closed,
    /// <summary>The side that came in reset it.</summary>
    ResetBySource,
    /// <summary>The side that was dialled reset it.</summary>
    ResetByTarget,
    /// <summary>Nothing was carried for too long.</summary>
    Idle,
    /// <summary>It was ended by its id, with a reason.</summary>
    Ended,
    /// <summary>The dial failed; nothing was carried.</summary>
    DialFailed,
    /// <summary>The source gave up before the dial was decided.</summary>
    Abandoned,
}

/// <summary>How a flow ended, and why.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Failure">With <see cref="FlowEndKind.DialFailed"/>: how the dial failed.</param>
/// <param name="Reason">With <see cref="FlowEndKind.Ended"/>: who ended it.</param>
public readonly record struct FlowEnd(FlowEndKind Kind, DialFailure Failure = default, string? Reason = null)
{
    /// <inheritdoc/>
    public override string ToString() => Kind switch
    {
        FlowEndKind.Live => "live",
        FlowEndKind.Closed => "closed",
        FlowEndKind.ResetBySource => "reset by source",
        FlowEndKind.ResetByTarget => "reset by target",
        FlowEndKind.Idle => "idle",
        FlowEndKind.DialFailed => DialFailures.ToText(Failure),
        FlowEndKind.Abandoned => "abandoned",
        _ => Reason is null ? "ended" : $"ended: {Reason}",
    };
}

/// <summary>One flow through a relay: a connection, or a port with all its targets. Counters may be read at any time.</summary>
public sealed class Flow
{
    private readonly CancellationTokenSource _ending = new();
    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private long _bytesUp;
    private long _bytesDown;
    private long _lastActivity;
    private long _endTimestamp;
    private FlowEnd _end;

    internal Flow(long id, FlowInfo info, TimeProvider time)
    {
        Id = id;
        Info = info;
        _time = time;
        Started = time.GetUtcNow();
        _startTimestamp = _lastActivity = time.GetTimestamp();
    }

    /// <summary>Its number in the registry; never used twice.</summary>
    public long Id { get; }

    /// <summary>Who asks for what.</summary>
    public FlowInfo Info { get; }

    /// <summary>Where it was dialled to, if that differs from what was asked for.</summary>
    public EndPoint? Target { get; internal set; }

    /// <summary>When it began, by the wall clock.</summary>
    public DateTimeOffset Started { get; }

    /// <summary>How long it has lived, or lived.</summary>
    public TimeSpan Duration => _time.GetElapsedTime(_startTimestamp, Volatile.Read(ref _endTimestamp) is var end and not 0 ? end : _time.GetTimestamp());

    /// <summary>Payload bytes from the side that came in to the side that was dialled.</summary>
    public long BytesUp => Volatile.Read(ref _bytesUp);

    /// <summary>Payload bytes back.</summary>
    public long BytesDown => Volatile.Read(ref _bytesDown);

    /// <summary>How it ended; live until then.</summary>
    public FlowEnd End => Volatile.Read(ref _endTimestamp) == 0 ? default : _end;

    /// <summary>Cancelled when the flow is to end.</summary>
    internal CancellationToken Ending => _ending.Token;

    /// <summary>How it is to be recorded if <see cref="Ending"/> has fired.</summary>
    internal FlowEnd RequestedEnd { get; private set; }

    internal TimeSpan IdleFor => _time.GetElapsedTime(Volatile.Read(ref _lastActivity));

    internal void CountUp(long bytes) => Count(ref _bytesUp, bytes);

    internal void CountDown(long bytes) => Count(ref _bytesDown, bytes);

    private void Count(ref long counter, long bytes)
    {
        Interlocked.Add(ref counter, bytes);
        Volatile.Write(ref _lastActivity, _time.GetTimestamp());
    }

    internal void RequestEnd(FlowEnd end)
    {
        lock (_ending)
        {
            if (RequestedEnd.Kind != FlowEndKind.Live) return;
            RequestedEnd = end;
        }
        _ending.Cancel();
    }

    internal void Finish(FlowEnd end)
    {
        _end = end;
        Volatile.Write(ref _endTimestamp, Math.Max(1, _time.GetTimestamp()));
    }
}
