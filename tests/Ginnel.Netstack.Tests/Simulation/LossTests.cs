using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests.Simulation;

/// <summary>
/// What kinds of trouble cost one bulk transfer, in virtual time: cells of loss, reordering and lost acknowledgments, some seeds each.
/// </summary>
public sealed class LossTests
{
    const long Bytes = 4 << 20;
    const int Seeds = 5;
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);

    static readonly SimulatedLinkOptions Path = new()
    {
        Delay = TimeSpan.FromMilliseconds(10), BitsPerSecond = 50_000_000, QueueBytes = 8 << 20, // never full: what is lost is lost by chance
    };

    [Fact]
    public void A_clean_path_costs_nothing()
    {
        foreach (Outcome outcome in Run(Path, Path)) Assert.Equal((0L, 0L, 0L), (outcome.Retransmissions, outcome.Timeouts, outcome.Spurious));
    }

    /// <summary>RFC 8985 section 6.2: late by less than the reordering window is not lost, once reordering was seen.</summary>
    [Theory]
    [InlineData(0.01)]
    [InlineData(0.05)]
    [InlineData(0.2)]
    public void Late_packets_cost_neither_timeouts_nor_the_window(double part)
    {
        SimulatedLinkOptions late = Path with { Reordering = part, ReorderDelay = TimeSpan.FromMilliseconds(4) };
        foreach (Outcome outcome in Run(late, Path))
        {
            Assert.Equal(0, outcome.Timeouts);
            Assert.InRange(outcome.Retransmissions, 0, 60);
            Assert.InRange(outcome.MegabitsPerSecond, 35, 50);
        }
    }

    /// <summary>Acknowledgments are cumulative: losing a fifth of them costs next to nothing, for the tail is probed.</summary>
    [Fact]
    public void Lost_acknowledgments_cost_little()
    {
        foreach (Outcome outcome in Run(Path, Path with { Loss = 0.2 }))
        {
            Assert.InRange(outcome.Timeouts, 0, 1);
            Assert.InRange(outcome.Retransmissions, 0, 10);
            Assert.InRange(outcome.MegabitsPerSecond, 30, 50);
        }
    }

    /// <summary>Losses are mended by retransmissions, and lost ones of these too: the timer is the exception.</summary>
    [Theory]
    [InlineData(0.001, 0.02, 8)]
    [InlineData(0.01, 0.05, 3)]
    [InlineData(0.03, 0.2, 1.5)]
    public void Losses_are_found_without_the_timer(double loss, double timeouts, double megabits)
    {
        foreach (Outcome outcome in Run(Path with { Loss = loss }, Path with { Loss = loss }))
        {
            Assert.InRange(outcome.Timeouts, 0, 1 + (int)(outcome.Retransmissions * timeouts));
            Assert.InRange(outcome.MegabitsPerSecond, megabits, 50);
            // Hardly more is sent again than was lost.
            Assert.InRange(outcome.Retransmissions, 0, 10 + (int)(outcome.Segments * loss * 1.5));
        }
    }

    /// <summary>Bursts take whole tails, retransmissions included.</summary>
    [Fact]
    public void Bursts_are_mended()
    {
        foreach (Outcome outcome in Run(Path with { BurstLoss = 0.002, BurstLength = 6 }, Path))
            Assert.InRange(outcome.Timeouts, 0, 1 + outcome.Retransmissions / 20);
    }

    static IEnumerable<Outcome> Run(SimulatedLinkOptions forward, SimulatedLinkOptions backward)
    {
        PacketPool pool = new();
        for (ulong seed = 1; seed <= Seeds; seed++) yield return Transfer(seed, forward, backward, pool);
    }

    static Outcome Transfer(ulong seed, SimulatedLinkOptions forward, SimulatedLinkOptions backward, PacketPool pool)
    {
        SimulatedNetwork network = new(seed, pool);
        SimulatedHost sender = network.AddHost("sender", network.DefaultOptions(new TcpOptions()));
        SimulatedHost receiver = network.AddHost("receiver", network.DefaultOptions(new TcpOptions()));
        network.Connect(sender, receiver, forward, backward);
        TransferListener listener = new(network, new IpEndpoint(IpAddress.AnyV4, 80), _ => new TransferPlan { SendBytes = 0, ReceiveBytes = Bytes });
        receiver.Run(listener);
        Instant begin = network.Time.Now;
        sender.Run(TransferEnd.Connecting(network, new TransferPlan { SendBytes = Bytes, ReceiveBytes = 0 }, new IpEndpoint(receiver.Address(v4: true), 80)));
        network.RunToEnd(Limit);
        double seconds = (listener.Accepted[0].ReceivedAllAt - begin).TotalSeconds;
        listener.Stop();
        network.Finish(Limit);
        StackCounters counters = sender.Stack.Counters;
        return new Outcome(seed, Bytes * 8 / 1e6 / seconds, Bytes / 1448, counters.Retransmissions, counters.RetransmitTimeouts, counters.SpuriousRecoveries);
    }

    sealed record Outcome(ulong Seed, double MegabitsPerSecond, long Segments, long Retransmissions, long Timeouts, long Spurious);
}
