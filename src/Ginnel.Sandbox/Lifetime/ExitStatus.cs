using Ginnel.Linux.Launch;

namespace Ginnel.Sandbox;

/// <summary>How the program ended.</summary>
/// <param name="Code">Its exit code; 0 when a signal ended it.</param>
/// <param name="Signal">The signal that ended it; 0 when it ended by itself.</param>
public readonly record struct ExitStatus(int Code, int Signal)
{
    /// <summary>What a shell would report: the exit code, or 128 and the signal's number.</summary>
    public int ShellCode => Signal == 0 ? Code : 128 + Signal;

    /// <summary>
    /// Ends this process as the program ended: by the same signal, so that a caller who looks closer than at the exit code sees what it
    /// would have seen, without a core dump of ours. Returns when there was no signal, or it did not end us, with the code to exit with.
    /// </summary>
    public int Imitate()
    {
        if (Signal != 0) OwnProcess.DieBy(Signal);
        return ShellCode;
    }
}
