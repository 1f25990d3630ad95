using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class KeyedHashTests
{
    [Fact]
    public void Every_part_of_the_input_matters_and_so_does_the_key()
    {
        IpEndpoint a = new(TestStack.OwnV4, 80), b = new(TestStack.PeerV4, 4000);
        KeyedHash hash = new(new SeededEntropy(1)), other = new(new SeededEntropy(2));
        FlowKey flow = new(IpProtocol.Tcp, a, b);
        HashSet<ulong> seen =
        [
            hash.Of(flow, 1), hash.Of(flow, 2), hash.Of(flow, 1, 1), hash.Of(flow, 1, 0, 1), other.Of(flow, 1),
            hash.Of(new FlowKey(IpProtocol.Tcp, b, a), 1), hash.Of(new FlowKey(IpProtocol.Tcp, a with { Port = 81 }, b), 1),
            hash.Of(new FlowKey(IpProtocol.Tcp, a, b with { Port = 4001 }), 1),
            hash.Of(new FlowKey(IpProtocol.Tcp, a with { Address = TestStack.PeerV4 }, b), 1),
        ];
        Assert.Equal(9, seen.Count);
        Assert.Equal(hash.Of(flow, 1), hash.Of(flow, 1));
    }
}
