using Ginnel.Linux;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;
using Ginnel.Linux.Native;

namespace Ginnel.Sandbox.Launch;

/// <summary>
/// The direct way, which root has: a thread of ours leaves for fresh namespaces, makes everything there with system calls, waits, and spawns the
/// program, which is born in them. No shell, no tool, no second process of ours. A process with several threads cannot make a user namespace,
/// so this is not for ordinary users.
/// </summary>
/// <remarks>
/// What a thread starts is born in its namespaces. This one therefore starts nothing but the program: no task, no timer, no continuation, for
/// each of them may start a thread of the pool.
/// </remarks>
internal sealed class DirectLaunch(LaunchContext context, bool usesTun)
{
    private const int ChildSignal = 17;

    /// <summary>Fewer descriptors than these may not do for us in the moment in which the program's limit is ours.</summary>
    private const ulong NeededDescriptors = 256;

    private readonly ManualResetEventSlim _isPrepared = new(), _isDecided = new(), _isSpawned = new();
    private LaunchException? _failure;
    private bool _isWanted;
    private int _error;
    private ChildProcess? _child;

    /// <summary>The way out, owned by the caller.</summary>
    public DescriptorLink Link { get; private set; } = null!;

    /// <summary>Whether a device that is left behind does no harm to who still uses it.</summary>
    public bool MayKeepDevice { get; private set; }

    /// <summary>Why this way cannot be taken here, or null. Nothing is started to find out.</summary>
    public static string? Obstacle(IdentityMapping identity, InheritedState inherited)
    {
        if (identity != IdentityMapping.NoUserNamespace) return "a user namespace is needed, which only a process of one thread can make";
        if ((inherited.IgnoredSignals & InheritedState.Bit(ChildSignal)) != 0) return "the caller ignores SIGCHLD, with which no child can be awaited";
        return inherited.SoftOpenFiles < NeededDescriptors ? "the caller's limit of open descriptors is too low for us to have it for a moment" : null;
    }

    /// <summary>Makes the namespaces and what is in them. On failure nothing is left behind.</summary>
    /// <exception cref="LaunchException">It failed.</exception>
    public void Prepare()
    {
        new Thread(Run) { IsBackground = true, Name = "namespaces" }.Start();
        _isPrepared.Wait();
        if (_failure is not null) throw _failure;
    }

    /// <summary>Starts the program. Once, after <see cref="Prepare"/>; instead of <see cref="Abandon"/>.</summary>
    /// <exception cref="LaunchException">It cannot be executed.</exception>
    public ChildProcess Spawn()
    {
        _isWanted = true;
        _isDecided.Set();
        _isSpawned.Wait();
        return _child ?? throw Executable.Explain(context.Options.Command[0], _error);
    }

    /// <summary>Gives the namespaces up.</summary>
    public void Abandon() => _isDecided.Set();

    private void Run()
    {
        _failure = TryPrepare();
        _isPrepared.Set();
        if (_failure is not null) return;
        _isDecided.Wait();
        if (!_isWanted) return;
        try
        {
            _error = ProgramSearch.Try(context.Options.Command, context.Inherited.Environment, TrySpawn);
        }
        finally
        {
            _isSpawned.Set();
        }
    }

    private LaunchException? TryPrepare()
    {
        if (Namespaces.unshare(Namespaces.NewNetwork | Namespaces.NewMounts) != 0)
            return LaunchTrouble.Explain(0, hasNamespaces: false, LinuxException.Last("unshare").Message, context);
        int step = ShellScript.NoCover;
        try
        {
            // As unshare(1) does: what is mounted here is not to appear in the host's tree.
            Namespaces.Mount("none", "/", null, Namespaces.MountRecursive | Namespaces.MountPrivate, null);
            LaunchSheet sheet = VerbLaunch.Sheet(context, usesTun);
            step = ShellScript.NoDevice;
            Descriptor device = NamespaceSetup.MakeDevice(sheet, out TunOffloads offloads);
            Link = usesTun
                ? TunLink.For(TunDevice.Adopt(device, sheet.InterfaceName, offloads), sheet.Mtu)
                : PacketSocketLink.For(device, sheet.Mtu, PacketDevice.GatewayAddress);
            step = ShellScript.NoNetwork;
            NamespaceSetup.Configure(sheet);
            if (sheet.OpensLoopback && sheet.V6 is not null) OpenDoor();
            step = ShellScript.NoCover;
            NamespaceSetup.Cover(sheet);
            NamespaceSetup.Tune(sheet);
            MayKeepDevice = usesTun && NamespaceSetup.TieRoutesToCarrier(sheet);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            _ = Link?.DisposeAsync().AsTask(); // Not running, it closes at once.
            return LaunchTrouble.Explain(step, hasNamespaces: true, failure.Message, context);
        }
    }

    /// <summary>Without it ::1 alone is not reached.</summary>
    private void OpenDoor()
    {
        try
        {
            if (LoopbackDoor.Open() is { } door) Link.Door = new LoopbackDoor(door);
        }
        catch (IOException)
        {
        }
    }

    private int TrySpawn(byte[] path, IReadOnlyList<byte[]> words) => ChildProcess.TrySpawn(
        new SpawnRequest
        {
            Path = path,
            Arguments = words,
            Environment = context.Inherited.Environment,
            BlockedSignals = context.Inherited.BlockedSignals,
            DefaultSignals = ~context.Inherited.IgnoredSignals,
            IgnoredSignals = context.Inherited.IgnoredSignals,
            SoftOpenFiles = context.Inherited.SoftOpenFiles,
        },
        out _child);
}
