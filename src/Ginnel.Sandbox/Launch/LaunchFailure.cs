namespace Ginnel.Sandbox;

/// <summary>Why a sandbox could not be started.</summary>
public enum LaunchFailure
{
    /// <summary>The program was not found (exit code 127).</summary>
    CommandNotFound,
    /// <summary>The program was found and cannot be executed (exit code 126).</summary>
    CommandNotExecutable,
    /// <summary>A tool of the system that is needed is not installed.</summary>
    ToolMissing,
    /// <summary>The kernel or a security module refuses new namespaces.</summary>
    NamespacesRefused,
    /// <summary>User or group ids could not be mapped.</summary>
    IdentityRefused,
    /// <summary>No device leads out of the namespace.</summary>
    DeviceRefused,
    /// <summary>Addresses or routes could not be set.</summary>
    NetworkRefused,
    /// <summary>
    /// /etc/resolv.conf could not be covered, or a resolver's socket not hidden: names would be resolved past the sandbox.
    /// </summary>
    ResolverNotCovered,
    /// <summary>The launch did not end in time.</summary>
    TimedOut,
    /// <summary>The options contradict each other or this machine.</summary>
    BadOptions,
    /// <summary>Something else; the message tells.</summary>
    Other,
}

/// <summary>A sandbox could not be started: what failed, why, and what would help.</summary>
public sealed class LaunchException : Exception
{
    /// <summary>A failure with its remedy.</summary>
    public LaunchException(LaunchFailure failure, string message, string? remedy = null, Exception? cause = null) : base(message, cause)
    {
        Failure = failure;
        Remedy = remedy;
    }

    /// <summary>What kind of failure.</summary>
    public LaunchFailure Failure { get; }

    /// <summary>What the user can do about it, or null.</summary>
    public string? Remedy { get; }

    /// <summary>The exit code that tells: 127 and 126 for the program, 125 for everything that is ours.</summary>
    public int ExitCode => Failure switch
    {
        LaunchFailure.CommandNotFound => 127,
        LaunchFailure.CommandNotExecutable => 126,
        _ => 125,
    };
}
