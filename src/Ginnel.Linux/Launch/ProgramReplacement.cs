using System.Runtime.InteropServices;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>Becomes another program, as execvp does, with the dispositions and masks that a caller had before .NET came.</summary>
internal static unsafe class ProgramReplacement
{
    private const int SetMask = 2; // SIG_SETMASK
    private const int SignalKill = 9, SignalStop = 19;
    private static readonly byte[] DefaultPath = "/bin:/usr/bin"u8.ToArray();

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
    public static int Execute(IReadOnlyList<byte[]> command, IReadOnlyList<byte[]> environment)
    {
        byte** arguments = CString.AllocateVector(command);
        byte** variables = CString.AllocateVector(environment);
        byte[] name = command[0];
        if (name.AsSpan().Contains((byte)'/')) return Try(name, command, arguments, variables);
        int denied = 0;
        foreach (byte[] path in Candidates(name, environment))
        {
            int error = Try(path, command, arguments, variables);
            if (error is Errno.Access) denied = error;
            else if (error is not (Errno.NoEntry or Errno.NotDirectory)) return error;
        }
        return denied != 0 ? denied : Errno.NoEntry;
    }

    private static int Try(byte[] path, IReadOnlyList<byte[]> command, byte** arguments, byte** variables)
    {
        int error = ExecuteFile(path, arguments, variables);
        if (error != Errno.NoExec) return error;
        // A script without "#!" is the shell's (execvp(3)).
        byte[] shell = "/bin/sh"u8.ToArray();
        return ExecuteFile(shell, CString.AllocateVector([shell, path, .. command.Skip(1)]), variables);
    }

    private static int ExecuteFile(byte[] path, byte** arguments, byte** variables)
    {
        byte[] terminated = [.. path, 0];
        fixed (byte* first = terminated)
        {
            _ = Processes.execve(first, arguments, variables);
            return Marshal.GetLastPInvokeError();
        }
    }

    private static IEnumerable<byte[]> Candidates(byte[] name, IReadOnlyList<byte[]> environment)
    {
        byte[] search = DefaultPath;
        foreach (byte[] entry in environment)
        {
            if (!entry.AsSpan().StartsWith("PATH="u8)) continue;
            search = entry[5..];
            break;
        }
        int start = 0;
        while (start <= search.Length)
        {
            int end = Array.IndexOf(search, (byte)':', start);
            if (end < 0) end = search.Length;
            // An empty element is the current folder.
            yield return end == start ? [(byte)'.', (byte)'/', .. name] : [.. search[start..end], (byte)'/', .. name];
            start = end + 1;
        }
    }
}
