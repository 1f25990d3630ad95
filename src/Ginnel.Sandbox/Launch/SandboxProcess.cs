using Ginnel.Linux;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;
using Ginnel.Sandbox.Launch;

namespace Ginnel.Sandbox;

/// <summary>
/// A program in namespaces of its own. It waits, launched and not yet executed, until <see cref="Release"/>. What it sends before the link is
/// attached to a stack waits in the device's queue. If this process dies before that, the program never runs; if it dies later, the device
/// goes with it and the program has no network, but lives on: it is the user's to end.
/// </summary>
public sealed class SandboxProcess : IAsyncDisposable
{
    /// <summary>What a program that was never released ended with.</summary>
    private const int NeverBorn = 125;

    private readonly LaunchOptions _options;
    private readonly TaskCompletionSource<SandboxProcess> _launched = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<ExitStatus> _exited = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private readonly ManualResetEventSlim _isDecided = new();
    // Signals that came for a program that is not born yet.
    private readonly List<int> _early = [];
    private LaunchContext? _context;
    private ControlSocket? _control;
    private DirectLaunch? _direct;
    private ChildProcess? _child;
    private DescriptorLink? _link;
    private bool _mayKeepDevice;

    private SandboxProcess(LaunchOptions options) => _options = options;

    /// <summary>The program's process id, as this process sees it; 0 for one that is not born yet, as it may be before <see cref="Release"/>.</summary>
    public int ProcessId => _child?.Pid ?? 0;

    /// <summary>How ids are mapped.</summary>
    public IdentityMapping Identity => _context!.Identity.Mapping;

    /// <summary>Completes when the program has ended.</summary>
    public Task<ExitStatus> Exited => _exited.Task;

    /// <summary>Called on the waiting thread when the program was stopped by a signal, or goes on (0).</summary>
    public event Action<int>? Stopped;

    /// <summary>The way out: attach it to a stack. Owned by this object.</summary>
    public DescriptorLink Link => _link!;

    /// <summary>Whether everything that left the sandbox so far has been delivered to the link's sink.</summary>
    public bool IsLinkQuiet => _link!.IsQuiet;

    /// <summary>Whether nothing has left the sandbox at all.</summary>
    public bool IsLinkUnused => _link!.IsUnused;

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
        SandboxProcess process = new(options);
        // A thread of its own: it launches, then sleeps in waitid until the program ends.
        new Thread(process.Run) { IsBackground = true, Name = "sandbox" }.Start();
        return process._launched.Task;
    }

    /// <summary>Lets the program start. Once. If it cannot be executed, <see cref="Exited"/> fails with a <see cref="LaunchException"/>.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (_direct is not null) Spawn(_direct);
            if (_control is null) return;
            if (_context!.Inherited.SoftOpenFiles is { } soft) _child!.LimitOpenFiles(soft);
            _control.Send("go\n"u8);
            _control.Dispose();
            _control = null;
        }
    }

    /// <summary>Sends a signal to the program; false when it is gone. One that comes before its birth waits for it.</summary>
    public bool Signal(int signal)
    {
        lock (_lock)
        {
            if (_child is not null) return _child.Signal(signal);
            _early.Add(signal);
            return _direct is not null;
        }
    }

    /// <summary>
    /// Leaves the removal of the device to the end of its namespace where that can be done, for this process ends next: a program that lives on
    /// has a network without carrier then, which is as good as none.
    /// </summary>
    public void LeaveDevice()
    {
        if (_mayKeepDevice && _link is TunLink device) device.Keep();
    }

    /// <summary>Takes the network away. A program that was never released ends; one that runs goes on without a network.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _control?.Dispose();
            _control = null;
            _direct?.Abandon();
            _direct = null;
            _isDecided.Set();
        }
        if (_link is not null) await _link.DisposeAsync();
    }

    private void Run()
    {
        try
        {
            _context = LaunchContext.Prepare(_options);
            Launch(_context);
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
            if (_child is null) _isDecided.Wait();
            if (_child is null) _exited.TrySetResult(new ExitStatus(NeverBorn, 0));
            else _exited.TrySetResult(AwaitEnd());
        }
        catch (LinuxException failure)
        {
            _exited.TrySetException(failure);
        }
    }

    private void Spawn(DirectLaunch direct)
    {
        _direct = null;
        try
        {
            _child = direct.Spawn();
            foreach (int signal in _early) _child.Signal(signal);
        }
        catch (LaunchException failure)
        {
            _exited.TrySetException(failure);
        }
        _isDecided.Set();
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

    private void Launch(LaunchContext context)
    {
        LaunchException? first = null;
        foreach (DeviceChoice way in Ways(context))
        {
            try
            {
                Launch(context, way);
                Way = way;
                return;
            }
            catch (LaunchException failure) when (MayHelpToTryAnother(failure.Failure))
            {
                first ??= failure;
            }
        }
        throw first!;
    }

    private void Launch(LaunchContext context, DeviceChoice way)
    {
        if (way is DeviceChoice.DirectTun or DeviceChoice.DirectPacket)
        {
            DirectLaunch direct = new(context, usesTun: way == DeviceChoice.DirectTun);
            direct.Prepare();
            (_direct, _link, _mayKeepDevice) = (direct, direct.Link, direct.MayKeepDevice);
            return;
        }
        LaunchAttempt attempt = new(context, way);
        attempt.Run();
        (_child, _control, _link) = (attempt.Child, attempt.Control, attempt.Link);
    }

    /// <summary>The quickest first. A way that is asked for by name is the only one.</summary>
    private static IEnumerable<DeviceChoice> Ways(LaunchContext context)
    {
        if (context.Options.Device != DeviceChoice.Automatic)
        {
            yield return context.Options.Device;
            yield break;
        }
        if (DirectLaunch.Obstacle(context.Identity.Mapping, context.Inherited) is null)
        {
            if (VerbLaunch.CanUseTun) yield return DeviceChoice.DirectTun;
            yield return DeviceChoice.DirectPacket;
        }
        if (ShellLaunch.Obstacle(context) is null) yield return DeviceChoice.ShellTun;
        if (context.Tools.Unshare is null) yield break;
        if (VerbLaunch.CanUseTun) yield return DeviceChoice.VerbTun;
        yield return DeviceChoice.VerbPacket;
    }

    private static bool MayHelpToTryAnother(LaunchFailure failure) =>
        failure is LaunchFailure.DeviceRefused or LaunchFailure.NetworkRefused or LaunchFailure.ToolMissing or LaunchFailure.Other;
}
