using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests.Simulation;

/// <summary>What explicit congestion notification (RFC 3168) is for: a narrow path whose queue marks instead of dropping.</summary>
public sealed class MarkingTests
{
    const long Bytes = 8 << 20;
    static readonly TimeSpan Limit = TimeSpan.FromMinutes(10);

    // The queue marks from 20 ms of waiting on; without marks it drops there.
    static readonly SimulatedLinkOptions Narrow = new()
    {
        Delay = TimeSpan.FromMilliseconds(10), BitsPerSecond = 20_000_000, QueueBytes = 8 << 20, MarkAboveBytes = 50_000,
    };

    public static TheoryData<CongestionControlKind, LinkOffloads> Ways => new()
    {
        { CongestionControlKind.Cubic, LinkOffloads.None }, { CongestionControlKind.NewReno, LinkOffloads.None },
        { CongestionControlKind.Cubic, LinkOffloads.All }, { CongestionControlKind.NewReno, LinkOffloads.All },
    };

    /// <summary>Marks alone keep the queue short: nothing is lost, nothing sent twice, and the path stays full.</summary>
    [Theory]
    [MemberData(nameof(Ways))]
    public void Marks_replace_losses(CongestionControlKind control, LinkOffloads offloads)
    {
        for (ulong seed = 1; seed <= 3; seed++)
        {
            Outcome outcome = Transfer(seed, EcnMode.Active, control, Narrow with { Offloads = offloads, SplitOnWire = offloads != LinkOffloads.None });
            Assert.Equal((0L, 0L), (outcome.Retransmissions, outcome.Timeouts));
            Assert.Equal(0, outcome.Lost);
            Assert.InRange(outcome.Echoes, 2, 200);
            Assert.InRange(outcome.Marks, outcome.Echoes, int.MaxValue);
            Assert.InRange(outcome.MegabitsPerSecond, 17, 20);
        }
    }

    /// <summary>The same path drops what belongs to a connection without ECN.</summary>
    [Fact]
    public void Without_agreement_the_same_queue_drops()
    {
        Outcome outcome = Transfer(1, EcnMode.Passive, CongestionControlKind.Cubic, Narrow);
        Assert.Equal((0L, 0L), (outcome.Echoes, outcome.Marks));
        Assert.InRange(outcome.Lost, 1, int.MaxValue);
        Assert.InRange(outcome.Retransmissions, outcome.Lost, int.MaxValue);
    }

    /// <summary>Who marks everything brings the sender down to one segment each timeout (RFC 3168 section 6.1.2), and no further.</summary>
    [Fact]
    public void A_path_that_marks_everything_is_slow_and_still_works()
    {
        const int Few = 150_000;
        SimulatedLinkOptions path = Narrow with { MarkAboveBytes = 0 };
        SimulatedNetwork network = new(1, new PacketPool());
        TcpOptions tcp = new() { Ecn = EcnMode.Active };
        SimulatedHost sender = network.AddHost("sender", network.DefaultOptions(tcp)), receiver = network.AddHost("receiver", network.DefaultOptions(tcp));
        SimulatedLink link = network.Connect(sender, receiver, path);
        TransferListener listener = new(network, new IpEndpoint(IpAddress.AnyV4, 80), _ => new TransferPlan { SendBytes = 0, ReceiveBytes = Few });
        receiver.Run(listener);
        Instant begin = network.Time.Now;
        sender.Run(TransferEnd.Connecting(network, new TransferPlan { SendBytes = Few, ReceiveBytes = 0 }, new IpEndpoint(receiver.Address(v4: true), 80)));
        // SYNs may not be marked and would be lost.
        network.RunFor(TimeSpan.FromMilliseconds(25));
        link.Change(path with { Marking = 1 }, path);
        network.RunUntil(() => listener.Accepted is [{ Received: Few }], Limit);
        // The initial window, what its reductions let through, then one segment for each timeout of 200 ms.
        double seconds = (network.Time.Now - begin).TotalSeconds;
        Assert.InRange(seconds, 5, 30);
        Assert.Equal((0L, 0L), (sender.Stack.Counters.Retransmissions, link.Forward.Lost));
        link.Change(path);
        listener.Stop();
        network.Finish(Limit);
    }

    static Outcome Transfer(ulong seed, EcnMode ecn, CongestionControlKind control, SimulatedLinkOptions path)
    {
        SimulatedNetwork network = new(seed, new PacketPool());
        TcpOptions tcp = new() { Ecn = ecn, CongestionControl = control };
        SimulatedHost sender = network.AddHost("sender", network.DefaultOptions(tcp)), receiver = network.AddHost("receiver", network.DefaultOptions(new TcpOptions()));
        SimulatedLink link = network.Connect(sender, receiver, path, path with { MarkAboveBytes = 0 });
        TransferListener listener = new(network, new IpEndpoint(IpAddress.AnyV4, 80), _ => new TransferPlan { SendBytes = 0, ReceiveBytes = Bytes });
        receiver.Run(listener);
        Instant begin = network.Time.Now;
        sender.Run(TransferEnd.Connecting(network, new TransferPlan { SendBytes = Bytes, ReceiveBytes = 0 }, new IpEndpoint(receiver.Address(v4: true), 80)));
        network.RunToEnd(Limit);
        double seconds = (listener.Accepted[0].ReceivedAllAt - begin).TotalSeconds;
        listener.Stop();
        network.Finish(Limit);
        StackCounters sent = sender.Stack.Counters;
        Assert.Equal(link.Forward.Marked, receiver.Stack.Counters.CongestionMarks);
        return new Outcome(Bytes * 8 / 1e6 / seconds, sent.Retransmissions, sent.RetransmitTimeouts, sent.CongestionEchoes, link.Forward.Marked, link.Forward.Lost);
    }

    sealed record Outcome(double MegabitsPerSecond, long Retransmissions, long Timeouts, long Echoes, long Marks, long Lost);
}
