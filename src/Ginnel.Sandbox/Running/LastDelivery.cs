using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Ginnel.Sandbox;

/// <summary>
/// A program may end while what it wrote last is still on its way. Bare, the kernel would go on delivering that; here the network must stay
/// until the host's kernel has it. So it stays while something is under way, and not because somebody else's connection is open.
/// </summary>
internal sealed class LastDelivery(NetworkHost host, FlowRegistry flows, SandboxProcess process, CompletionScheduler completions)
{
    /// <summary>
    /// What an ended program has left in its kernel comes without a pause. A connection that had nothing to carry for so long in all belongs
    /// to a program that lives on, which the end of COMMAND's network does not wait for.
    /// </summary>
    private static readonly TimeSpan Pauses = TimeSpan.FromMilliseconds(300);

    /// <summary>A target that takes nothing for so long is given up.</summary>
    private static readonly TimeSpan Stalled = TimeSpan.FromSeconds(5);

    /// <summary>After so long the user is told why the program does not seem to end.</summary>
    private static readonly TimeSpan Noticeable = TimeSpan.FromSeconds(2);

    /// <summary>The longest that a program's end may be delayed.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(1), SlowLook = TimeSpan.FromMilliseconds(15);
    private readonly Dictionary<Flow, Watch> _watches = [];

    /// <summary>Waits until all is delivered or given up, or until somebody sends a signal to end; then says what was lost.</summary>
    public async Task RunAsync()
    {
        if (await IsQuietAsync().ConfigureAwait(false) && IsDelivered(TimeSpan.Zero)) return;
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
        int lost = flows.Live.Count(flow => flow.Info.Protocol == FlowProtocol.Tcp && Outward(flow) == FlowActivity.Carrying);
        if (lost > 0) Console.Error.WriteLine($"ginnel: COMMAND has ended; {lost} of its connections had data that could not be delivered, and were reset");
    }

    private async Task WaitAsync(CancellationToken hurry)
    {
        while (!await IsQuietAsync().ConfigureAwait(false)) await Task.Delay(Look, hurry).ConfigureAwait(false);
        long began = Stopwatch.GetTimestamp(), last = began;
        bool isTold = false;
        while (true)
        {
            long now = Stopwatch.GetTimestamp();
            if (IsDelivered(Stopwatch.GetElapsedTime(last, now))) return;
            last = now;
            TimeSpan waited = Stopwatch.GetElapsedTime(began, now);
            if (waited > Noticeable && !isTold)
            {
                isTold = true;
                Console.Error.WriteLine("ginnel: COMMAND has ended; what it wrote last is still being delivered (Ctrl-C gives it up)");
            }
            await Task.Delay(waited < SlowLook ? Look : SlowLook, hurry).ConfigureAwait(false);
        }
    }

    /// <summary>Whether all that the program sent has been given to the stack, and what follows from it has begun.</summary>
    private async ValueTask<bool> IsQuietAsync()
    {
        if (!process.IsLinkQuiet) return false;
        // A connection whose end the stack has already taken may still be on its way to the relay that counts it.
        await LoopTurns.PassAsync(completions).ConfigureAwait(false);
        return process.IsLinkQuiet;
    }

    /// <summary>Whether nothing is between the program and the host's kernel any more.</summary>
    /// <param name="elapsed">Since the last look.</param>
    private bool IsDelivered(TimeSpan elapsed)
    {
        bool isDelivered = host.DatagramsWaiting == 0;
        foreach (Flow flow in flows.Live) isDelivered &= IsDelivered(flow, elapsed);
        return isDelivered;
    }

    private bool IsDelivered(Flow flow, TimeSpan elapsed)
    {
        FlowActivity activity = Outward(flow);
        if (activity == FlowActivity.Ended || (activity == FlowActivity.Waiting && flow.Info.Protocol != FlowProtocol.Tcp)) return true;
        if (!_watches.TryGetValue(flow, out Watch? watch)) _watches.Add(flow, watch = new Watch());
        if (activity == FlowActivity.Waiting) watch.Paused += elapsed;
        long carried = IsInward(flow) ? flow.BytesDown : flow.BytesUp;
        watch.Still = activity == FlowActivity.Carrying && carried == watch.Carried ? watch.Still + elapsed : TimeSpan.Zero;
        watch.Carried = carried;
        return watch.Paused >= Pauses || watch.Still >= Stalled;
    }

    private static FlowActivity Outward(Flow flow) => IsInward(flow) ? flow.DownActivity : flow.UpActivity;

    private static bool IsInward(Flow flow) => flow.Info.Origin == Publication.Origin;

    private static PosixSignal[] EndingSignals() => [PosixSignal.SIGINT, PosixSignal.SIGTERM, PosixSignal.SIGHUP, PosixSignal.SIGQUIT];

    /// <summary>What was seen of a flow since the program ended.</summary>
    private sealed class Watch
    {
        public long Carried { get; set; }

        /// <summary>How long it has had nothing to carry, in all.</summary>
        public TimeSpan Paused { get; set; }

        /// <summary>How long it has moved nothing of what it has in hand.</summary>
        public TimeSpan Still { get; set; }
    }
}
