namespace Ginnel;

/// <summary>What one direction of a flow is doing. Whoever means to end a flow sees from it whether something would be lost.</summary>
public enum FlowActivity : byte
{
    /// <summary>Opening, or something was taken from the source and not yet given to the sink.</summary>
    Carrying,
    /// <summary>Nothing is in hand: it waits for its source.</summary>
    Waiting,
    /// <summary>The source has closed, and everything was given to the sink, the end included.</summary>
    Ended,
}

/// <summary>One direction of a flow: what it has carried and what it is doing. Written by the one task that carries, read by anybody.</summary>
internal sealed class FlowDirection(Flow flow)
{
    private long _bytes;
    private volatile FlowActivity _activity;
    private volatile bool _hasCarried;

    internal long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Whether it has carried anything, an empty datagram included.</summary>
    internal bool HasCarried => _hasCarried;

    internal FlowActivity Activity
    {
        get => _activity;
        set => _activity = value;
    }

    internal void Count(long bytes)
    {
        _hasCarried = true;
        Volatile.Write(ref _bytes, _bytes + bytes);
        flow.Touch();
    }
}
