using System.Runtime.InteropServices;

namespace Ginnel.Linux;

/// <summary>A system call that failed, naming the call, the error and what it was applied to.</summary>
public sealed class LinuxException : IOException
{
    /// <summary>A failure of <paramref name="call"/> with error number <paramref name="errno"/>.</summary>
    /// <param name="call">The system call or the step, as a manual page names it.</param>
    /// <param name="errno">The error number.</param>
    /// <param name="subject">The path, device or option that the call was about, or null.</param>
    public LinuxException(string call, int errno, string? subject = null)
        : base($"{call}{(subject is null ? "" : $" {subject}")}: {Marshal.GetPInvokeErrorMessage(errno)} ({Linux.Errno.Name(errno)})")
    {
        Call = call;
        ErrorNumber = errno;
        Subject = subject;
    }

    /// <summary>The system call that failed.</summary>
    public string Call { get; }

    /// <summary>The error number (errno).</summary>
    public int ErrorNumber { get; }

    /// <summary>The error's symbolic name, such as <c>EPERM</c>.</summary>
    public string ErrorName => Linux.Errno.Name(ErrorNumber);

    /// <summary>The path, device or option that the call was about, if any.</summary>
    public string? Subject { get; }

    /// <summary>The failure that the last P/Invoke left behind. Read it at once: later code overwrites it.</summary>
    internal static LinuxException Last(string call, string? subject = null) => new(call, Marshal.GetLastPInvokeError(), subject);
}
