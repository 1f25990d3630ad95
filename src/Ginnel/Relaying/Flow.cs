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
    private readonly TimeProvider _time;
    private readonly long _startTimestamp;
    private long _lastActivity;
    private long _endTimestamp;
    // What was asked for until the flow has ended, and how it ended from then on.
    private FlowEnd _end;
    private IFlowCarrier? _carrier;

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

    /// <summary>How it is to end, if someone asked for that; of kind live if nobody did.</summary>
    internal FlowEnd RequestedEnd
    {
        get
        {
            lock (Up) return _end;
        }
    }

    /// <summary>Whether someone asked for its end.</summary>
    internal bool IsEnding => RequestedEnd.Kind != FlowEndKind.Live;

    /// <summary>The flows before and after it in its <see cref="FlowSet"/>, under that one's lock.</summary>
    internal Flow? Older, Newer;

    internal TimeProvider Time => _time;

    internal TimeSpan IdleFor => _time.GetElapsedTime(Volatile.Read(ref _lastActivity));

    internal bool HasCarriedBothWays => Up.HasCarried && Down.HasCarried;

    internal FlowDirection Up { get; }

    internal FlowDirection Down { get; }

    internal void Touch() => Volatile.Write(ref _lastActivity, _time.GetTimestamp());

    internal void RequestEnd(FlowEnd end)
    {
        IFlowCarrier? carrier;
        lock (Up)
        {
            if (_end.Kind != FlowEndKind.Live) return;
            _end = end;
            carrier = _carrier;
        }
        carrier?.End();
    }

    /// <summary>Names who is told when someone asks for the end; at once if someone did.</summary>
    internal void CarryBy(IFlowCarrier carrier)
    {
        lock (Up)
        {
            _carrier = carrier;
            if (_end.Kind == FlowEndKind.Live) return;
        }
        carrier.End();
    }

    internal void Finish(FlowEnd end)
    {
        lock (Up) (_end, _carrier) = (end, null);
        Volatile.Write(ref _endTimestamp, Math.Max(1, _time.GetTimestamp()));
    }
}
