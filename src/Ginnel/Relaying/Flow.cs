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
        Up = new FlowDirection(this);
        Down = new FlowDirection(this);
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
    public long BytesUp => Up.Bytes;

    /// <summary>Payload bytes back.</summary>
    public long BytesDown => Down.Bytes;

    /// <summary>What the direction towards the side that was dialled is doing.</summary>
    public FlowActivity UpActivity => Up.Activity;

    /// <summary>What the direction back is doing.</summary>
    public FlowActivity DownActivity => Down.Activity;

    /// <summary>How it ended; live until then.</summary>
    public FlowEnd End => Volatile.Read(ref _endTimestamp) == 0 ? default : _end;

    /// <summary>Cancelled when the flow is to end.</summary>
    internal CancellationToken Ending => _ending.Token;

    /// <summary>How it is to be recorded if <see cref="Ending"/> has fired.</summary>
    internal FlowEnd RequestedEnd { get; private set; }

    internal TimeProvider Time => _time;

    internal TimeSpan IdleFor => _time.GetElapsedTime(Volatile.Read(ref _lastActivity));

    internal FlowDirection Up { get; }

    internal FlowDirection Down { get; }

    internal void Touch() => Volatile.Write(ref _lastActivity, _time.GetTimestamp());

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
