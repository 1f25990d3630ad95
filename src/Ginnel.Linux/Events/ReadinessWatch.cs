namespace Ginnel.Linux.Events;

/// <summary>A descriptor of which whoever is told only wants to know that a try is worth it.</summary>
internal sealed class ReadinessWatch(Readiness readiness) : Watch
{
    internal override void OnReady(uint events) => readiness.Signal();
}
