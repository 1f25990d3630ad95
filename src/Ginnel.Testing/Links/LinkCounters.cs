namespace Ginnel.Testing;

/// <summary>What befell the packets of one direction of a simulated link. A super-segment that is not cut counts once.</summary>
public sealed class LinkCounters
{
    /// <summary>Packets that entered.</summary>
    public long Sent { get; internal set; }

    /// <summary>Bytes that entered.</summary>
    public long SentBytes { get; internal set; }

    /// <summary>Packets lost at random, in bursts or singly.</summary>
    public long Lost { get; internal set; }

    /// <summary>Packets marked as having met congestion.</summary>
    public long Marked { get; internal set; }

    /// <summary>Packets that found the queue full.</summary>
    public long Overflowed { get; internal set; }

    /// <summary>Packets that were held back.</summary>
    public long Reordered { get; internal set; }

    /// <summary>Copies made.</summary>
    public long Duplicated { get; internal set; }

    /// <summary>Packets with a flipped bit.</summary>
    public long Corrupted { get; internal set; }

    /// <summary>Packets lost because the link was taken down while they travelled.</summary>
    public long Severed { get; internal set; }

    /// <summary>Packets that arrived, copies included.</summary>
    public long Delivered { get; internal set; }
}
