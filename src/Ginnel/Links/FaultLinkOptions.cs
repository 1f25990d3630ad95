namespace Ginnel;

/// <summary>What a <see cref="FaultLink"/> does to each direction.</summary>
public sealed class FaultLinkOptions
{
    /// <summary>Decides every throw of the dice: the same seed and the same packets give the same faults.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Share of packets that are lost, 0–1.</summary>
    public double Loss { get; init; }

    /// <summary>
    /// Share of packets that meet congestion, 0–1: they are marked where their sender allows it (RFC 3168), and otherwise lost.
    /// </summary>
    public double Marking { get; init; }

    /// <summary>Share of packets that arrive twice, 0–1.</summary>
    public double Duplication { get; init; }

    /// <summary>Share of packets in which one bit is flipped, 0–1. Packets whose checksum was left to be done later are spared.</summary>
    public double Corruption { get; init; }

    /// <summary>Share of packets that are held back by <see cref="ReorderDelay"/>, 0–1, so that later ones overtake them.</summary>
    public double Reordering { get; init; }

    /// <summary>How long a reordered packet is held back.</summary>
    public TimeSpan ReorderDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Time that every packet takes.</summary>
    public TimeSpan Delay { get; init; }

    /// <summary>Up to so much more, evenly spread; order is kept.</summary>
    public TimeSpan Jitter { get; init; }

    /// <summary>Bytes per second; 0 for no limit.</summary>
    public long BytesPerSecond { get; init; }

    /// <summary>Packets on their way in one direction; more are lost, as in a router's queue.</summary>
    public int MaxQueued { get; init; } = 1_000;

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}
