using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests.Simulation;

/// <summary>Both buffers grow to what a long fat path holds, without anybody telling them: 100 Mbit/s and 100 ms are 1.25 MB in flight.</summary>
public sealed class BandwidthDelayTests
{
    static readonly SimulatedLinkOptions Path = new()
    {
        Delay = TimeSpan.FromMilliseconds(50), BitsPerSecond = 100_000_000, QueueBytes = 1 << 20,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_path_of_100_Mbit_and_100_ms_is_filled(bool timestamps)
    {
        TcpOptions tcp = new() { Timestamps = timestamps };
        SimulatedNetwork network = new(11);
        SimulatedHost client = network.AddHost("client", network.DefaultOptions(tcp)), server = network.AddHost("server", network.DefaultOptions(tcp));
        network.Connect(client, server, Path);
        StreamPattern pattern = new(3);
        const long Bytes = 1L << 40;
        TransferPlan up = new() { SendBytes = Bytes, SendPattern = pattern, ReceiveBytes = 0, Ending = TransferEnding.Graceful };
        TransferPlan down = new() { SendBytes = 0, ReceiveBytes = Bytes, ReceivePattern = pattern, Ending = TransferEnding.Graceful };
        TransferListener listener = new(network, new IpEndpoint(IpAddress.AnyV4, 4242), _ => down);
        server.Run(listener);
        TransferEnd sender = TransferEnd.Connecting(network, up, new IpEndpoint(server.Address(v4: true), 4242));
        client.Run(sender);
        network.RunFor(TimeSpan.FromSeconds(4));
        TransferEnd receiver = Assert.Single(listener.Accepted);
        long before = receiver.Received;
        network.RunFor(TimeSpan.FromSeconds(4));
        double megabits = (receiver.Received - before) * 8 / 4e6;
        Assert.InRange(megabits, 88, 98);
        Assert.True(client.Stack.TryGetInfo(sender.Socket, out TcpInfo info));
        Assert.InRange(info.SendWindow, 1_250_000, 4 << 20);
        // The reader keeps up: nothing waits, however wide the window.
        Assert.InRange(server.Stack.MemoryInUse, 0, 2 << 20);
    }
}
