using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class TransferTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(20);

    [Theory]
    [InlineData(false, LinkOffloads.None, 1500)]
    [InlineData(true, LinkOffloads.None, 1500)]
    [InlineData(false, LinkOffloads.All, 1500)]
    [InlineData(true, LinkOffloads.All, 1500)]
    [InlineData(false, LinkOffloads.All, 65_520)]
    [InlineData(false, LinkOffloads.None, 576)]
    public void A_transfer_arrives_whole_in_both_directions(bool v6, LinkOffloads offloads, int mtu)
    {
        using TcpPair pair = new(mtu: mtu, offloads: offloads);
        (SocketId client, SocketId server) = pair.Establish(to: v6 ? TcpPair.ServerV6 : TcpPair.ServerV4);
        pair.Transfer(pair.Client, client, pair.Server, server, Build.Bytes(3_000_000, 1), Long);
        Assert.Equal(TcpState.CloseWait, pair.State(pair.Server, server));
        pair.Transfer(pair.Server, server, pair.Client, client, Build.Bytes(2_000_000, 2), Long);
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(TcpState.TimeWait, pair.State(pair.Client, client));
        Assert.Equal(TcpState.Closed, pair.State(pair.Server, server));
        pair.Client.Release(client, pair.Now);
        pair.Server.Release(server, pair.Now);
        pair.Run(TimeSpan.FromMinutes(2));
        Assert.Equal(0, pair.Client.SocketCount);
        Assert.Equal(1, pair.Server.SocketCount);
        Assert.Equal(0, pair.Client.MemoryInUse + pair.Server.MemoryInUse);
        Assert.Equal(0, pair.Client.Counters.Retransmissions + pair.Server.Counters.Retransmissions);
    }

    [Theory]
    [InlineData(1, CongestionControlKind.Cubic, true, true)]
    [InlineData(2, CongestionControlKind.NewReno, true, true)]
    [InlineData(3, CongestionControlKind.Cubic, false, true)]
    [InlineData(4, CongestionControlKind.NewReno, false, false)]
    [InlineData(5, CongestionControlKind.Cubic, true, false)]
    public void A_transfer_survives_loss_reordering_and_duplication(ulong seed, CongestionControlKind kind, bool sack, bool timestamps)
    {
        TcpOptions options = new() { CongestionControl = kind, Sack = sack, Timestamps = timestamps };
        using TcpPair pair = new(options, options, seed: seed);
        SeededEntropy dice = new(seed * 77);
        pair.Wire = (_, _) => new Fate(
            Lost: dice.Next(100) < 3, Twice: dice.Next(100) < 3,
            ExtraDelay: dice.Next(100) < 5 ? TimeSpan.FromMilliseconds(dice.Next(8)) : default);
        (SocketId client, SocketId server) = pair.Establish();
        pair.Transfer(pair.Client, client, pair.Server, server, Build.Bytes(2_000_000, 1), Long);
        pair.Transfer(pair.Server, server, pair.Client, client, Build.Bytes(500_000, 2), Long);
    }

    [Fact]
    public void A_connection_to_an_own_address_needs_no_link()
    {
        using TcpPair pair = new();
        SocketId listener = pair.Listen();
        Assert.Equal(OpStatus.Ok, pair.Server.Connect(default, new IpEndpoint(TcpPair.ServerV4, 80), pair.Now, out SocketId client));
        pair.Run(TimeSpan.FromSeconds(1));
        Assert.Equal(OpStatus.Ok, pair.Server.Accept(listener, pair.Now, out SocketId server));
        pair.Transfer(pair.Server, client, pair.Server, server, Build.Bytes(300_000), Long);
    }
}
