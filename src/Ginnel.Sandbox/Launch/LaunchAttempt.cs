using System.Globalization;
using Ginnel.Linux;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;
using Ginnel.Linux.Native;

namespace Ginnel.Sandbox.Launch;

/// <summary>One way of launching, from the spawn to the point where only the program's own start is left.</summary>
internal sealed class LaunchAttempt(LaunchContext context, DeviceChoice way)
{
    private const int HighNumber = 64; // above what shells and programs count on
    private const int KillSignal = 9, ChildSignal = 17;
    private int _reportedCode;
    private ProcessEvent? _end;
    private bool _hasNamespaces;

    /// <summary>The child; its control socket waits for one more answer.</summary>
    public ChildProcess Child { get; private set; } = null!;

    /// <summary>Our end of the control socket.</summary>
    public ControlSocket Control { get; private set; } = null!;

    /// <summary>The way out, owned by the caller.</summary>
    public DescriptorLink Link { get; private set; } = null!;

    /// <summary>Launches. On failure nothing is left behind.</summary>
    /// <exception cref="LaunchException">It failed.</exception>
    public void Run()
    {
        // Ignored, it would make the kernel reap the child behind our back; the child gets it back as the caller had it.
        if ((context.Inherited.IgnoredSignals & InheritedState.Bit(ChildSignal)) != 0) OwnProcess.SetDefault(ChildSignal);
        (ControlSocket ours, ControlSocket theirs) = ControlSocket.CreatePair();
        Control = ours;
        using (theirs)
        {
            try
            {
                Child = Spawn(theirs);
            }
            catch (LinuxException failure)
            {
                ours.Dispose();
                throw new LaunchException(LaunchFailure.ToolMissing, $"The launch could not begin: {failure.Message}", null, failure);
            }
        }
        try
        {
            Serve(new Handshake(ours));
        }
        catch (Exception failure)
        {
            Child.Signal(KillSignal);
            CleanUp();
            if (failure is LaunchException) throw;
            throw failure is TimeoutException
                ? new LaunchException(LaunchFailure.TimedOut,
                    $"The launch did not end within {context.Options.Timeout.TotalSeconds:0.#} s.",
                    "Is the machine overloaded, or a file system hanging?")
                : new LaunchException(LaunchFailure.DeviceRefused, $"The device could not be made: {failure.Message}", null, failure);
        }
    }

    private ChildProcess Spawn(ControlSocket theirs)
    {
        if (way == DeviceChoice.ShellTun) return ChildProcess.Spawn(ShellLaunch.Compose(context, theirs));
        // A duplicate only to find a number that is free here, and so not one of the caller's.
        int number = Descriptors.fcntl(theirs.Number, Descriptors.DuplicateCloseOnExec, HighNumber);
        if (number < 0) throw LinuxException.Last("fcntl", "F_DUPFD_CLOEXEC");
        using Descriptor reserved = new(number);
        return ChildProcess.Spawn(VerbLaunch.Compose(context, theirs, number));
    }

    private void Serve(Handshake handshake)
    {
        long deadline = Environment.TickCount64 + (long)context.Options.Timeout.TotalMilliseconds;
        while (handshake.Next(deadline) is { } request)
        {
            string[] words = request.Split(' ');
            switch (words[0])
            {
                case ShellScript.MapsRequest:
                    _hasNamespaces = true;
                    context.Identity.Apply(Child.Pid);
                    if (way == DeviceChoice.ShellTun) handshake.Answer();
                    else handshake.Answer(VerbLaunch.Sheet(context, way == DeviceChoice.VerbTun));
                    break;
                case ShellScript.DeviceRequest:
                    Link = TakeDevice(handshake, words);
                    handshake.Answer();
                    break;
                case ShellScript.LoopbackRequest:
                    if (handshake.TakePassed() is { } door) Link.Door = new LoopbackDoor(door);
                    handshake.Answer();
                    break;
                case ShellScript.FailedReport when words.Length > 1:
                    _reportedCode = int.Parse(words[1], CultureInfo.InvariantCulture);
                    break;
                case ShellScript.ReadyRequest: return;
                default: throw new LaunchException(LaunchFailure.Other, $"The launch does not understand itself: {request}");
            }
        }
        throw Explain(CleanUp(), handshake.Transcript);
    }

    private DescriptorLink TakeDevice(Handshake handshake, string[] words)
    {
        string name = context.Options.InterfaceName;
        int mtu = context.Options.Mtu;
        if (way == DeviceChoice.ShellTun)
            return TunLink.For(TunDevice.Create(Child.TakeDescriptor(ShellLaunch.DeviceDigit(context)), name), mtu);
        Descriptor passed = handshake.TakePassed() ?? throw new LaunchException(LaunchFailure.DeviceRefused,
            "The device's descriptor did not arrive.");
        if (way == DeviceChoice.VerbPacket) return PacketSocketLink.For(passed, mtu, PacketDevice.GatewayAddress);
        TunOffloads offloads = (TunOffloads)int.Parse(words[1], CultureInfo.InvariantCulture);
        return TunLink.For(TunDevice.Adopt(passed, name, offloads), mtu);
    }

    /// <summary>Waits for the child's end, once.</summary>
    private ProcessEvent CleanUp()
    {
        if (_end is { } known) return known;
        Control.Dispose();
        Link?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        while (true)
        {
            ProcessEvent happened = Child.Wait();
            if (!happened.IsEnd) continue;
            _end = happened;
            return happened;
        }
    }

    private LaunchException Explain(ProcessEvent ended, string transcript)
    {
        int code = _reportedCode != 0 ? _reportedCode : ended.Kind == ProcessEventKind.Exited ? ended.Value : 0;
        string end = ended.Kind == ProcessEventKind.Killed ? $"ended by signal {ended.Value}" : $"exit code {ended.Value}";
        string said = transcript.Length > 0 ? transcript : end;
        return LaunchTrouble.Explain(code, _hasNamespaces, said, context);
    }
}
