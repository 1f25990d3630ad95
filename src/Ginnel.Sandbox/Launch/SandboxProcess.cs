using Ginnel.Linux;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;
using Ginnel.Sandbox.Launch;

namespace Ginnel.Sandbox;

/// <summary>
/// A program in namespaces of its own. It waits, launched and not yet executed, until <see cref="Release"/>: attach the link to a stack
/// first, so that its first packet finds someone. If this process dies before that, the program never runs; if it dies later, the device
/// goes with it and the program has no network, but lives on: it is the user's to end.
/// </summary>
public sealed class SandboxProcess : IAsyncDisposable
{
    private readonly LaunchContext _context;
    private readonly TaskCompletionSource<SandboxProcess> _launched = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ExitStatus> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private ControlSocket? _control;
    private ChildProcess? _child;
    private DescriptorLink? _link;

    private SandboxProcess(LaunchContext context) => _context = context;

    /// <summary>The program's process id, as this process sees it.</summary>
    public int ProcessId => _child!.Pid;

    /// <summary>How ids are mapped.</summary>
    public IdentityMapping Identity => _context.Identity.Mapping;

    /// <summary>Completes when the program has ended.</summary>
    public Task<ExitStatus> Exited => _exited.Task;

    /// <summary>Called on the waiting thread when the program was stopped by a signal, or goes on (0).</summary>
    public event Action<int>? Stopped;

    /// <summary>The way out: attach it to a stack. Owned by this object.</summary>
    public DescriptorLink Link => _link!;

    /// <summary>Whether everything that left the sandbox so far has been delivered to the link's sink.</summary>
    public bool IsLinkQuiet => _link!.IsQuiet;

    /// <summary>Whether the link carries to the program's <c>::1</c>.</summary>
    public bool ReachesLoopbackV6 => _link!.Door is not null;

    /// <summary>How it was launched.</summary>
    public DeviceChoice Way { get; private set; }

    /// <summary>The link-layer address that the stack is to use, or null on a link without such addresses.</summary>
    public Wire.MacAddress? GatewayAddress => (_link as PacketSocketLink)?.Address;

    /// <summary>Launches and waits until everything is in place but the program.</summary>
    /// <exception cref="LaunchException">It cannot be done; the message tells why, <see cref="LaunchException.Remedy"/> what would
    /// help.</exception>
    public static Task<SandboxProcess> StartAsync(LaunchOptions options)
    {
        SandboxProcess process = new(LaunchContext.Prepare(options));
        // A thread of its own: it launches, then sleeps in waitid until the program ends.
        new Thread(process.Run) { IsBackground = true, Name = "sandbox" }.Start();
        return process._launched.Task;
    }

    /// <summary>Lets the program start. Once.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (_control is null) return;
            if (_context.Inherited.SoftOpenFiles is { } soft) _child!.LimitOpenFiles(soft);
            _control.Send("go\n"u8);
            _control.Dispose();
            _control = null;
        }
    }

    /// <summary>Sends a signal to the program; false when it is gone.</summary>
    public bool Signal(int signal) => _child!.Signal(signal);

    /// <summary>Takes the network away. A program that was never released ends; one that runs goes on without a network.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _control?.Dispose();
            _control = null;
        }
        if (_link is not null) await _link.DisposeAsync();
    }

    private void Run()
    {
        try
        {
            Launch();
        }
        catch (Exception failure)
        {
            _launched.TrySetException(failure is LaunchException
                ? failure
                : new LaunchException(LaunchFailure.Other, failure.Message, null, failure));
            return;
        }
        _launched.TrySetResult(this);
        try
        {
            _exited.TrySetResult(AwaitEnd());
        }
        catch (LinuxException failure)
        {
            _exited.TrySetException(failure);
        }
    }

    private ExitStatus AwaitEnd()
    {
        while (true)
        {
            ProcessEvent happened = _child!.Wait();
            switch (happened.Kind)
            {
                case ProcessEventKind.Exited: return new ExitStatus(happened.Value, 0);
                case ProcessEventKind.Killed: return new ExitStatus(0, happened.Value);
                case ProcessEventKind.Stopped: Stopped?.Invoke(happened.Value); break;
                case ProcessEventKind.Continued: Stopped?.Invoke(0); break;
            }
        }
    }

    private void Launch()
    {
        LaunchException? first = null;
        foreach (DeviceChoice way in Ways())
        {
            LaunchAttempt attempt = new(_context, way);
            try
            {
                attempt.Run();
            }
            catch (LaunchException failure) when (MayHelpToTryAnother(failure.Failure))
            {
                first ??= failure;
                continue;
            }
            (_child, _control, _link) = (attempt.Child, attempt.Control, attempt.Link);
            Way = way;
            return;
        }
        throw first!;
    }

    /// <summary>The quickest first. A way that is asked for by name is the only one.</summary>
    private IEnumerable<DeviceChoice> Ways()
    {
        if (_context.Options.Device != DeviceChoice.Automatic)
        {
            yield return _context.Options.Device;
            yield break;
        }
        if (ShellLaunch.Obstacle(_context) is null) yield return DeviceChoice.ShellTun;
        if (VerbLaunch.CanUseTun) yield return DeviceChoice.VerbTun;
        yield return DeviceChoice.VerbPacket;
    }

    private static bool MayHelpToTryAnother(LaunchFailure failure) =>
        failure is LaunchFailure.DeviceRefused or LaunchFailure.NetworkRefused or LaunchFailure.ToolMissing or LaunchFailure.Other;
}
