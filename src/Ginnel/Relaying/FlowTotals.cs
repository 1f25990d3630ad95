namespace Ginnel;

/// <summary>Adds up what flows carry: those that live and those that have ended, at one moment. Thread-safe.</summary>
public sealed class FlowTotals : IFlowObserver
{
    private readonly Lock _lock = new();
    private readonly HashSet<Flow> _live = [];
    private long _up;
    private long _down;

    /// <summary>Bytes toward the targets.</summary>
    public long Up => Read().Up;

    /// <summary>Bytes from them.</summary>
    public long Down => Read().Down;

    /// <summary>Both, of one moment.</summary>
    public (long Up, long Down) Read()
    {
        lock (_lock)
        {
            (long up, long down) = (_up, _down);
            foreach (Flow flow in _live)
            {
                up += flow.BytesUp;
                down += flow.BytesDown;
            }
            return (up, down);
        }
    }

    /// <inheritdoc/>
    public void Started(Flow flow)
    {
        lock (_lock) _live.Add(flow);
    }

    /// <inheritdoc/>
    public void Ended(Flow flow)
    {
        ArgumentNullException.ThrowIfNull(flow);
        lock (_lock)
        {
            _live.Remove(flow);
            _up += flow.BytesUp;
            _down += flow.BytesDown;
        }
    }
}
