namespace Ginnel.Sandbox;

/// <summary>How the program ended.</summary>
/// <param name="Code">Its exit code; 0 when a signal ended it.</param>
/// <param name="Signal">The signal that ended it; 0 when it ended by itself.</param>
public readonly record struct ExitStatus(int Code, int Signal)
{
    /// <summary>What a shell would report: the exit code, or 128 and the signal's number.</summary>
    public int ShellCode => Signal == 0 ? Code : 128 + Signal;
}
