using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>
/// What two systems that send differently can still be compared by: what their applications get, what their segments say of what they have
/// received, and whether they reset. When exactly they acknowledge is no part of it: whoever sends octets acknowledges by them.
/// </summary>
internal static class ReceivedSide
{
    /// <summary>Both traces, from a step on without what they send of their own.</summary>
    public static (IReadOnlyList<StepSeen> Kernel, IReadOnlyList<StepSeen> Ours) From(
        int first, Exchange exchange, IReadOnlyList<StepSeen> kernel, IReadOnlyList<StepSeen> ours)
    {
        List<StepSeen> left = [.. kernel.Take(first)], right = [.. ours.Take(first)];
        for (int i = first; i < exchange.Steps.Count; i++)
        {
            (StepSeen one, StepSeen other) = Of(exchange.Steps[i], kernel[i], ours[i]);
            left.Add(one);
            right.Add(other);
        }
        return (left, right);
    }

    public static (StepSeen Kernel, StepSeen Ours) Of(Step step, StepSeen kernel, StepSeen ours)
    {
        // What a timer brings says nothing new of what was received.
        bool both = step.Kind != StepKind.Wait && kernel.Segments.Count > 0 && ours.Segments.Count > 0;
        return (kernel with { Segments = Reduce(kernel.Segments, both) }, ours with { Segments = Reduce(ours.Segments, both) });
    }

    /// <summary>
    /// Whether the rest depends on what the system has sent so far: whether its own FIN is out and acknowledged, whether an old
    /// acknowledgment is too old.
    /// </summary>
    public static bool EndsAt(Step step) =>
        step.Kind is StepKind.Shutdown or StepKind.Close or StepKind.Abort || (step.Kind == StepKind.Segment && step.Ack == AckField.Old);

    private static IReadOnlyList<SentSegment> Reduce(IReadOnlyList<SentSegment> segments, bool both)
    {
        if (segments.FirstOrDefault(each => each.Has(TcpFlags.Rst)) is { } reset)
            return [reset with { Flags = TcpFlags.Rst, Sequence = 0, Acknowledgment = null, HasStamp = false, Echo = 0, Sack = "" }];
        bool right = segments.All(each => each.IsPayloadRight);
        if (!both && right) return [];
        // The first that acknowledges most reports what came twice (RFC 2883 section 4); what the kernel sends again may leave before that.
        SentSegment latest = segments.MaxBy(each => each.Acknowledgment)!;
        return [latest with { Flags = TcpFlags.Ack, Sequence = 0, Length = 0, IsPayloadRight = right }];
    }
}
