using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests.Simulation;

/// <summary>How long recovery takes, in virtual time.</summary>
public sealed class RecoveryTests
{
    const long Bytes = 8 << 20;

    /// <summary>
    /// Slow start overflows the queue and some retransmissions are lost too, which only the timer finds. What was SACKed has left the
    /// network: if it counted, the threshold after the timeout would be several times what the path carries, and all would begin anew.
    /// </summary>
    [Theory]
    [InlineData(CongestionControlKind.NewReno)]
    [InlineData(CongestionControlKind.Cubic)]
    public void A_timeout_in_recovery_sets_the_threshold_by_what_was_in_the_network(CongestionControlKind kind)
    {
        TcpOptions tcp = new() { CongestionControl = kind };
        SimulatedNetwork network = new(seed: 1);
        SimulatedHost sender = network.AddHost("sender", network.DefaultOptions(tcp)), receiver = network.AddHost("receiver", network.DefaultOptions(tcp));
        network.Connect(sender, receiver, new SimulatedLinkOptions
        {
            Delay = TimeSpan.FromMilliseconds(10), BitsPerSecond = 50_000_000, QueueBytes = 64 << 10,
        });
        TransferListener listener = new(network, new IpEndpoint(IpAddress.AnyV4, 80), _ => new TransferPlan { SendBytes = 0, ReceiveBytes = Bytes });
        receiver.Run(listener);
        Instant begin = network.Time.Now;
        sender.Run(TransferEnd.Connecting(network, new TransferPlan { SendBytes = Bytes, ReceiveBytes = 0 }, new IpEndpoint(receiver.Address(v4: true), 80)));
        network.RunToEnd(TimeSpan.FromMinutes(5));
        TimeSpan taken = listener.Accepted[0].ReceivedAllAt - begin;
        listener.Stop();
        network.Finish(TimeSpan.FromMinutes(5));
        // At the path's rate it takes 1.35 s; one timeout and the way back cost less than as much again.
        Assert.InRange(taken.TotalSeconds, 1.35, 2.7);
    }
}
