namespace Ginnel.Testing;

/// <summary>How fast an application reads or writes.</summary>
/// <param name="ChunkBytes">Most bytes at a time, at least 1.</param>
/// <param name="Interval">Time between two chunks; zero for as fast as the connection allows.</param>
public readonly record struct TransferPace(int ChunkBytes, TimeSpan Interval)
{
    /// <summary>As fast as the connection allows.</summary>
    public static TransferPace Unlimited => new(int.MaxValue, TimeSpan.Zero);
}

/// <summary>How an end of a transfer goes away.</summary>
public enum TransferEnding
{
    /// <summary>Closes its writing side behind its data, reads to the end, and releases the socket when it is closed.</summary>
    Graceful,
    /// <summary>Waits for the end of the other's stream before it closes its own.</summary>
    AfterPeer,
    /// <summary>Closes its writing side and, having read to the end, releases the socket at once: the stack finishes alone.</summary>
    ReleaseEarly,
    /// <summary>Resets the connection after <see cref="TransferPlan.AbortAfter"/>.</summary>
    Abort,
}

/// <summary>What one end of a transfer does.</summary>
public sealed record TransferPlan
{
    /// <summary>Bytes that it sends.</summary>
    public required long SendBytes { get; init; }

    /// <summary>Bytes that it must receive before the stream's end.</summary>
    public required long ReceiveBytes { get; init; }

    /// <summary>What it sends.</summary>
    public StreamPattern SendPattern { get; init; }

    /// <summary>What it must receive.</summary>
    public StreamPattern ReceivePattern { get; init; }

    /// <summary>How fast it writes.</summary>
    public TransferPace Writing { get; init; } = TransferPace.Unlimited;

    /// <summary>How fast it reads.</summary>
    public TransferPace Reading { get; init; } = TransferPace.Unlimited;

    /// <summary>How it goes away.</summary>
    public TransferEnding Ending { get; init; }

    /// <summary>With <see cref="TransferEnding.Abort"/>: how long after its start.</summary>
    public TimeSpan AbortAfter { get; init; }

    /// <summary>Whether a reset or another failure is to be expected, because one of the ends aborts.</summary>
    public bool MayFail { get; init; }
}
