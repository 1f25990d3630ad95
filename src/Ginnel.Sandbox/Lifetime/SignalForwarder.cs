using System.Runtime.InteropServices;
using Ginnel.Linux.Launch;

namespace Ginnel.Sandbox;

/// <summary>
/// Lets a sandboxed program see the signals that its caller sends to this process, and this process stop when the program does. Both are in
/// the caller's process group, as if the program ran bare, so what a terminal sends reaches the program by itself and must not come twice.
/// </summary>
public sealed class SignalForwarder : IDisposable
{
    private const int Hangup = 1, Interrupt = 2, Quit = 3, User1 = 10, User2 = 12, Alarm = 14, Terminate = 15, Continue = 18, Stop = 19,
        TerminalStop = 20, TerminalInput = 21, TerminalOutput = 22, VirtualAlarm = 26, InputOutput = 29, Power = 30;

    private static readonly TimeSpan LongestDelivery = TimeSpan.FromMilliseconds(50);

    /// <summary>Sent by whoever knows our process id; a terminal sends none of these but SIGHUP, which does no harm twice.</summary>
    private static readonly int[] Always = [Hangup, User1, User2, Alarm, Terminate, VirtualAlarm, InputOutput, Power];

    private readonly SandboxProcess _process;
    private readonly List<PosixSignalRegistration> _registrations = [];
    private readonly ManualResetEventSlim _ownStop = new();
    private volatile bool _isStopped;

    /// <summary>Forwards until disposed. Register after the launch: the program inherits dispositions at its start.</summary>
    public SignalForwarder(SandboxProcess process)
    {
        _process = process;
        foreach (int signal in Always) Register(signal, () => process.Signal(signal));
        foreach (int signal in (int[])[Interrupt, Quit])
        {
            // In the foreground it came from the keyboard: the program has had it already.
            Register(signal, () =>
            {
                if (!OwnProcess.IsForeground()) process.Signal(signal);
            });
        }
        // Whether Ctrl-Z stops anything is the program's decision; we follow it in WhenStopped.
        Register(TerminalStop, _ownStop.Set);
        Register(Continue, () =>
        {
            if (_isStopped) process.Signal(Continue);
        });
        process.Stopped += WhenStopped;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.Stopped -= WhenStopped;
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
        _registrations.Clear();
        _ownStop.Dispose();
    }

    private void Register(int signal, Action forward) => _registrations.Add(PosixSignalRegistration.Create((PosixSignal)signal, context =>
    {
        context.Cancel = true;
        forward();
    }));

    /// <summary>
    /// A shell sees a job as stopped when the process that it started stops: this one. Not so without a terminal, where whoever stops the
    /// program means to continue it, and would find its network asleep.
    /// </summary>
    private void WhenStopped(int signal)
    {
        _isStopped = signal != 0;
        if (!(signal is TerminalStop or TerminalInput or TerminalOutput || (signal == Stop && OwnProcess.IsForeground()))) return;
        // Ctrl-Z was sent to us as well. It must have been taken before the signal gets its default back, or it would stop us a second
        // time.
        if (signal == TerminalStop) _ownStop.Wait(LongestDelivery);
        OwnProcess.StopBy(signal);
        _ownStop.Reset();
    }
}
