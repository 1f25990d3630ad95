using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>What the standards ask for, where a packet script cannot say it: octets of headers, and calls that must be refused.</summary>
public sealed class StandardTests
{
    private const int IpHeader = 20;

    [Fact]
    public void RFC9293_3_1_reserved_bits_mean_nothing_and_are_sent_as_zero()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Host.Receive(Edit(peer, peer.Build(TcpFlags.Ack, 1, 1, Build.Bytes(100)), tcp => tcp[12] |= 0x0F));
        Assert.Equal(Build.Bytes(100), peer.ReadAll());
        peer.Write(100);
        Assert.All(peer.Host.Sent(), packet => Assert.Equal(0, packet[IpHeader + 12] & 0x0F));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(40)]
    public void RFC9293_MUST_7_an_option_of_an_illegal_length_does_no_harm(byte length)
    {
        using TcpPeer peer = new();
        peer.Listen();
        byte[] syn = Edit(peer, peer.Build(TcpFlags.Syn, 0, mss: 1000), tcp => tcp[21] = length);
        peer.Host.ReceiveDropped(DropReason.BadOption, syn);
        peer.SentNothing();
        peer.EstablishPassive();
        byte[] data = Edit(peer, peer.Build(TcpFlags.Ack, 1, 1, Build.Bytes(100), mss: 1000), tcp => tcp[21] = length);
        peer.Host.ReceiveDropped(DropReason.BadOption, data);
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(100));
        Assert.Equal(Build.Bytes(100), peer.ReadAll());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void RFC9293_MUST_49_the_time_to_live_is_the_owners_choice(bool v6)
    {
        using TcpPeer peer = new(v6: v6, stackOptions: made => new() { Pool = made.Pool, Entropy = made.Entropy, Tcp = made.Tcp, HopLimit = 99 });
        peer.Stack.Connect(default, new IpEndpoint(peer.Peer, 80), peer.Now, out _);
        Assert.Equal(99, Assert.Single(peer.Host.Sent())[v6 ? 7 : 8]);
    }

    [Theory]
    [InlineData(new byte[] { 7, 7, 4, 0, 0, 0, 0, 0 })] // record route
    [InlineData(new byte[] { 68, 8, 5, 0, 0, 0, 0, 0 })] // timestamp
    [InlineData(new byte[] { 130, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 })] // security
    [InlineData(new byte[] { 148, 4, 0, 0 })] // router alert
    [InlineData(new byte[] { 1, 222, 6, 1, 2, 3, 4, 0 })] // nobody's
    public void RFC9293_MUST_50_IP_options_are_passed_over(byte[] options)
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        byte[] tcp = peer.Build(TcpFlags.Ack, 1, 1, Build.Bytes(100))[IpHeader..];
        peer.Host.Receive(Build.IpV4(peer.Peer, peer.Own, IpProtocol.Tcp, tcp, options: options));
        Assert.Equal(Build.Bytes(100), peer.ReadAll());
        peer.AdvanceMs(40);
        Assert.Equal(0x45, Assert.Single(peer.Host.Sent())[0]);
    }

    [Theory]
    [InlineData("255.255.255.255", 80)]
    [InlineData("224.0.0.1", 80)]
    [InlineData("10.0.2.255", 80)]
    [InlineData("0.0.0.0", 80)]
    [InlineData("ff02::1", 80)]
    [InlineData("::", 80)]
    [InlineData("10.0.2.9", 0)]
    public void RFC9293_MUST_46_nothing_is_opened_to_what_is_no_single_host(string address, ushort port)
    {
        using TcpPeer peer = new();
        Assert.Equal(OpStatus.InvalidAddress, peer.Stack.Connect(default, new IpEndpoint(IpAddress.Parse(address), port), peer.Now, out _));
        peer.SentNothing();
    }

    [Theory]
    [InlineData("255.255.255.255")]
    [InlineData("224.0.0.1")]
    [InlineData("10.0.2.255")]
    public void RFC9293_MUST_57_a_SYN_to_everybody_is_dropped_in_silence(string address)
    {
        using TcpPeer peer = new();
        peer.Listen();
        peer.Own = IpAddress.Parse(address);
        peer.Host.ReceiveDropped(DropReason.BadDestination, peer.Build(TcpFlags.Syn, 0, mss: 1000));
        Assert.Empty(peer.Host.Sent());
    }

    [Fact]
    public void RFC9293_MUST_43_the_owner_may_name_the_local_endpoint_and_none_that_is_not_ours()
    {
        using TcpPeer peer = new();
        IpEndpoint remote = new(peer.Peer, 80);
        Assert.Equal(OpStatus.Ok, peer.Stack.Connect(new IpEndpoint(TestStack.OwnV4, 5000), remote, peer.Now, out _));
        Assert.Equal(5000, peer.SentOne().Header.SourcePort);
        Assert.Equal(OpStatus.AddressInUse, peer.Stack.Connect(new IpEndpoint(TestStack.OwnV4, 5000), remote, peer.Now, out _));
        Assert.NotEqual(OpStatus.Ok, peer.Stack.Connect(new IpEndpoint(TestStack.FarV4, 5001), remote, peer.Now, out _));
        peer.SentNothing();
    }

    [Fact]
    public void RFC9293_MUST_41_and_42_a_port_is_listened_on_beside_what_opens_and_what_is_open()
    {
        using TcpPeer peer = new();
        peer.Listen();
        byte[][] last = new byte[3][];
        for (ushort i = 0; i < 3; i++)
        {
            peer.Port = (ushort)(1000 + i);
            peer.Send(TcpFlags.Syn, 0, mss: 1000);
            Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, peer.SentOne().Flags);
            last[i] = peer.Build(TcpFlags.Ack, 1, 1, [(byte)i]);
        }
        // The second completes its handshake first, while the others go on opening.
        foreach (byte i in (byte[])[1, 0, 2])
        {
            peer.Host.Receive(last[i]);
            Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
            Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(id, out RingLease lease));
            Assert.Equal(i, lease.First.Span[0]);
            Assert.Equal(OpStatus.Ok, peer.Stack.Consume(id, 1, peer.Now));
        }
    }

    [Fact]
    public void RFC6056_one_local_port_serves_several_remote_endpoints()
    {
        using TcpPeer peer = new();
        for (ushort port = 80; port < 84; port++)
            Assert.Equal(OpStatus.Ok, peer.Stack.Connect(new IpEndpoint(TestStack.OwnV4, 5000), new IpEndpoint(peer.Peer, port), peer.Now, out _));
        Assert.All(peer.Sent(), syn => Assert.Equal(5000, syn.Header.SourcePort));
    }

    [Fact]
    public void RFC6864_what_cannot_be_fragmented_bears_no_identification()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(2000);
        foreach (byte[] packet in peer.Host.Sent())
        {
            Assert.Equal(0, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(4)));
            Assert.Equal(0x4000, BinaryPrimitives.ReadUInt16BigEndian(packet.AsSpan(6)));
        }
        // And that of others is nothing to go by: the same one twice is two packets.
        byte[] Bearing(byte[] tcp) => Build.IpV4(peer.Peer, peer.Own, IpProtocol.Tcp, tcp, id: 7);
        peer.Host.Receive(Bearing(peer.Build(TcpFlags.Ack, 1, 1, [1])[IpHeader..]), Bearing(peer.Build(TcpFlags.Ack, 2, 1, [2])[IpHeader..]));
        Assert.Equal([1, 2], peer.ReadAll());
    }

    [Fact]
    public void RFC1122_3_2_1_6_a_port_sets_the_type_of_service()
    {
        using TestStack stack = new();
        foreach ((IpAddress own, IpAddress peer) in ((IpAddress, IpAddress)[])[(TestStack.OwnV4, TestStack.PeerV4), (TestStack.OwnV6, TestStack.PeerV6)])
        {
            Assert.Equal(OpStatus.Ok, stack.Stack.Bind(new() { Local = new(own, 0), TrafficClass = 0xBB }, out SocketId port));
            Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new(new(peer, 53)), [1], stack.Now));
            Assert.Equal(DropReason.None, IpView.TryParse(Assert.Single(stack.Sent()), out IpView packet));
            Assert.Equal(0xB8, packet.TrafficClass);
        }
    }

    [Fact]
    public void RFC6437_connections_have_labels_of_their_own()
    {
        using TcpPeer peer = new(v6: true);
        HashSet<uint> labels = [];
        for (ushort port = 80; port < 90; port++)
        {
            Assert.Equal(OpStatus.Ok, peer.Stack.Connect(default, new IpEndpoint(peer.Peer, port), peer.Now, out _));
            labels.Add(BinaryPrimitives.ReadUInt32BigEndian(Assert.Single(peer.Host.Sent())) & 0xF_FFFF);
        }
        Assert.Equal(10, labels.Count);
        Assert.DoesNotContain(0u, labels);
    }

    // The length is no multiple of eight; the end lies beyond the longest packet.
    [Theory]
    [InlineData(13, 0, 4)]
    [InlineData(16, 65_528, 42)]
    public void RFC8200_4_5_a_fragment_that_cannot_be_is_pointed_at(int length, int offset, int pointer)
    {
        using TestStack stack = new();
        stack.ReceiveDropped(DropReason.BadFragment,
            Build.IpV6Fragment(TestStack.PeerV6, TestStack.OwnV6, IpProtocol.Udp, new byte[length], 1, offset, more: true));
        byte[] error = Assert.Single(stack.Sent());
        Assert.Equal((4, 0), (error[40], error[41]));
        Assert.Equal(pointer, BinaryPrimitives.ReadInt32BigEndian(error.AsSpan(44)));
    }

    [Fact]
    public void RFC8200_4_7_what_stands_behind_no_next_header_is_ignored()
    {
        using TestStack stack = new();
        stack.ReceiveDropped(DropReason.Ignored, Build.IpV6(TestStack.PeerV6, TestStack.OwnV6, IpProtocol.NoNextHeader, Build.Bytes(100)));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void RFC8200_5_no_IPv6_on_a_link_of_less_than_1280()
    {
        using TestStack stack = new(mtu: 1279);
        // The link may have been wider, and may become so again: the address stays, and is not used.
        Assert.Equal(OpStatus.Ok, stack.Stack.AddAddress(stack.Interface, TestStack.OwnV6, 64, stack.Now));
        Assert.Equal(OpStatus.NoRoute, stack.Stack.Connect(default, new IpEndpoint(TestStack.PeerV6, 80), stack.Now, out _));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void RFC8200_8_3_the_MSS_counts_sixty_octets_of_headers()
    {
        using TcpPeer peer = new(mtu: 1400, v6: true);
        Assert.Equal(1340, peer.Connect().Header.MaximumSegmentSize);
    }

    [Fact]
    public void RFC2525_2_4_what_goes_again_is_what_went_first()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(mss: 1460);
        byte[] data = Build.Bytes(9000);
        Assert.Equal(9000, peer.Write(data));
        Segment[] first = [.. peer.Sent()];
        Check(first, data);
        // In other pieces, for the path became narrow, and in part.
        byte[] quoted = [.. Build.IpV4(peer.Own, peer.Peer, IpProtocol.Tcp, new byte[1440])[..28]];
        BinaryPrimitives.WriteUInt16BigEndian(quoted.AsSpan(20), peer.OwnPort);
        BinaryPrimitives.WriteUInt16BigEndian(quoted.AsSpan(22), peer.Port);
        BinaryPrimitives.WriteUInt32BigEndian(quoted.AsSpan(24), (peer.Iss + 1).Value);
        peer.Host.Receive(Build.Error(peer.Peer, peer.Own, 3, 4, 1000, quoted));
        Segment[] again = [.. peer.Sent()];
        Assert.NotEmpty(again);
        Assert.All(again, segment => Assert.InRange(segment.Length, 1, 960));
        Check(again, data);
        peer.Ack(1, 701);
        peer.AdvanceMs(1000);
        Check(peer.Sent(), data);
        Assert.True(peer.Info.Retransmissions > again.Length, "nothing more went again");
    }

    private static void Check(IEnumerable<Segment> segments, byte[] data) =>
        Assert.All(segments, segment => Assert.Equal(data[(segment.Sequence - 1)..(segment.Sequence - 1 + segment.Length)], segment.Payload));

    /// <summary>Changes octets of a packet's segment and computes its checksum anew.</summary>
    private static byte[] Edit(TcpPeer peer, byte[] packet, Action<byte[]> edit)
    {
        byte[] tcp = packet[IpHeader..];
        edit(tcp);
        (tcp[16], tcp[17]) = (0, 0);
        ulong pseudo = Checksum.PseudoHeader(peer.Peer, peer.Own, IpProtocol.Tcp, tcp.Length);
        BinaryPrimitives.WriteUInt16BigEndian(tcp.AsSpan(16), (ushort)~Checksum.Fold(Checksum.Sum(tcp, pseudo)));
        tcp.CopyTo(packet, IpHeader);
        return packet;
    }
}
