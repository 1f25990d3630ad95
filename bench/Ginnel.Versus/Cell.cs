using System.Globalization;
using Ginnel.Testing;

namespace Ginnel.Versus;

/// <summary>A path to be measured.</summary>
/// <param name="LossPercent">Packets that are lost, each by itself, in both directions.</param>
/// <param name="RoundTripMilliseconds">Without any queue.</param>
/// <param name="LatePercent">Packets that are held back by up to a quarter of the round trip while others pass.</param>
internal sealed record Cell(double LossPercent, int RoundTripMilliseconds, double LatePercent)
{
    internal const int BitsPerSecond = 50_000_000;
    internal const int QueueBytes = 128 << 10;
    internal static readonly double[] Losses = [0.1, 1, 3];
    internal static readonly double[] Lates = [1, 5];
    internal static readonly int[] RoundTrips = [5, 20, 100];

    /// <summary>All that the table has.</summary>
    internal static IEnumerable<Cell> All =>
        from cell in Losses.Select(loss => (loss, 0.0)).Concat(Lates.Select(late => (0.0, late)))
        from roundTrip in RoundTrips
        select new Cell(cell.Item1, roundTrip, cell.Item2);

    /// <summary>The path of the goodput tables: 50 Mbit/s behind a queue of 128 KiB.</summary>
    internal SimulatedLinkOptions Path => new()
    {
        Delay = TimeSpan.FromMilliseconds(RoundTripMilliseconds / 2.0), BitsPerSecond = BitsPerSecond, QueueBytes = QueueBytes, Loss = LossPercent / 100,
        Reordering = LatePercent / 100, ReorderDelay = TimeSpan.FromMilliseconds(RoundTripMilliseconds / 4.0),
    };

    /// <summary>
    /// Rounds that run at once. The fewer packets a cell can have, the more their number scatters, and the less the machine has to do for them: where
    /// a window that shrinks with each loss leaves a few megabits (MSS / (RTT · √p)), several rounds fit beside each other.
    /// </summary>
    internal int AtOnce
    {
        get
        {
            const double SegmentBits = 1448 * 8;
            if (LossPercent == 0) return 1;
            double expected = 1.2 * SegmentBits / (RoundTripMilliseconds / 1000.0 * Math.Sqrt(LossPercent / 100));
            return (int)Math.Clamp(BitsPerSecond / expected, 1, 5);
        }
    }

    /// <summary>How the cell is named on the command line and in the file of samples.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{LossPercent},{RoundTripMilliseconds},{LatePercent}");

    internal static Cell Parse(string text)
    {
        string[] parts = text.Split(',');
        return new Cell(Number(parts[0]), (int)Number(parts[1]), parts.Length > 2 ? Number(parts[2]) : 0);
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
