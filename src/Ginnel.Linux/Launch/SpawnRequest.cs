namespace Ginnel.Linux.Launch;

/// <summary>What to start, and with what. Strings are bytes, because arguments and environments need not be UTF-8.</summary>
internal sealed class SpawnRequest
{
    /// <summary>The program's path; no search is done.</summary>
    public required byte[] Path { get; init; }

    /// <summary>argv, its first element included.</summary>
    public required IReadOnlyList<byte[]> Arguments { get; init; }

    /// <summary>The whole environment.</summary>
    public required IReadOnlyList<byte[]> Environment { get; init; }

    /// <summary>Duplicated in this order in the child (dup2, so not close-on-exec there): our number, the child's number.</summary>
    public IReadOnlyList<(int From, int To)> Duplicates { get; init; } = [];

    /// <summary>Signals that the child starts with blocked: bit n-1 for signal n, as /proc/PID/status prints them.</summary>
    public ulong BlockedSignals { get; init; }

    /// <summary>Signals set to their default action in the child; others keep being ignored or default. Bits as above.</summary>
    public ulong DefaultSignals { get; init; }

    /// <summary>Signals that the child starts with ignored, whatever handlers we have for them by now. Bits as above.</summary>
    public ulong IgnoredSignals { get; init; }

    /// <summary>The child's soft limit of open descriptors; null for ours.</summary>
    public ulong? SoftOpenFiles { get; init; }
}
