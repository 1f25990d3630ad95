using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>Checksums, sizes, super-segments, queues and their limits.</summary>
public sealed class UdpTransferTests
{
    private static readonly IpEndpoint PeerFour = new(PeerV4, 4000), OwnFour = new(OwnV4, 53), PeerSix = new(PeerV6, 4000),
        OwnSix = new(OwnV6, 53);

    private static UdpView ReadUdp(ReadOnlySpan<byte> packet)
    {
        Assert.Equal(DropReason.None, IpView.TryParse(packet, out IpView ip));
        Assert.Equal(DropReason.None, UdpView.TryParse(ip.Payload, out UdpView udp));
        Assert.True(udp.IsChecksumValid(ip.Source, ip.Destination));
        return udp;
    }

    [Fact]
    public void C24_a_datagram_without_data_is_a_datagram()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(OwnFour);
        stack.Receive(Build.Udp(PeerFour, OwnFour));
        Assert.Equal(0, stack.Take(port).Datagram.Length);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(PeerFour), [], stack.Now));
        Assert.Equal(8, ReadUdp(Assert.Single(stack.Sent())).Length);
    }

    [Fact]
    public void C24_an_absent_checksum_is_legal_over_IPv4_only()
    {
        using TestStack stack = new();
        SocketId four = stack.Bind(OwnFour), six = stack.Bind(OwnSix);
        byte[] v4 = Build.Udp(PeerFour, OwnFour, 1), v6 = Build.Udp(PeerSix, OwnSix, 1);
        v4[26] = v4[27] = v6[46] = v6[47] = 0;
        stack.Receive(v4);
        stack.Take(four);
        stack.ReceiveDropped(DropReason.BadChecksum, v6);
        stack.Receive(v6, default, ChecksumState.Verified);
        Assert.Equal(2, stack.Drops(DropReason.BadChecksum));
        stack.AssertNothing(six);
    }

    [Fact]
    public void C25_a_wrong_checksum_is_dropped_unless_the_link_vouches_for_the_bytes()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(OwnFour);
        byte[] packet = Build.Udp(PeerFour, OwnFour, 1, 2);
        packet[^1] ^= 4;
        stack.ReceiveDropped(DropReason.BadChecksum, packet);
        stack.Receive(packet, default, ChecksumState.Partial);
        stack.Take(port);
        byte[] echo = Build.Echo(PeerV4, OwnV4, 1, 1, [1, 2]);
        echo[^1] ^= 4;
        stack.ReceiveDropped(DropReason.BadChecksum, echo);
        byte[] echo6 = Build.Echo(PeerV6, OwnV6, 1, 1, [1, 2]);
        echo6[^1] ^= 4;
        stack.ReceiveDropped(DropReason.BadChecksum, echo6);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(200)]
    [InlineData(65_535)]
    public void C1_a_length_that_lies_is_refused(int length)
    {
        using TestStack stack = new();
        stack.Bind(OwnFour);
        byte[] packet = Build.Udp(PeerFour, OwnFour, 1, 2);
        (packet[24], packet[25]) = ((byte)(length >> 8), (byte)length);
        stack.ReceiveDropped(DropReason.BadLength, packet);
    }

    [Fact]
    public void C1_a_packet_cut_anywhere_is_refused()
    {
        using TestStack stack = new(LinkMedium.Ethernet);
        stack.Bind(OwnFour);
        byte[] frame = Build.Frame(OwnMac, PeerMac, EtherType.IpV4, Build.Udp(PeerFour, OwnFour, 1, 2));
        for (int length = 0; length < frame.Length; length++)
        {
            long before = stack.AllDrops();
            stack.Receive(frame[..length]);
            Assert.Equal(1, stack.AllDrops() - before);
        }
    }

    [Fact]
    public void C24_the_longest_datagrams_pass_and_longer_ones_are_refused()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(IpAddress.AnyV6, 53));
        foreach ((IpEndpoint to, int most) in new[] { (new IpEndpoint(OwnV4, 53), 65_507), (new IpEndpoint(OwnV6, 53), 65_527) })
        {
            byte[] payload = Build.Bytes(most);
            Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(to), payload, stack.Now));
            Assert.Equal(payload, stack.Take(port).Payload);
            Assert.Equal(OpStatus.MessageTooLong, stack.Stack.Send(port, new DatagramSend(to), new byte[most + 1], stack.Now));
        }
        Assert.Equal(0, stack.AllDrops());
    }

    [Fact]
    public void A_datagram_beyond_the_MTU_is_fragmented_or_refused_as_the_port_wishes()
    {
        using TestStack stack = new();
        SocketId free = stack.Bind(OwnFour), strict = stack.Bind(new IpEndpoint(OwnV4, 54), dontFragment: true);
        Assert.Equal(OpStatus.MessageTooLong, stack.Stack.Send(strict, new DatagramSend(PeerFour), new byte[1_473], stack.Now));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(strict, new DatagramSend(PeerFour), new byte[1_472], stack.Now));
        Assert.Equal(DropReason.None, IpV4View.TryParse(Assert.Single(stack.Sent()), out IpV4View ip));
        Assert.True(ip.DontFragment);
        Assert.Equal(0, ip.Identification);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(free, new DatagramSend(PeerFour), new byte[1_473], stack.Now));
        Assert.Equal(2, stack.Sent().Count);
    }

    [Fact]
    public void C7_the_identifications_of_fragments_are_unpredictable()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(IpAddress.AnyV6, 53));
        HashSet<uint> four = [], six = [];
        for (int i = 0; i < 100; i++)
        {
            stack.Stack.Send(port, new DatagramSend(PeerFour), new byte[2_000], stack.Now);
            stack.Stack.Send(port, new DatagramSend(PeerSix), new byte[2_000], stack.Now);
            foreach (byte[] fragment in stack.Sent())
            {
                if (fragment[0] >> 4 == 4) four.Add((uint)(fragment[4] << 8 | fragment[5]));
                else six.Add(System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(fragment.AsSpan(44)));
            }
        }
        Assert.InRange(four.Count, 95, 100);
        Assert.Equal(100, six.Count);
        Assert.True(six.Max() - six.Min() > 1u << 30);
    }

    [Fact]
    public void A_super_segment_is_received_as_its_datagrams()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(OwnFour);
        stack.Receive(Build.Udp(PeerFour, OwnFour, Build.Bytes(2_500)), new Segmentation(SegmentationKind.Udp, 1_000),
            ChecksumState.Partial);
        Assert.Equal([1_000, 1_000, 500], new[] { stack.Take(port), stack.Take(port), stack.Take(port) }.Select(item =>
            item.Datagram.Length));
        stack.AssertNothing(port);
    }

    [Theory]
    [InlineData(SegmentationKind.TcpV4, 100)]
    [InlineData(SegmentationKind.TcpV6, 100)]
    [InlineData(SegmentationKind.Udp, 0)]
    [InlineData(SegmentationKind.None, 100)]
    [InlineData((SegmentationKind)99, 100)]
    public void Segmentation_that_contradicts_the_packet_is_refused(SegmentationKind kind, int size)
    {
        using TestStack stack = new();
        stack.Bind(OwnFour);
        stack.Receive(Build.Udp(PeerFour, OwnFour, 1, 2), new Segmentation(kind, (ushort)size), ChecksumState.Partial);
        Assert.Equal((1, 1), (stack.Drops(DropReason.BadSegmentation), stack.AllDrops()));
    }

    [Theory]
    [InlineData(LinkOffloads.None, 3)]
    [InlineData(LinkOffloads.UdpSegmentation, 3)]
    [InlineData(LinkOffloads.PartialChecksum, 3)]
    [InlineData(LinkOffloads.UdpSegmentation | LinkOffloads.PartialChecksum, 1)]
    public void Several_datagrams_leave_as_one_super_segment_where_the_link_takes_that(LinkOffloads offloads, int packets)
    {
        using TestStack stack = new(offloads: offloads);
        SocketId port = stack.Bind(OwnFour);
        byte[] payload = Build.Bytes(2_500);
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(PeerFour, SegmentSize: 1_000), payload, stack.Now));
        List<SentPacket> sent = stack.SentPackets();
        Assert.Equal(packets, sent.Count);
        List<byte> all = [];
        foreach (SentPacket packet in sent)
        {
            Assert.Equal(packets == 1 ? new Segmentation(SegmentationKind.Udp, 1_000) : default, packet.Segmentation);
            bool isPartial = (offloads & LinkOffloads.PartialChecksum) != 0;
            Assert.Equal(isPartial ? ChecksumState.Partial : ChecksumState.Unverified, packet.Checksum);
            Assert.Equal(DropReason.None, IpV4View.TryParse(packet.Bytes, out IpV4View ip));
            Assert.Equal(DropReason.None, UdpView.TryParse(ip.Payload, out UdpView udp));
            ushort expected = Checksum.Fold(Checksum.PseudoHeader(ip.Source, ip.Destination, IpProtocol.Udp, udp.Length));
            if (isPartial) Assert.Equal(expected, udp.Checksum); else Assert.True(udp.IsChecksumValid(ip.Source, ip.Destination));
            all.AddRange(udp.Payload);
        }
        Assert.Equal(payload, all);
    }

    [Fact]
    public void A_super_segment_to_an_own_address_arrives_as_its_datagrams()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(OwnFour);
        stack.Stack.Send(port, new DatagramSend(OwnFour, SegmentSize: 1_000), new byte[200_000], stack.Now);
        for (int i = 0; i < 200; i++) Assert.Equal(1_000, stack.Take(port).Datagram.Length);
        stack.AssertNothing(port);
    }

    [Fact]
    public void A_short_buffer_truncates_and_says_so()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(OwnFour);
        stack.Receive(Build.Udp(PeerFour, OwnFour, 1, 2, 3), Build.Udp(PeerFour, OwnFour, 4));
        byte[] two = new byte[2];
        Assert.Equal(OpStatus.Ok, stack.Stack.TryReceive(port, two, out ReceivedDatagram datagram));
        Assert.Equal((2, true), (datagram.Length, datagram.Truncated));
        Assert.Equal([1, 2], two);
        Assert.Equal([4], stack.Take(port).Payload);
    }

    [Fact]
    public void D7_a_reader_that_does_not_read_costs_its_limit_and_an_idle_port_nothing()
    {
        using TestStack stack = new(options: pool =>
            new StackOptions { Pool = pool, Entropy = new SeededEntropy(), DatagramReceiveBuffer = 100_000 });
        SocketId port = stack.Bind(OwnFour);
        for (int i = 0; i < 2_000; i++) stack.Receive(Build.Udp(PeerFour, OwnFour, new byte[200]));
        Assert.InRange(stack.Stack.MemoryInUse, 65_536, 131_072);
        long kept = 2_000 - stack.Drops(DropReason.ReceiveBufferFull);
        Assert.InRange(kept, 100_000 / 300, 100_000 / 200);
        for (int i = 0; i < kept; i++) stack.Take(port);
        stack.AssertNothing(port);
        Assert.Equal(0, stack.Stack.MemoryInUse);
    }

    [Fact]
    public void Empty_datagrams_count_too()
    {
        using TestStack stack = new(options: pool =>
            new StackOptions { Pool = pool, Entropy = new SeededEntropy(), DatagramReceiveBuffer = 10_000 });
        stack.Bind(OwnFour);
        for (int i = 0; i < 1_000; i++) stack.Receive(Build.Udp(PeerFour, OwnFour));
        Assert.InRange(stack.Drops(DropReason.ReceiveBufferFull), 800, 950);
    }

    [Fact]
    public void The_stacks_memory_limit_holds_over_all_ports()
    {
        using TestStack stack = new(options: pool => new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MemoryLimit = 50_000 });
        List<SocketId> ports = [];
        for (ushort number = 1; number <= 50; number++)
        {
            ports.Add(stack.Bind(new IpEndpoint(OwnV4, number)));
            stack.Receive(Build.Udp(PeerFour, new IpEndpoint(OwnV4, number), new byte[1_400]));
            Assert.InRange(stack.Stack.MemoryInUse, 0, 50_000);
        }
        Assert.Equal(26, stack.Drops(DropReason.ReceiveBufferFull));
        foreach (SocketId port in ports) stack.Stack.Release(port, stack.Now);
        Assert.Equal((0, 0), (stack.Stack.MemoryInUse, stack.Stack.SocketCount));
    }

    [Fact]
    public void A_ring_that_wraps_keeps_every_byte_in_order()
    {
        using TestStack stack = new(options: pool =>
            new StackOptions { Pool = pool, Entropy = new SeededEntropy(), DatagramReceiveBuffer = 8_192 });
        SocketId port = stack.Bind(OwnFour);
        int sent = 0, taken = 0;
        Random random = new(7);
        while (taken < 5_000)
        {
            for (int burst = random.Next(1, 5); burst > 0; burst--,
                sent++) stack.Receive(Build.Udp(PeerFour, OwnFour, Build.Bytes(sent % 700, sent)));
            for (int burst = random.Next(1, 7); burst > 0 && taken < sent; burst--, taken++)
                Assert.Equal(Build.Bytes(taken % 700, taken), stack.Take(port).Payload);
        }
        Assert.Equal(0, stack.AllDrops());
    }

    [Fact]
    public void A_full_queue_towards_the_link_blocks_the_sender_and_wakes_it_when_half_empty()
    {
        using TestStack stack = new(options: pool => new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxTransmitQueue = 8 });
        SocketId port = stack.Bind(OwnFour), other = stack.Bind(new IpEndpoint(OwnV4, 54));
        for (int i = 0; i < 8; i++) Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(PeerFour), [1], stack.Now));
        Assert.Equal(OpStatus.WouldBlock, stack.Stack.Send(port, new DatagramSend(PeerFour), [1], stack.Now));
        Assert.Equal(OpStatus.WouldBlock, stack.Stack.Send(other, new DatagramSend(PeerFour), [1], stack.Now));
        Assert.Equal(OpStatus.WouldBlock, stack.Stack.Send(port, new DatagramSend(PeerFour), [1], stack.Now));
        Assert.Equal(OpStatus.MessageTooLong, stack.Stack.Send(port, new DatagramSend(PeerFour, SegmentSize: 1), new byte[9], stack.Now));
        stack.Sent(budget: 3);
        Assert.Null(stack.NextEvent());
        stack.Sent(budget: 1);
        Assert.Equal([new SocketEvent(other, SocketEvents.Writable), new SocketEvent(port, SocketEvents.Writable)],
            new[] { stack.NextEvent()!.Value, stack.NextEvent()!.Value }.OrderByDescending(e => e.Id.Slot));
        Assert.Null(stack.NextEvent());
        Assert.Equal(0, stack.AllDrops());
    }

    [Fact]
    public void A_port_that_waits_for_room_learns_that_the_link_is_gone()
    {
        using TestStack stack = new(options: pool => new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxTransmitQueue = 1 });
        SocketId port = stack.Bind(OwnFour);
        stack.Stack.Send(port, new DatagramSend(PeerFour), [1], stack.Now);
        Assert.Equal(OpStatus.WouldBlock, stack.Stack.Send(port, new DatagramSend(PeerFour), [1], stack.Now));
        stack.Stack.SetLink(stack.Interface, stack.Link, up: false, stack.Now);
        Assert.Equal(new SocketEvent(port, SocketEvents.Writable), stack.NextEvent());
        Assert.Equal(OpStatus.NoRoute, stack.Stack.Send(port, new DatagramSend(PeerFour), [1], stack.Now));
    }

    [Fact]
    public void A_waiting_port_that_is_released_is_forgotten()
    {
        using TestStack stack = new(options: pool => new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxTransmitQueue = 1 });
        List<SocketId> ports = [];
        for (ushort number = 1; number <= 4; number++) ports.Add(stack.Bind(new IpEndpoint(OwnV4, number)));
        foreach (SocketId port in ports) stack.Stack.Send(port, new DatagramSend(PeerFour), [1], stack.Now);
        stack.Stack.Release(ports[2], stack.Now);
        stack.Stack.Release(ports[3], stack.Now);
        stack.Sent();
        Assert.Equal(new SocketEvent(ports[1], SocketEvents.Writable), stack.NextEvent());
        Assert.Null(stack.NextEvent());
    }

    [Fact]
    public void Targets_and_sources_that_cannot_be_are_refused()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(IpAddress.AnyV4, 53)), six = stack.Bind(OwnSix);
        OpStatus Send(SocketId id, IpAddress to, int at = 9, IpEndpoint source = default) =>
            stack.Stack.Send(id, new DatagramSend(new IpEndpoint(to, (ushort)at), source), [1], stack.Now);
        Assert.Equal(OpStatus.InvalidAddress, Send(port, PeerV4, 0));
        Assert.Equal(OpStatus.InvalidAddress, Send(port, IpAddress.AnyV4));
        Assert.Equal(OpStatus.InvalidAddress, Send(port, PeerV6));
        Assert.Equal(OpStatus.InvalidAddress, Send(six, PeerV4));
        Assert.Equal(OpStatus.NoRoute, Send(port, IpAddress.LoopbackV4));
        Assert.Equal(OpStatus.NoRoute, Send(port, FarV4));
        Assert.Equal(OpStatus.InvalidAddress, Send(port, PeerV4, source: new IpEndpoint(FarV4, 53)));
        Assert.Equal(OpStatus.InvalidAddress, Send(port, PeerV4, source: new IpEndpoint(OwnV4, 54)));
        Assert.Equal(OpStatus.Ok, Send(port, PeerV4, source: new IpEndpoint(OwnV4, 53)));
        Assert.Equal(OpStatus.Stale, Send(default, PeerV4));
        Assert.Equal(OpStatus.InvalidState, stack.Stack.ReportFailure(port, PeerFour, NetworkFailure.Refused, 0, stack.Now));
        Assert.Single(stack.Sent());
    }

    [Fact]
    public void The_hop_limit_is_the_senders_choice()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(OwnFour);
        stack.Stack.Send(port, new DatagramSend(PeerFour), [1], stack.Now);
        stack.Stack.Send(port, new DatagramSend(PeerFour, HopLimit: 1), [1], stack.Now);
        Assert.Equal([64, 1], stack.Sent().Select(packet => (int)packet[8]));
    }
}
