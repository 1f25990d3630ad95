using System.Runtime.InteropServices;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>Becomes another program, as execvp does, with the dispositions and masks that a caller had before .NET came.</summary>
internal static unsafe class ProgramReplacement
{
    private const int SetMask = 2; // SIG_SETMASK
    private const int SignalKill = 9, SignalStop = 19;

    /// <summary>Sets signals as they are to be in the program. The runtime's own handlers need no care: execve resets them.</summary>
    public static void RestoreSignals(ulong ignored, ulong blocked)
    {
        for (int signal = 1; signal <= 64; signal++)
        {
            if (signal is SignalKill or SignalStop or 32 or 33) continue;
            // Only what must stay ignored, and SIGPIPE, which the runtime ignores: other handlers are still needed until execve.
            if ((ignored & InheritedState.Bit(signal)) != 0) Processes.signal(signal, 1);
            else if (signal == 13) Processes.signal(signal, 0);
        }
        ulong* set = stackalloc ulong[Processes.SignalSetSize / sizeof(ulong)];
        new Span<byte>(set, Processes.SignalSetSize).Clear();
        set[0] = blocked;
        Processes.pthread_sigmask(SetMask, set, null);
    }

    /// <summary>Executes; returns only with the error number of what went wrong.</summary>
    public static int Execute(IReadOnlyList<byte[]> command, IReadOnlyList<byte[]> environment) =>
        ProgramSearch.Try(command, environment, (path, words) =>
        {
            byte** arguments = CString.AllocateVector(words);
            byte** variables = CString.AllocateVector(environment);
            byte[] terminated = [.. path, 0];
            fixed (byte* first = terminated) _ = Processes.execve(first, arguments, variables);
            int error = Marshal.GetLastPInvokeError();
            CString.FreeVector(variables);
            CString.FreeVector(arguments);
            return error;
        });
}
