using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>The list of what differs from the kernel on purpose.</summary>
internal static partial class KnownDifferences
{
    public static readonly IReadOnlyList<KnownDifference> All = [.. Opening(), .. Acknowledging(), .. Ending(), .. Breaking(), .. Sending()];

    public static KnownDifference? Find(Exchange exchange, int step, IReadOnlyList<StepSeen> kernel, IReadOnlyList<StepSeen> ours)
    {
        StepPair pair = new(exchange, step, kernel, ours);
        foreach (KnownDifference known in All) if (known.Matches(pair)) return known;
        // Several at once, each in its own fields.
        return pair.SameBut(ChangeOf(pair)) ? All.First(known => known.Applies is { } applies && applies(pair)) : null;
    }

    /// <summary>Takes all fields away in which segments may differ in this step.</summary>
    public static Func<SentSegment, SentSegment> ChangeOf(StepPair pair)
    {
        KnownDifference[] together = [.. All.Where(known => known.Applies is { } applies && applies(pair))];
        return each => together.Aggregate(each, (segment, known) => known.Change!(segment));
    }

    private static bool IsSackWithoutFin(StepPair pair)
    {
        for (int i = 0; i < pair.Kernel.Segments.Count; i++)
        {
            IReadOnlyList<(int Left, int Right)> ours = StepPair.Blocks(pair.Ours.Segments[i]);
            foreach ((int left, int right) in StepPair.Blocks(pair.Kernel.Segments[i]))
            {
                if (!ours.Contains((left, right)) && !ours.Contains((left, right - 1)) && right - left != 1) return false;
            }
        }
        return true;
    }

    /// <summary>Whether one has sent what the other has, and then perhaps more.</summary>
    private static bool IsPrefix(StepPair pair)
    {
        if (!pair.DiffersInSending) return false;
        Func<SentSegment, SentSegment> change = ChangeOf(pair);
        SentSegment[] kernel = [.. pair.Kernel.Segments.Where(each => !each.IsBareAck).Select(change)];
        SentSegment[] ours = [.. pair.Ours.Segments.Where(each => !each.IsBareAck).Select(change)];
        int common = Math.Min(kernel.Length, ours.Length);
        return kernel.Take(common).SequenceEqual(ours.Take(common))
            && kernel.Concat(ours).All(each => each.Length > 0 || each.Has(TcpFlags.Fin));
    }

    /// <summary>Whether both sent, if anything, octets that follow what was sent before.</summary>
    private static bool IsNewData(StepPair pair) => pair.DiffersInSending
        && pair.Kernel.Segments.Concat(pair.Ours.Segments).All(each => each.IsBareAck || each.Sequence >= pair.KernelSeen);

    private static bool IsSameBehindDuplicate(SentSegment kernel, SentSegment ours)
    {
        IReadOnlyList<(int Left, int Right)> theirs = StepPair.Blocks(kernel), blocks = StepPair.Blocks(ours);
        if (theirs.SequenceEqual(blocks)) return true;
        return blocks.Count > 1 && theirs.SequenceEqual(blocks.Skip(1))
            && blocks[0].Left >= blocks[1].Left && blocks[0].Right <= blocks[1].Right;
    }
}
