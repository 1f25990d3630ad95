using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>What this process does to itself, and where it stands with its terminal.</summary>
internal static unsafe class OwnProcess
{
    private const int Unblock = 1; // SIG_UNBLOCK
    private const int SignalStop = 19;
    private const nint DefaultAction = 0;

    /// <summary>Ends this process by a signal. Returns if the signal's default is not to end a process.</summary>
    public static void DieBy(int signal)
    {
        Processes.ResourceLimit none = default;
        _ = Processes.prlimit(0, Processes.ResourceCore, &none, null);
        Processes.signal(signal, DefaultAction);
        ulong* set = stackalloc ulong[Processes.SignalSetSize / sizeof(ulong)];
        new Span<byte>(set, Processes.SignalSetSize).Clear();
        set[0] = InheritedState.Bit(signal);
        Processes.pthread_sigmask(Unblock, set, null);
        _ = Processes.kill(Processes.getpid(), signal);
        // Delivered before kill returns, for this thread does not block it.
    }

    /// <summary>Ends this process without another word, as _exit(2) does: no handlers, no finalizers, nothing is written.</summary>
    public static void End(int code) => Processes._exit(code);

    /// <summary>
    /// Stops this process until SIGCONT, by the very signal that stopped the program, so that a shell reports the one it expects. Raised in
    /// this thread, it takes effect before the former handler is back.
    /// </summary>
    public static void StopBy(int signal)
    {
        byte* former = stackalloc byte[Processes.OpaqueSize];
        byte* defaults = stackalloc byte[Processes.OpaqueSize];
        new Span<byte>(defaults, Processes.OpaqueSize).Clear(); // SIG_DFL, no flags, empty mask
        if (signal == SignalStop || Processes.sigaction(signal, defaults, former) != 0)
        {
            _ = Processes.raise(SignalStop);
            return;
        }
        _ = Processes.raise(signal);
        _ = Processes.sigaction(signal, former, null);
    }

    /// <summary>Gives a signal its default action, when the caller has it ignored and we cannot do with that.</summary>
    public static void SetDefault(int signal) => Processes.signal(signal, DefaultAction);

    /// <summary>Whether our process group is the one that the terminal sends its signals to.</summary>
    public static bool IsForeground()
    {
        int terminal = Descriptors.Open("/dev/tty", Descriptors.ReadOnly);
        if (terminal < 0) return false;
        using Descriptor held = new(terminal);
        return Processes.tcgetpgrp(terminal) == Processes.getpgrp();
    }
}
