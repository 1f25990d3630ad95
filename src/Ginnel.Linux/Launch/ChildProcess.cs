using System.Runtime.InteropServices;
using Ginnel.Linux.Native;

namespace Ginnel.Linux.Launch;

/// <summary>
/// A child started with posix_spawn and awaited with waitid. <see cref="System.Diagnostics.Process"/> is not used: it changes signal
/// dispositions and descriptors, decodes arguments, and reaps on a thread of its own.
/// </summary>
internal sealed unsafe class ChildProcess
{
    private const int NoReap = 0x01000000; // WNOWAIT
    private readonly Lock _lock = new();
    private bool _reaped;

    private ChildProcess(int pid) => Pid = pid;

    /// <summary>The process id; meaningful until <see cref="Wait"/> has returned an end.</summary>
    public int Pid { get; }

    /// <summary>Starts a child.</summary>
    /// <exception cref="LinuxException">posix_spawn failed: the path cannot be executed, or no process is to be had.</exception>
    public static ChildProcess Spawn(SpawnRequest request)
    {
        int error = TrySpawn(request, out ChildProcess? child);
        return child ?? throw new LinuxException("posix_spawn", error, System.Text.Encoding.UTF8.GetString(request.Path));
    }

    /// <summary>Starts a child from this thread, whose namespaces it gets; 0, or the error number with which its start failed.</summary>
    public static int TrySpawn(SpawnRequest request, out ChildProcess? child)
    {
        child = null;
        byte** arguments = CString.AllocateVector(request.Arguments);
        byte** environment = CString.AllocateVector(request.Environment);
        byte* actions = stackalloc byte[Processes.OpaqueSize];
        byte* attributes = stackalloc byte[Processes.OpaqueSize];
        Processes.posix_spawn_file_actions_init(actions);
        Processes.posix_spawnattr_init(attributes);
        try
        {
            foreach ((int from, int to) in request.Duplicates) Processes.posix_spawn_file_actions_adddup2(actions, from, to);
            SetSignals(attributes, request);
            byte[] terminated = [.. request.Path, 0];
            using InheritedSettings settings = new(request.IgnoredSignals, request.SoftOpenFiles);
            int pid, error;
            fixed (byte* path = terminated) error = Processes.posix_spawn(&pid, path, actions, attributes, arguments, environment);
            if (error == 0) child = new ChildProcess(pid);
            return error;
        }
        finally
        {
            Processes.posix_spawnattr_destroy(attributes);
            Processes.posix_spawn_file_actions_destroy(actions);
            CString.FreeVector(environment);
            CString.FreeVector(arguments);
        }
    }

    /// <summary>Starts a program that is only a step of ours, waits for it, and returns how it ended.</summary>
    /// <exception cref="LinuxException">It could not be started.</exception>
    public static ProcessEvent Run(string path, params string[] arguments)
    {
        List<byte[]> vector = [System.Text.Encoding.UTF8.GetBytes(path)];
        foreach (string argument in arguments) vector.Add(System.Text.Encoding.UTF8.GetBytes(argument));
        ChildProcess child = Spawn(new SpawnRequest { Path = vector[0], Arguments = vector, Environment = [] });
        while (true)
        {
            ProcessEvent happened = child.Wait();
            if (happened.IsEnd) return happened;
        }
    }

    /// <summary>Waits for the next change of state. Call from one thread; not after an end was returned.</summary>
    /// <exception cref="LinuxException">waitid failed: somebody else reaped the child.</exception>
    public ProcessEvent Wait()
    {
        // siginfo_t of the generic 64-bit ABI: si_code at 8, si_status at 24.
        int* information = stackalloc int[32];
        // First without reaping, so that Signal can never reach a process that got the number anew.
        WaitOnce(information, NoReap);
        lock (_lock)
        {
            WaitOnce(information, 0);
            ProcessEvent happened = Read(information);
            _reaped |= happened.IsEnd;
            return happened;
        }
    }

    /// <summary>Sends a signal; false when the child is gone.</summary>
    public bool Signal(int signal)
    {
        lock (_lock)
        {
            return !_reaped && Processes.kill(Pid, signal) == 0;
        }
    }

    /// <summary>Sets the soft limit of open descriptors in the child, which has inherited the one that the runtime raised.</summary>
    public void LimitOpenFiles(ulong soft)
    {
        Processes.ResourceLimit limit;
        if (Processes.prlimit(Pid, Processes.ResourceNoFile, null, &limit) != 0) return;
        limit.Soft = Math.Min(soft, limit.Hard);
        _ = Processes.prlimit(Pid, Processes.ResourceNoFile, &limit, null);
    }

    /// <summary>Takes a duplicate of one of the child's descriptors.</summary>
    /// <exception cref="LinuxException">The kernel is older than 5.6 (ENOSYS), or a security module refuses it (EPERM).</exception>
    public Descriptor TakeDescriptor(int number)
    {
        int pidfd = Processes.PidfdOpen(Pid);
        if (pidfd < 0) throw LinuxException.Last("pidfd_open");
        using Descriptor process = new(pidfd);
        int taken = Processes.PidfdGetFd(pidfd, number);
        return taken >= 0 ? new Descriptor(taken) : throw LinuxException.Last("pidfd_getfd", $"descriptor {number}");
    }

    private void WaitOnce(int* information, int more)
    {
        int options = Processes.WaitExited | Processes.WaitStopped | Processes.WaitContinued | more;
        while (Processes.waitid(Processes.WaitByPid, (uint)Pid, information, options) != 0)
        {
            int error = Marshal.GetLastPInvokeError();
            if (error != Errno.Interrupted) throw new LinuxException("waitid", error, $"process {Pid}");
        }
    }

    private static ProcessEvent Read(int* information) => information[2] switch
    {
        Processes.CodeExited => new ProcessEvent(ProcessEventKind.Exited, information[6]),
        Processes.CodeKilled or Processes.CodeDumped => new ProcessEvent(ProcessEventKind.Killed, information[6]),
        Processes.CodeContinued => new ProcessEvent(ProcessEventKind.Continued, information[6]),
        _ => new ProcessEvent(ProcessEventKind.Stopped, information[6]),
    };

    private static void SetSignals(byte* attributes, SpawnRequest request)
    {
        ulong* set = stackalloc ulong[Processes.SignalSetSize / sizeof(ulong)];
        new Span<byte>(set, Processes.SignalSetSize).Clear();
        set[0] = request.BlockedSignals;
        Processes.posix_spawnattr_setsigmask(attributes, set);
        set[0] = request.DefaultSignals;
        Processes.posix_spawnattr_setsigdefault(attributes, set);
        Processes.posix_spawnattr_setflags(attributes, Processes.SpawnSetSignalMask | Processes.SpawnSetSignalDefault);
    }
}
