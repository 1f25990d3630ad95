using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>One budget for everything whose size others decide.</summary>
public sealed class StackMemoryTests
{
    [Fact]
    public void Each_use_is_counted_by_itself_and_all_together()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true, window: 3000);
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(10));
        peer.Write(100_000);
        peer.Sent();
        peer.Host.Receive(Build.IpV4(peer.Peer, peer.Own, IpProtocol.Udp, Build.Bytes(800), id: 7, more: true));
        NetworkStack stack = peer.Stack;
        Assert.Equal(4096, stack.MemoryInUseFor(MemoryUse.Receive));
        Assert.Equal(131_072, stack.MemoryInUseFor(MemoryUse.Send));
        Assert.InRange(stack.MemoryInUseFor(MemoryUse.Reassembly), 800, 3000);
        long sum = Enum.GetValues<MemoryUse>().Sum(stack.MemoryInUseFor);
        Assert.Equal(stack.MemoryInUse, sum);
        peer.Stack.Abort(peer.Id, peer.Now);
        peer.Stack.Release(peer.Id, peer.Now);
        peer.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(0, stack.MemoryInUse);
    }

    [Fact]
    public void D5_fragments_count_against_the_budget_and_the_oldest_give_way()
    {
        using TestStack stack = new(options: pool => new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MemoryLimit = 20_000 });
        for (ushort id = 1; id < 200; id++)
        {
            stack.Receive(Build.IpV4(TestStack.PeerV4, TestStack.OwnV4, IpProtocol.Udp, Build.Bytes(1400), id: id, more: true));
            Assert.InRange(stack.Stack.MemoryInUse, 1, 20_000);
        }
        Assert.InRange(stack.Drops(DropReason.ReassemblyLimit), 180, 198);
        stack.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(0, stack.Stack.MemoryInUse);
    }

    [Fact]
    public void D5_where_nothing_is_left_a_fragment_is_dropped()
    {
        using TestStack stack = new(options: pool => new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MemoryLimit = 100 });
        stack.ReceiveDropped(DropReason.ReassemblyLimit, Build.IpV4(TestStack.PeerV4, TestStack.OwnV4, IpProtocol.Udp, Build.Bytes(1400), id: 1, more: true));
        Assert.Equal(0, stack.Stack.MemoryInUse);
    }
}
