using System.Buffers.Binary;
using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>Flow labels of datagrams over IPv6.</summary>
public sealed class DatagramLabelTests
{
    private static readonly IpEndpoint Peer = new(PeerV6, 4000), Other = new(PeerV6, 4001), Own = new(OwnV6, 53), OwnOther = new(OwnV6, 54);

    private static List<uint> Labels(TestStack stack, SocketId port, IpEndpoint to, int length = 10)
    {
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(to), Build.Bytes(length), stack.Now));
        return [.. stack.Sent().Select(packet => BinaryPrimitives.ReadUInt32BigEndian(packet) & 0xF_FFFF)];
    }

    [Fact]
    public void RFC6437_datagrams_between_two_endpoints_share_a_label()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(Own), another = stack.Bind(OwnOther);
        uint label = Assert.Single(Labels(stack, port, Peer));
        Assert.NotEqual(0u, label);
        Assert.Equal(label, Assert.Single(Labels(stack, port, Peer)));
        uint toOther = Assert.Single(Labels(stack, port, Other)), fromOther = Assert.Single(Labels(stack, another, Peer));
        Assert.Equal(3, new HashSet<uint> { label, toOther, fromOther }.Count);
        Assert.Equal(label, Assert.Single(Labels(stack, port, Peer)));
        // Fragments belong to their datagram's flow.
        List<uint> fragments = Labels(stack, port, Peer, 3_000);
        Assert.Equal([label, label, label], fragments);
    }

    [Fact]
    public void RFC6437_pings_have_a_label_as_well()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(OwnV6, 7), protocol: IpProtocol.IcmpV6);
        uint label = Assert.Single(Labels(stack, port, new IpEndpoint(PeerV6, 0)));
        Assert.NotEqual(0u, label);
        Assert.Equal(label, Assert.Single(Labels(stack, port, new IpEndpoint(PeerV6, 0))));
    }
}
