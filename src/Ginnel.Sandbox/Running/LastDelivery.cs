using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Ginnel.Sandbox;

/// <summary>
/// A program may end while what it wrote last is still on its way. Bare, the kernel would go on delivering that; here the network must stay
/// until the host's kernel has it. So it stays while something is under way, and not because a connection is merely open.
/// </summary>
internal sealed class LastDelivery(NetworkHost host, FlowRegistry flows, SandboxProcess process)
{
    /// <summary>An open connection that carries nothing for so long has nothing to deliver: its kernel would have sent it.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(300);

    /// <summary>A target that takes nothing for so long is given up.</summary>
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(5);

    /// <summary>The longest that a program's end may be delayed.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(1), SlowLook = TimeSpan.FromMilliseconds(15);

    /// <summary>Waits until all is delivered or given up, or until somebody sends a signal to end; then says what was lost.</summary>
    public async Task RunAsync()
    {
        if (process.IsLinkQuiet && IsDelivered()) return;
        using CancellationTokenSource hurry = new(Longest);
        List<PosixSignalRegistration> signals = [.. EndingSignals().Select(signal => PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            hurry.Cancel();
        }))];
        try
        {
            await WaitAsync(hurry.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Asked to end, or enough.
        }
        signals.ForEach(signal => signal.Dispose());
        int lost = flows.Live.Count(flow => Outward(flow) == FlowActivity.Carrying);
        if (lost > 0) Console.Error.WriteLine($"ginnel: COMMAND has ended; {lost} of its connections had data that could not be delivered, and were reset.");
    }

    private async Task WaitAsync(CancellationToken hurry)
    {
        while (!process.IsLinkQuiet) await Task.Delay(Look, hurry).ConfigureAwait(false);
        long carried = -1, since = Stopwatch.GetTimestamp();
        while (!IsDelivered())
        {
            if (Carried() is var now && now != carried) (carried, since) = (now, Stopwatch.GetTimestamp());
            TimeSpan still = Stopwatch.GetElapsedTime(since);
            if (still > (IsUnderWay() ? Stalled : Quiet)) return;
            await Task.Delay(still < SlowLook ? Look : SlowLook, hurry).ConfigureAwait(false);
        }
    }

    private bool IsDelivered() => !IsUnderWay() && flows.Live.All(flow => flow.Info.Protocol != FlowProtocol.Tcp || Outward(flow) == FlowActivity.Ended);

    /// <summary>Whether anything is known to be between the program and the host's kernel.</summary>
    private bool IsUnderWay() => host.DatagramsWaiting > 0 || flows.Live.Any(flow => Outward(flow) == FlowActivity.Carrying);

    private long Carried() => flows.Live.Sum(flow => IsInward(flow) ? flow.BytesDown : flow.BytesUp);

    private static FlowActivity Outward(Flow flow) => IsInward(flow) ? flow.DownActivity : flow.UpActivity;

    private static bool IsInward(Flow flow) => flow.Info.Origin == Publication.Origin;

    private static PosixSignal[] EndingSignals() => [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];
}
