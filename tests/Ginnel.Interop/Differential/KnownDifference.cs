using System.Globalization;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>A difference that is meant.</summary>
/// <param name="Name">Its name in the list.</param>
/// <param name="Reason">Why, with the standard's section.</param>
/// <param name="EndsComparison">Whether what comes behind it follows from it, so that nothing more can be compared.</param>
/// <param name="Matches">Whether a step's traces differ in this way and in no other.</param>
internal sealed record KnownDifference(string Name, string Reason, bool EndsComparison, Func<StepPair, bool> Matches)
{
    /// <summary>A difference in some fields of segments only: it may come together with others of its kind.</summary>
    /// <param name="name">Its name in the list.</param>
    /// <param name="reason">Why, with the standard's section.</param>
    /// <param name="applies">Whether it can be there in a step.</param>
    /// <param name="change">Takes the fields away that it is about.</param>
    public KnownDifference(string name, string reason, Func<StepPair, bool> applies, Func<SentSegment, SentSegment> change)
        : this(name, reason, EndsComparison: false, pair => applies(pair) && pair.SameBut(change)) => (Applies, Change) = (applies, change);

    public Func<StepPair, bool>? Applies { get; }

    public Func<SentSegment, SentSegment>? Change { get; }
}

/// <summary>One step of both systems, and what came before.</summary>
internal readonly record struct StepPair(Exchange Exchange, int Index, IReadOnlyList<StepSeen> KernelTrace, IReadOnlyList<StepSeen> OurTrace)
{
    public Step Step => Exchange.Steps[Index];
    public StepSeen Kernel => KernelTrace[Index];
    public StepSeen Ours => OurTrace[Index];

    public bool SameResults => Kernel.Results.SequenceEqual(Ours.Results);

    /// <summary>Whether the peer sends something, and this is so of it.</summary>
    public bool Peer(Func<Step, bool> what) => Step.Kind == StepKind.Segment && what(Step);

    /// <summary>Whether nothing differs once both sides' segments are changed like this.</summary>
    public bool SameBut(Func<SentSegment, SentSegment> change) => SameResults && Kernel.Segments.Select(change).SequenceEqual(Ours.Segments.Select(change));

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
    public bool HadHole => HadBefore(step => step is { Offset: > 0, Count: > 0 }) || OurTrace.Take(Index).Any(seen => seen.Segments.Any(each => each.Sack.Length > 0));

    /// <summary>Whether the application has closed the connection in an earlier step.</summary>
    public bool WasClosed => Exchange.Steps.Take(Index).Any(step => step.Kind == StepKind.Close);

    /// <summary>Up to where the kernel had sent before this step.</summary>
    public int KernelSeen => KernelTrace.Take(Index).SelectMany(seen => seen.Segments).Select(each => each.Has(TcpFlags.Rst) ? 0 : each.End).DefaultIfEmpty().Max();

    /// <summary>Whether the kernel sent exactly this and ours sent exactly that.</summary>
    public bool Sent(Func<SentSegment, bool>? kernel, Func<SentSegment, bool>? ours) =>
        (kernel is null ? Kernel.Segments.Count == 0 : Kernel.Segments.Count == 1 && kernel(Kernel.Segments[0]))
        && (ours is null ? Ours.Segments.Count == 0 : Ours.Segments.Count == 1 && ours(Ours.Segments[0]));

    /// <summary>The SACK blocks of a segment.</summary>
    public static IReadOnlyList<(int Left, int Right)> Blocks(SentSegment segment) =>
        [.. segment.Sack.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(each => each.Split('-')).Where(each => each.Length == 2)
            .Select(each => (int.Parse(each[0], CultureInfo.InvariantCulture), int.Parse(each[1], CultureInfo.InvariantCulture)))];
}

/// <summary>What steps have in common.</summary>
internal static class StepKinds
{
    public static bool IsSyn(this Step step) => step.Flags.HasFlag(TcpFlags.Syn);

    public static bool IsFin(this Step step) => step.Flags.HasFlag(TcpFlags.Fin);

    /// <summary>Whether it is answered with a challenge, or with an acknowledgment because it lies outside of the window (RFC 5961).</summary>
    public static bool IsChallenged(this Step step) =>
        step.IsSyn() || (step.Flags.HasFlag(TcpFlags.Rst) && step.Offset != 0) || step.Ack is AckField.Beyond or AckField.Old || step.Offset != 0 || step.StampShift < 0;
}
