namespace Ginnel.Interop.Differential;

/// <summary>What can still be compared behind a difference that is explained.</summary>
internal enum Rest
{
    Everything,
    /// <summary>What the systems have received: they send differently from now on.</summary>
    Received,
    Nothing,
}

/// <summary>A difference that is meant.</summary>
/// <param name="Name">Its name in the list.</param>
/// <param name="Reason">Why, with the standard's section.</param>
/// <param name="Rest">What of the steps behind it is compared.</param>
/// <param name="Matches">Whether a step's traces differ in this way and in no other.</param>
internal sealed record KnownDifference(string Name, string Reason, Rest Rest, Func<StepPair, bool> Matches)
{
    /// <summary>A difference in some fields of segments only: it may come together with others of its kind.</summary>
    /// <param name="name">Its name in the list.</param>
    /// <param name="reason">Why, with the standard's section.</param>
    /// <param name="applies">Whether it can be there in a step.</param>
    /// <param name="change">Takes the fields away that it is about.</param>
    public KnownDifference(string name, string reason, Func<StepPair, bool> applies, Func<SentSegment, SentSegment> change)
        : this(name, reason, Rest.Everything, pair => applies(pair) && pair.SameBut(change)) => (Applies, Change) = (applies, change);

    public Func<StepPair, bool>? Applies { get; }

    public Func<SentSegment, SentSegment>? Change { get; }
}
