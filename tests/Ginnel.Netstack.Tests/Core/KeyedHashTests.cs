using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class KeyedHashTests
{
    // Key 00…0f, input 00, 01, 02 …: the vectors of SipHash's authors, for lengths that are whole words.
    [Theory]
    [InlineData(0, 0x726F_DB47_DD0E_0E31)]
    [InlineData(1, 0x93F5_F579_9A93_2462)]
    [InlineData(2, 0x3F2A_CC7F_57C2_9BDB)]
    [InlineData(6, 0xE612_A3CB_9ECB_A951)]
    public void It_is_SipHash_2_4(int words, ulong expected)
    {
        ulong[] input = new ulong[words];
        for (int i = 0; i < 8 * words; i++) input[i / 8] |= (ulong)i << (8 * (i % 8));
        Assert.Equal(expected, KeyedHash.SipHash(0x0706_0504_0302_0100, 0x0F0E_0D0C_0B0A_0908, input));
    }

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
