namespace Ginnel;

/// <summary>Sees flows come and go: a log line, a summary, an audit trail. Called on whichever thread relays, hence quick; must not throw.</summary>
public interface IFlowObserver
{
    /// <summary>A flow was let through, or a port opened.</summary>
    void Started(Flow flow);

    /// <summary>A flow ended; <see cref="Flow.End"/> says how. Also called, without <see cref="Started"/>, for a flow whose dial failed.</summary>
    void Ended(Flow flow);
}
