using System.Globalization;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>One step of both systems, and what came before.</summary>
internal readonly record struct StepPair(
    Exchange Exchange, int Index, IReadOnlyList<StepSeen> KernelTrace, IReadOnlyList<StepSeen> OurTrace)
{
    public Step Step => Exchange.Steps[Index];
    public StepSeen Kernel => KernelTrace[Index];
    public StepSeen Ours => OurTrace[Index];

    public bool SameResults => Kernel.Results.SequenceEqual(Ours.Results);

    /// <summary>Whether the peer sends something, and this is so of it.</summary>
    public bool Peer(Func<Step, bool> what) => Step.Kind == StepKind.Segment && what(Step);

    /// <summary>
    /// Whether both tell the same of what they have received, and at least one of them sends octets or its FIN: the difference is in what
    /// is sent, and when.
    /// </summary>
    public bool DiffersInSending
    {
        get
        {
            (StepSeen kernel, StepSeen ours) = ReceivedSide.Of(Step, Kernel, Ours);
            Func<SentSegment, SentSegment> change = KnownDifferences.ChangeOf(this);
            return SameResults && kernel.Segments.Select(change).SequenceEqual(ours.Segments.Select(change))
                && Kernel.Segments.Concat(Ours.Segments).Any(each => each.End > each.Sequence);
        }
    }

    /// <summary>Whether nothing differs once both sides' segments are changed like this.</summary>
    public bool SameBut(Func<SentSegment, SentSegment> change) =>
        SameResults && Kernel.Segments.Select(change).SequenceEqual(Ours.Segments.Select(change));

    /// <summary>Whether a step up to this one was so.</summary>
    public bool Had(Func<Step, bool> what) => Exchange.Steps.Take(Index + 1).Any(step => step.Kind == StepKind.Segment && what(step));

    /// <summary>Whether an earlier step was so.</summary>
    public bool HadBefore(Func<Step, bool> what) => Exchange.Steps.Take(Index).Any(step => step.Kind == StepKind.Segment && what(step));

    /// <summary>Whether the system has answered a SYN before this step, and the connection was not accepted yet.</summary>
    public bool IsHalfOpen
    {
        get
        {
            bool halfOpen = false;
            foreach (StepSeen seen in OurTrace.Take(Index))
            {
                if (seen.Segments.Any(each => each.Has(TcpFlags.Syn | TcpFlags.Ack))) halfOpen = Exchange.Listens;
                if (seen.Results.Contains("accepted")) halfOpen = false;
            }
            return halfOpen;
        }
    }

    /// <summary>Whether the peer had sent such a segment before this step.</summary>
    public bool Built(Func<PeerSegment, bool> what) => OurTrace.Take(Index).Any(seen => seen.Built is { } built && what(built));

    /// <summary>Whether octets beyond a hole were seen in our SACK blocks, or may have been there without.</summary>
    public bool HadHole => HadBefore(step => step is { Offset: > 0, Count: > 0 })
        || OurTrace.Take(Index).Any(seen => seen.Segments.Any(each => each.Sack.Length > 0));

    /// <summary>Whether the application has closed the connection in an earlier step.</summary>
    public bool WasClosed => Did(StepKind.Close);

    /// <summary>Whether an earlier step was of one of these kinds.</summary>
    public bool Did(params ReadOnlySpan<StepKind> kinds)
    {
        foreach (Step step in Exchange.Steps.Take(Index)) if (kinds.Contains(step.Kind)) return true;
        return false;
    }

    /// <summary>Whether the kernel sends resets only, or nothing.</summary>
    public bool KernelResetsAtMost => Kernel.Segments.All(each => each.Has(TcpFlags.Rst));

    /// <summary>Up to where the kernel had sent before this step.</summary>
    public int KernelSeen => KernelTrace.Take(Index).SelectMany(seen => seen.Segments)
        .Select(each => each.Has(TcpFlags.Rst) ? 0 : each.End).DefaultIfEmpty().Max();

    /// <summary>Whether the peer's segment is no plain stretch of octets from elsewhere, which is always acknowledged.</summary>
    public bool MayBeLimited => Peer(step => step.IsSyn() || step.Ack is AckField.Beyond or AckField.Old)
        || (Ours.Built is { } built && built.Left == built.Right);

    /// <summary>
    /// Whether something before this step was challenged, or a SYN answered once more, beside the SYN that opened the connection.
    /// </summary>
    public bool WasChallenged => Exchange.Steps.Take(Index).Count(step => step.Kind == StepKind.Segment && step.IsChallenged()) > 1;

    /// <summary>Whether the application has let the system wait for its timer in an earlier step.</summary>
    public bool HasWaited => Did(StepKind.Wait);

    /// <summary>Whether the peer has acknowledged the system's FIN in an earlier step.</summary>
    public bool FinAcknowledged
    {
        get
        {
            int end = OurTrace.Take(Index).SelectMany(seen => seen.Segments).Where(each => each.Has(TcpFlags.Fin))
                .Select(each => each.End).DefaultIfEmpty(int.MaxValue).Max();
            return Built(each => each.Acknowledgment >= end);
        }
    }

    /// <summary>Whether the kernel sent exactly this and ours sent exactly that.</summary>
    public bool Sent(Func<SentSegment, bool>? kernel, Func<SentSegment, bool>? ours) =>
        (kernel is null ? Kernel.Segments.Count == 0 : Kernel.Segments.Count == 1 && kernel(Kernel.Segments[0]))
        && (ours is null ? Ours.Segments.Count == 0 : Ours.Segments.Count == 1 && ours(Ours.Segments[0]));

    /// <summary>The SACK blocks of a segment.</summary>
    public static IReadOnlyList<(int Left, int Right)> Blocks(SentSegment segment) =>
        [.. segment.Sack.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(each => each.Split('-')).Where(each => each.Length == 2)
            .Select(each => (int.Parse(each[0], CultureInfo.InvariantCulture), int.Parse(each[1], CultureInfo.InvariantCulture)))];

    /// <summary>
    /// The segment without those of its SACK blocks that its own acknowledgment covers, but for the first, which may report a duplicate.
    /// </summary>
    public static SentSegment WithoutCovered(SentSegment segment) => segment with
    {
        Sack = string.Join(' ', segment.Sack.Split(' ').Where((_, at) => at == 0 || Blocks(segment)[at].Right > segment.Acknowledgment)),
    };
}
