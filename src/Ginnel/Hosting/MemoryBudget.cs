namespace Ginnel;

/// <summary>
/// Divides the process's buffer memory among hosts: each may hold its own limit as long as the sum of what all may hold stays in the
/// budget; beyond that every host is limited to an equal share.
/// </summary>
internal sealed class MemoryBudget(long total)
{
    private readonly Lock _lock = new();
    private int _hosts;

    /// <summary>Hosts that share the budget.</summary>
    internal int Hosts => Volatile.Read(ref _hosts);

    /// <summary>What a host with this limit of its own may hold now. Never below 1 MiB, or nothing would work at all.</summary>
    internal long ShareOf(long ownLimit) => Math.Max(1 << 20, Math.Min(ownLimit, total / 8 + total / Math.Max(1, Hosts)));

    internal void Join()
    {
        lock (_lock) _hosts++;
    }

    internal void Leave()
    {
        lock (_lock) _hosts--;
    }
}
