using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

public sealed class ReassemblyTests
{
    private static IpEndpoint Peer(bool v4) => new(v4 ? PeerV4 : PeerV6, 4000);
    private static IpEndpoint Own(bool v4) => new(v4 ? OwnV4 : OwnV6, 53);

    private static byte[] Piece(bool v4, byte[] transport, int from, int to, uint id = 1, bool? more = null, byte ecn = 0,
        IpAddress? destination = null)
    {
        byte[] part = transport[from..to];
        bool hasMore = more ?? to < transport.Length;
        if (v4) return Build.IpV4(PeerV4, destination ?? OwnV4, IpProtocol.Udp, part, id: (ushort)id, offset: from, more: hasMore,
            trafficClass: ecn);
        byte[] packet = Build.IpV6Fragment(PeerV6, destination ?? OwnV6, IpProtocol.Udp, part, id, from, hasMore);
        packet[1] |= (byte)(ecn << 4);
        return packet;
    }

    private static byte[] Datagram(bool v4, int length, out byte[] payload)
    {
        payload = Build.Bytes(length);
        return Build.UdpSegment(Peer(v4), Own(v4), payload);
    }

    private static TestStack WithLimits(int entries = 64, int bytes = 1 << 20, int icmp = 1_000) => new(options: pool =>
        new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxReassemblies = entries, MaxReassemblyBytes = bytes,
            IcmpErrorsPerSecond = icmp });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void C3_fragments_in_any_order_make_the_datagram(bool v4)
    {
        byte[] udp = Datagram(v4, 3_000, out byte[] payload);
        byte[][] pieces = [Piece(v4, udp, 0, 1_000), Piece(v4, udp, 1_000, 2_000), Piece(v4, udp, 2_000, 3_008)];
        int[][] orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        foreach (int[] order in orders)
        {
            using TestStack stack = new();
            SocketId port = stack.Bind(Own(v4));
            foreach (int index in order) stack.Receive(pieces[index]);
            Assert.Equal(payload, stack.Take(port).Payload);
            Assert.Equal(0, stack.AllDrops());
            Assert.Equal(Instant.Never, stack.Stack.NextDeadline);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_longest_datagram_is_reassembled(bool v4)
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(Own(v4));
        byte[] udp = Datagram(v4, 65_507, out byte[] payload);
        for (int at = 0; at < udp.Length; at += 1_448) stack.Receive(Piece(v4, udp, at, Math.Min(at + 1_448, udp.Length)));
        Assert.Equal(payload, stack.Take(port).Payload);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void C3_C4_an_overlap_condemns_the_datagram_and_what_still_comes_of_it(bool v4)
    {
        foreach ((int from, int to) in new[] { (992, 1_992), (8, 16), (0, 1_008), (504, 1_504) })
        {
            using TestStack stack = new();
            SocketId port = stack.Bind(Own(v4));
            byte[] udp = Datagram(v4, 3_000, out _);
            stack.Receive(Piece(v4, udp, 0, 1_000));
            stack.ReceiveDropped(DropReason.FragmentOverlap, Piece(v4, udp, from, to));
            stack.ReceiveDropped(DropReason.FragmentOverlap, Piece(v4, udp, 1_000, 2_000));
            stack.ReceiveDropped(DropReason.FragmentOverlap, Piece(v4, udp, 2_000, 3_008));
            stack.AssertNothing(port);
            stack.Advance(TimeSpan.FromSeconds(61));
            Assert.Empty(stack.Sent()); // RFC 5722: silently
            foreach ((int f, int t) in new[] { (0, 1_000), (1_000, 2_000), (2_000, 3_008) }) stack.Receive(Piece(v4, udp, f, t));
            stack.Take(port);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void C3_the_same_bytes_at_the_same_place_are_a_duplicate_and_other_bytes_an_overlap(bool v4)
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(Own(v4));
        byte[] udp = Datagram(v4, 2_000, out byte[] payload);
        stack.Receive(Piece(v4, udp, 0, 1_000));
        stack.ReceiveDropped(DropReason.Ignored, Piece(v4, udp, 0, 1_000));
        stack.Receive(Piece(v4, udp, 1_000, 2_008));
        Assert.Equal(payload, stack.Take(port).Payload);

        stack.Receive(Piece(v4, udp, 0, 1_000, id: 2));
        byte[] forged = (byte[])udp.Clone();
        forged[500] ^= 1;
        stack.ReceiveDropped(DropReason.FragmentOverlap, Piece(v4, forged, 0, 1_000, id: 2));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void C3_teardrop_a_second_end_and_bytes_behind_the_end_condemn_the_datagram(bool v4)
    {
        byte[] udp = Datagram(v4, 3_000, out _);
        (byte[] First, byte[] Second)[] cases =
        [
            (Piece(v4, udp, 2_000, 3_000, more: false), Piece(v4, udp, 8, 1_000, more: false)),
            (Piece(v4, udp, 1_000, 2_000, more: false), Piece(v4, udp, 2_000, 3_000, more: true)),
            (Piece(v4, udp, 2_000, 3_000, more: true), Piece(v4, udp, 1_000, 2_000, more: false)),
        ];
        foreach ((byte[] first, byte[] second) in cases)
        {
            using TestStack stack = new();
            stack.Receive(first);
            stack.ReceiveDropped(DropReason.BadFragment, second);
        }
        using TestStack teardrop = new();
        teardrop.Receive(Piece(v4, udp, 0, 40, more: true));
        teardrop.ReceiveDropped(DropReason.FragmentOverlap, Piece(v4, udp, 24, 28, more: false));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void C3_nothing_reaches_beyond_the_longest_packet(bool v4)
    {
        using TestStack stack = new();
        byte[] part = new byte[1_000];
        byte[] pingOfDeath = v4
            ? Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, part, id: 1, offset: 65_528, more: false)
            : Build.IpV6Fragment(PeerV6, OwnV6, IpProtocol.Udp, part, 1, 65_528, more: false);
        stack.ReceiveDropped(DropReason.BadFragment, pingOfDeath);
    }

    [Fact]
    public void C3_a_header_with_options_and_a_full_payload_are_too_long_together()
    {
        using TestStack stack = new();
        byte[] udp = new byte[65_480];
        stack.Receive(Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, udp[..40_000], id: 1, more: true, options: new byte[40]));
        stack.ReceiveDropped(DropReason.BadFragment, Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, udp[40_000..], id: 1, offset: 40_000));
    }

    [Fact]
    public void C3_a_first_fragment_without_the_transport_header_is_refused()
    {
        using TestStack stack = new();
        stack.ReceiveDropped(DropReason.BadFragment, Build.IpV4(PeerV4, OwnV4, IpProtocol.Tcp, new byte[16], id: 1, more: true));
        stack.ReceiveDropped(DropReason.BadFragment, Build.IpV4(PeerV4, OwnV4, IpProtocol.Tcp, new byte[16], id: 1, offset: 8, more: true));
        stack.ReceiveDropped(DropReason.BadFragment, Build.IpV6Fragment(PeerV6, OwnV6, IpProtocol.Tcp, new byte[16], 1, 0, more: true));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Missing_fragments_are_reported_if_the_first_one_came(bool v4)
    {
        using TestStack stack = new();
        byte[] udp = Datagram(v4, 3_000, out _);
        stack.Receive(Piece(v4, udp, 0, 1_000), Piece(v4, udp, 1_000, 2_000, id: 2));
        stack.Advance(TimeSpan.FromSeconds(59));
        Assert.Empty(stack.Sent());
        stack.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, stack.Drops(DropReason.ReassemblyTimeout));
        Assert.Equal(DropReason.None, IpView.TryParse(Assert.Single(stack.Sent()), out IpView ip));
        Assert.Equal((Own(v4).Address, Peer(v4).Address), (ip.Source, ip.Destination));
        Assert.Equal(v4 ? (byte)11 : (byte)3, ip.Payload[0]);
        Assert.Equal(1, ip.Payload[1]);
        Assert.Equal(Instant.Never, stack.Stack.NextDeadline);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_late_fragment_begins_anew(bool v4)
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(Own(v4));
        byte[] udp = Datagram(v4, 2_000, out _);
        stack.Receive(Piece(v4, udp, 0, 1_000));
        stack.Advance(TimeSpan.FromSeconds(60));
        stack.Receive(Piece(v4, udp, 1_000, 2_008));
        stack.AssertNothing(port);
        stack.Receive(Piece(v4, udp, 0, 1_000));
        stack.Take(port);
    }

    [Fact]
    public void Datagrams_of_different_identity_are_kept_apart()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(Own(true));
        byte[] udp = Datagram(true, 2_000, out _);
        stack.Receive(Piece(true, udp, 0, 1_000, id: 1), Piece(true, udp, 1_000, 2_008, id: 2));
        stack.AssertNothing(port);
        stack.Receive(Piece(true, udp, 1_000, 2_008, id: 1));
        stack.Take(port);
    }

    [Fact]
    public void D5_many_first_fragments_hold_no_more_than_the_limits_and_the_oldest_gives_way()
    {
        using TestStack stack = WithLimits(entries: 8);
        SocketId port = stack.Bind(Own(true));
        byte[] udp = Datagram(true, 2_000, out _);
        for (uint id = 0; id < 100; id++) stack.Receive(Piece(true, udp, 0, 1_000, id));
        Assert.Equal(92, stack.Drops(DropReason.ReassemblyLimit));
        stack.Receive(Piece(true, udp, 1_000, 2_008, id: 99));
        stack.Take(port);
        stack.Receive(Piece(true, udp, 1_000, 2_008, id: 91));
        stack.AssertNothing(port);
    }

    [Fact]
    public void D5_the_limit_in_bytes_holds_whatever_the_size_of_the_fragments()
    {
        foreach (int size in new[] { 8, 64, 1_400, 16_000 })
        {
            using PoolScope pool = new();
            StackContext context = new(new StackOptions { Pool = pool.Pool, Entropy = new SeededEntropy(), MaxReassemblyBytes = 100_000 });
            IpLayer ip = new(context);
            InterfaceId id = ip.AddInterface(new InterfaceOptions { Link = new LinkProperties(LinkMedium.Ip, 65_535), AnyIp = true });
            TcpLayer tcp = new(context, ip);
            ip.Attach(tcp, new DatagramLayer(context, ip));
            ip.SetLink(id, new LinkProperties(LinkMedium.Ip, 65_535), up: true, default);
            for (int i = 0; i < 2_000; i++)
            {
                pool.Receive(ip, id, Build.IpV4(PeerV4, FarV4, IpProtocol.Udp, new byte[size], id: (ushort)(i / 3),
                    offset: 8 + i % 3 * 2 * size / 8 * 8, more: true));
                Assert.InRange(ip.Reassembler.Bytes, 0, 100_000);
            }
            Assert.InRange(ip.Reassembler.Count, 1, 64);
        }
    }

    [Fact]
    public void D5_one_datagram_in_thousands_of_tiny_pieces_is_condemned()
    {
        using TestStack stack = WithLimits(bytes: 8 << 20);
        for (int i = 0; i < 1_025; i++) stack.Receive(Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[8], id: 1, offset: i * 16,
            more: true));
        Assert.Equal(1, stack.Drops(DropReason.BadFragment));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void C24_fragments_reach_a_pending_port_in_one_piece(bool v4)
    {
        using TestStack stack = new(anyIp: true);
        IpAddress far = v4 ? FarV4 : FarV6;
        byte[] payload = Build.Bytes(2_000);
        byte[] udp = Build.UdpSegment(Peer(v4), new IpEndpoint(far, 53), payload);
        stack.Receive(Piece(v4, udp, 1_000, 2_008, destination: far));
        Assert.Null(stack.NextEvent());
        stack.Receive(Piece(v4, udp, 0, 1_000, destination: far));
        stack.Stack.Accept(stack.NextEvent()!.Value.Id, stack.Now, out SocketId port);
        Assert.Equal(payload, stack.Take(port).Payload);
    }

    [Fact]
    public void C4_an_atomic_fragment_is_a_whole_packet()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(Own(false));
        byte[] udp = Datagram(false, 10, out byte[] payload);
        stack.Receive(Build.IpV6Fragment(PeerV6, OwnV6, IpProtocol.Udp, udp, id: 1, offset: 0, more: false));
        Assert.Equal(payload, stack.Take(port).Payload);
    }

    [Fact]
    public void C4_a_fragment_header_inside_a_reassembled_packet_is_refused()
    {
        using TestStack stack = new();
        byte[] inner = new byte[8 + 24];
        new IpV6FragmentHeader { NextHeader = IpProtocol.Udp, FragmentOffset = 8, MoreFragments = true, Identification = 2 }.Write(inner);
        byte[] First(byte[] part, int offset, bool more) => Build.IpV6Fragment(PeerV6, OwnV6, IpProtocol.Fragment, part, 1, offset, more);
        stack.Receive(First(inner[..16], 0, true));
        stack.ReceiveDropped(DropReason.BadFragment, First(inner[16..], 16, false));
    }

    [Fact]
    public void C25_a_reassembled_datagram_with_a_wrong_checksum_is_dropped()
    {
        using TestStack stack = new();
        stack.Bind(Own(true));
        byte[] udp = Datagram(true, 2_000, out _);
        udp[1_500] ^= 1;
        stack.Receive(Piece(true, udp, 0, 1_000));
        stack.ReceiveDropped(DropReason.BadChecksum, Piece(true, udp, 1_000, 2_008));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_the_stack_fragments_it_can_reassemble(bool v4)
    {
        using TestStack sender = new(mtu: 1_280), receiver = new();
        SocketId from = sender.Bind(Own(v4));
        SocketId to = receiver.Bind(Own(v4));
        byte[] payload = Build.Bytes(10_000);
        Assert.Equal(OpStatus.Ok, sender.Stack.Send(from, new DatagramSend(Peer(v4)), payload, sender.Now));
        List<byte[]> fragments = sender.Sent();
        Assert.Equal(8, fragments.Count + (v4 ? 0 : -1));
        Assert.All(fragments, fragment => Assert.InRange(fragment.Length, 1, 1_280));
        // Turned around, so that the receiver takes them for its own: an end and its opposite sum to the same.
        foreach (byte[] fragment in fragments) receiver.Receive(Turn(fragment, v4));
        (ReceivedDatagram datagram, byte[] received) = receiver.Take(to);
        Assert.Equal(payload, received);
        Assert.Equal(Peer(v4), datagram.Source);
    }

    private static byte[] Turn(byte[] packet, bool v4)
    {
        byte[] turned = (byte[])packet.Clone();
        (int at, int size) = v4 ? (12, 4) : (8, 16);
        packet.AsSpan(at, size).CopyTo(turned.AsSpan(at + size));
        packet.AsSpan(at + size, size).CopyTo(turned.AsSpan(at));
        bool isFirst = v4 ? (packet[6] & 0x1F) == 0 && packet[7] == 0 : (packet[42] | packet[43] & 0xF8) == 0;
        int ports = v4 ? 20 : 48;
        if (!isFirst) return turned;
        packet.AsSpan(ports, 2).CopyTo(turned.AsSpan(ports + 2));
        packet.AsSpan(ports + 2, 2).CopyTo(turned.AsSpan(ports));
        return turned;
    }

    private sealed class PoolScope : IDisposable
    {
        internal PacketPool Pool { get; } = new();

        internal void Receive(IpLayer ip, InterfaceId on, byte[] bytes)
        {
            Assert.True(Pool.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet));
            packet.Write(bytes);
            PacketQueue batch = default;
            batch.Add(packet);
            ip.Receive(on, ref batch, default);
        }

        public void Dispose() => Assert.Equal(0, Pool.Rented);
    }

    /// <summary>RFC 3168 section 5.3: pieces that agree keep their field, and one mark marks the whole.</summary>
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(1, 1, 1, 1)]
    [InlineData(2, 2, 2, 2)]
    [InlineData(3, 3, 3, 3)]
    [InlineData(2, 3, 2, 3)]
    [InlineData(3, 1, 1, 3)]
    [InlineData(1, 2, 3, 3)]
    public void RFC3168_reassembly_loses_no_mark(byte first, byte second, byte third, byte whole)
    {
        foreach (bool v4 in new[] { true, false })
        {
            byte[] transport = Build.Bytes(3_000);
            Reassembly entry = new(new ReassemblyKey(default, v4 ? PeerV4 : PeerV6, v4 ? OwnV4 : OwnV6, 1, IpProtocol.Udp), Instant.Never);
            byte[] fields = [first, second, third];
            for (int i = 0; i < 3; i++) Assert.Equal(DropReason.None, entry.Add(Part(v4, transport, i * 1_000, i < 2, fields[i])));
            Assert.True(entry.IsComplete);
            Assert.False(entry.IsEcnContradictory);
            byte[] packet = new byte[entry.WholeLength];
            entry.Write(packet);
            Assert.Equal((EcnCodepoint)whole, EcnField.Read(packet));
            if (v4) Assert.Equal(0xFFFF, Checksum.Fold(Checksum.Sum(packet.AsSpan(0, 20))));
            entry.Release();
        }
    }

    private static Fragment Part(bool v4, byte[] transport, int offset, bool more, byte ecn)
    {
        byte[] header = v4
            ? Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, [], trafficClass: ecn)[..20]
            : Build.IpV6(PeerV6, OwnV6, IpProtocol.Udp, [])[..40];
        if (!v4) header[1] |= (byte)(ecn << 4);
        return new Fragment
        {
            Key = default, Header = header, NextHeaderAt = 6, Protocol = IpProtocol.Udp, Offset = offset, HasMore = more,
            Ecn = (EcnCodepoint)ecn, IsForOwnAddress = true, Payload = transport.AsSpan(offset, 1_000), IpBytes = header,
        };
    }

    /// <summary>RFC 3168 section 5.3: a mark beside a piece whose transport knows no marks can be neither kept nor forgotten.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void RFC3168_a_mark_and_a_piece_without_ECN_drop_the_datagram(bool v4)
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(Own(v4));
        byte[] udp = Datagram(v4, 2_000, out byte[] payload);
        stack.ReceiveDropped(DropReason.FragmentEcn, Piece(v4, udp, 0, 1_000, ecn: 3), Piece(v4, udp, 1_000, 2_008));
        stack.AssertNothing(port);
        Assert.Equal(Instant.Never, stack.Stack.NextDeadline);
        // Nothing of it is kept: the same identification serves again.
        stack.Receive(Piece(v4, udp, 0, 1_000, ecn: 2), Piece(v4, udp, 1_000, 2_008));
        Assert.Equal(payload, stack.Take(port).Payload);
    }
}
