namespace Ginnel.Linux.Launch;

/// <summary>What happened to a child.</summary>
internal enum ProcessEventKind
{
    /// <summary>It ended by itself; the value is its exit code.</summary>
    Exited,
    /// <summary>A signal ended it; the value is the signal's number.</summary>
    Killed,
    /// <summary>A signal stopped it; the value is the signal's number.</summary>
    Stopped,
    /// <summary>It goes on after a stop.</summary>
    Continued,
}

/// <summary>One change of a child's state.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Value">Exit code or signal number.</param>
internal readonly record struct ProcessEvent(ProcessEventKind Kind, int Value)
{
    /// <summary>Whether the child is gone and reaped.</summary>
    public bool IsEnd => Kind is ProcessEventKind.Exited or ProcessEventKind.Killed;
}
