using System.Diagnostics;
using System.Globalization;
using System.Net;
using Ginnel.Linux.Events;
using Ginnel.Testing;
using Ginnel.Versus.Ends;
using Ginnel.Versus.Paths;

namespace Ginnel.Versus;

/// <summary>The loops that everything runs on: one for the paths, one for our stacks and what uses them.</summary>
internal sealed class Field : IDisposable
{
    internal const string Both = "kernel to kernel", Sending = "ours to kernel", Receiving = "kernel to ours";

    private const int Port = 5001;
    private readonly EventLoop _paths = new("paths", runsContinuations: false);
    private readonly EventLoop _stacks = new("stacks", runsContinuations: true);
    private readonly NetworkRuntime _runtime;

    internal Field() => _runtime = new NetworkRuntime(new NetworkRuntimeOptions { Completions = _stacks });

    public void Dispose()
    {
        _runtime.Dispose();
        _stacks.Dispose();
        _paths.Dispose();
    }

    /// <summary>A cell's rounds. The three of a round run at once, each on a path of its own with the same seed.</summary>
    internal async Task<List<Sample>> MeasureAsync(Cell cell, int rounds, TimeSpan time)
    {
        List<Sample> samples = [];
        for (int round = 1; round <= rounds;)
        {
            List<Task<Sample>> running = [];
            for (int i = 0; i < cell.AtOnce && round <= rounds; i++, round++)
            {
                int seed = round;
                running.Add(Task.Run(() => OneAsync(cell, Both, ownSender: false, ownReceiver: false, seed, time)));
                running.Add(Task.Run(() => OneAsync(cell, Sending, ownSender: true, ownReceiver: false, seed, time)));
                running.Add(Task.Run(() => OneAsync(cell, Receiving, ownSender: false, ownReceiver: true, seed, time)));
            }
            samples.AddRange(await Task.WhenAll(running).ConfigureAwait(false));
        }
        return samples;
    }

    /// <summary>Several flows through one bottleneck, each a sample; measured after a time in which they find their shares.</summary>
    internal async Task<List<Sample>> ShareAsync(string what, SimulatedLinkOptions path, bool[] owns, int round, TimeSpan before, TimeSpan time)
    {
        await using Lane lane = new(path, (ulong)round, _paths, _runtime);
        IReceivingFlow[] receivers = [.. owns.Select((_, i) => lane.KernelRight.Receive(Port + i))];
        ISendingFlow[] senders = [.. owns.Select((own, i) => lane.Sender(own).Send(new IPEndPoint(lane.KernelRight.Address, Port + i)))];
        await Task.WhenAll(senders.Select(sender => sender.Connected)).ConfigureAwait(false);
        await Task.Delay(before).ConfigureAwait(false);
        long[] earlier = [.. receivers.Select(receiver => receiver.Received)];
        long began = Stopwatch.GetTimestamp();
        await Task.Delay(time).ConfigureAwait(false);
        double seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        List<Sample> samples = [.. receivers.Select((receiver, i) => new Sample(what, owns[i] ? $"ours {i}" : $"kernel {i}", round, (receiver.Received - earlier[i]) * 8 / seconds))];
        foreach (IAsyncDisposable flow in (IEnumerable<IAsyncDisposable>)[.. senders, .. receivers]) await flow.DisposeAsync().ConfigureAwait(false);
        return samples;
    }

    /// <summary>Prints the sender's variables as time goes on.</summary>
    internal async Task TraceAsync(Cell cell, bool own, int seed, TimeSpan time, TimeSpan step)
    {
        await using Lane lane = new(cell.Path, (ulong)seed, _paths, _runtime);
        await using IReceivingFlow receiver = lane.KernelRight.Receive(Port);
        await using ISendingFlow sender = lane.Sender(own).Send(new IPEndPoint(lane.KernelRight.Address, Port));
        await sender.Connected.ConfigureAwait(false);
        for (long began = Stopwatch.GetTimestamp(), last = 0; Stopwatch.GetElapsedTime(began) < time;)
        {
            await Task.Delay(step).ConfigureAwait(false);
            (FlowState state, long received) = (sender.State, receiver.Received);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{Stopwatch.GetElapsedTime(began).TotalSeconds,7:0.000} {(received - last) * 8 / step.TotalSeconds / 1e6,6:0.0} Mbit/s {state.Phase,-8} cwnd {state.Window,4} ssthresh {Math.Min(state.Threshold, 99_999),5} flight {state.Flight,4} rtt {state.RoundTripMilliseconds,6:0.0} rto {state.TimeoutMilliseconds,5:0} retransmitted {state.Retransmissions,4} {state.More}; path lost {lane.There.Lost} overflowed {lane.There.Overflowed} late {lane.There.Reordered}"));
            last = received;
        }
    }

    // From the sender's handshake on, for a lost SYN is not what is measured.
    private async Task<Sample> OneAsync(Cell cell, string who, bool ownSender, bool ownReceiver, int seed, TimeSpan time)
    {
        await using Lane lane = new(cell.Path, (ulong)seed, _paths, _runtime);
        IVersusHost target = lane.Receiver(ownReceiver);
        await using IReceivingFlow receiver = target.Receive(Port);
        await using ISendingFlow sender = lane.Sender(ownSender).Send(new IPEndPoint(target.Address, Port));
        await sender.Connected.ConfigureAwait(false);
        long began = Stopwatch.GetTimestamp();
        await Task.Delay(time).ConfigureAwait(false);
        return new Sample(cell.ToString(), who, seed, receiver.Received * 8 / Stopwatch.GetElapsedTime(began).TotalSeconds);
    }
}
