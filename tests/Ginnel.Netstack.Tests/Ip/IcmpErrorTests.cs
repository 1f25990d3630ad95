using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>ICMP errors, both ways.</summary>
public sealed class IcmpErrorTests
{
    private static IpAddress OwnOf(bool v4) => v4 ? OwnV4 : OwnV6;
    private static IpAddress PeerOf(bool v4) => v4 ? PeerV4 : PeerV6;
    private static IpAddress FarOf(bool v4) => v4 ? FarV4 : FarV6;

    private sealed record Error(IpAddress Source, IpAddress Destination, byte Type, byte Code, uint Rest, byte[] Quoted);

    private static Error Read(byte[] packet)
    {
        Assert.Equal(DropReason.None, IpView.TryParse(packet, out IpView ip));
        Assert.Equal(ip.IsV4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, ip.Protocol);
        bool valid = ip.IsV4
            ? IcmpView.TryParse(ip.Payload, out IcmpView v4) == DropReason.None && v4.IsChecksumValid
            : IcmpV6View.TryParse(ip.Payload, out IcmpV6View v6) == DropReason.None && v6.IsChecksumValid(ip.Source, ip.Destination);
        Assert.True(valid);
        uint rest = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(ip.Payload[4..]);
        return new Error(ip.Source, ip.Destination, ip.Payload[0], ip.Payload[1], rest, ip.Payload[8..].ToArray());
    }

    [Theory]
    [InlineData(true, 3, 3)]
    [InlineData(false, 1, 4)]
    public void A_closed_port_of_an_own_address_is_unreachable_and_the_datagram_quoted(bool v4, byte type, byte code)
    {
        using TestStack stack = new();
        byte[] datagram = Build.Udp(new IpEndpoint(PeerOf(v4), 4000), new IpEndpoint(OwnOf(v4), 53), 1, 2, 3);
        stack.Receive(datagram);
        Error error = Read(Assert.Single(stack.Sent()));
        Assert.Equal((OwnOf(v4), PeerOf(v4), type, code), (error.Source, error.Destination, error.Type, error.Code));
        Assert.Equal(datagram, error.Quoted);
    }

    [Theory]
    [InlineData(true, 576)]
    [InlineData(false, 1_280)]
    public void The_quote_is_cut_so_that_the_error_fits_every_path(bool v4, int longest)
    {
        using TestStack stack = new();
        stack.Receive(Build.Udp(new IpEndpoint(PeerOf(v4), 4000), new IpEndpoint(OwnOf(v4), 53), new byte[1_400]));
        Assert.Equal(longest, Assert.Single(stack.Sent()).Length);
    }

    [Fact]
    public void No_error_answers_an_error_a_broadcast_a_later_fragment_or_no_single_host()
    {
        using TestStack stack = new(anyIp: true);
        IpEndpoint peer = new(PeerV4, 4000), own = new(OwnV4, 53);
        byte[] closed = Build.Udp(peer, own, 1);
        stack.Receive(Build.Error(PeerV4, OwnV4, 3, 3, 0, closed));
        stack.Receive(Build.Error(PeerV6, OwnV6, 1, 4, 0, closed));
        stack.Receive(Build.Udp(peer, own with { Address = IpAddress.BroadcastV4 }, 1));
        stack.Receive(Build.Udp(new IpEndpoint(IpAddress.AnyV4, 68), new IpEndpoint(IpAddress.BroadcastV4, 67), 1));
        stack.Receive(Build.IpV4(PeerV4, OwnV4, (IpProtocol)99, new byte[16], id: 1, offset: 8, more: true));
        stack.Receive(Build.IpV4(PeerV4, IpAddress.Parse("10.0.2.255"), (IpProtocol)99, new byte[16]));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void Errors_are_limited_per_second_and_the_rest_is_silence()
    {
        using TestStack stack = new(options: pool =>
            new StackOptions { Pool = pool, Entropy = new SeededEntropy(), IcmpErrorsPerSecond = 10 });
        byte[] closed = Build.Udp(new IpEndpoint(PeerV4, 4000), new IpEndpoint(OwnV4, 53), 1);
        for (int i = 0; i < 25; i++) stack.Receive(closed);
        Assert.Equal(10, stack.Sent().Count);
        Assert.Equal(15, stack.Drops(DropReason.RateLimited));
        stack.Advance(TimeSpan.FromMilliseconds(500));
        for (int i = 0; i < 25; i++) stack.Receive(closed);
        Assert.Equal(5, stack.Sent().Count);
    }

    [Theory]
    [InlineData(true, 11)]
    [InlineData(false, 3)]
    public void A_spent_hop_limit_ends_at_the_gateway_which_says_so_and_reaches_own_addresses(bool v4, byte type)
    {
        using TestStack stack = new(anyIp: true);
        byte[] probe = Build.UdpSegment(new IpEndpoint(PeerOf(v4), 4000), new IpEndpoint(FarOf(v4), 33_434), [1]);
        stack.ReceiveDropped(DropReason.HopLimitExceeded, Build.Ip(PeerOf(v4), FarOf(v4), IpProtocol.Udp, probe, hopLimit: 1));
        Error error = Read(Assert.Single(stack.Sent()));
        Assert.Equal((OwnOf(v4), PeerOf(v4), type, (byte)0), (error.Source, error.Destination, error.Type, error.Code));
        Assert.Null(stack.NextEvent());
        stack.Receive(Build.Ip(PeerOf(v4), FarOf(v4), IpProtocol.Udp, probe, hopLimit: 2));
        Assert.NotNull(stack.NextEvent());
        byte[] ping = Build.EchoMessage(PeerOf(v4), OwnOf(v4), true, 1, 1, []);
        stack.Receive(Build.Ip(PeerOf(v4), OwnOf(v4), v4 ? IpProtocol.Icmp : IpProtocol.IcmpV6, ping, hopLimit: 1));
        Assert.Single(stack.Sent());
    }

    [Theory]
    [InlineData(new byte[] { 7, 1, 0, 0 }, 21)]
    [InlineData(new byte[] { 1, 1, 1, 7 }, 23)]
    [InlineData(new byte[] { 1, 7, 200, 0 }, 22)]
    public void An_IPv4_option_that_cannot_be_is_pointed_at(byte[] options, byte pointer)
    {
        using TestStack stack = new();
        byte[] packet = Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, Build.UdpSegment(new IpEndpoint(PeerV4, 1), new IpEndpoint(OwnV4, 2), [1]),
            options: options);
        stack.ReceiveDropped(DropReason.BadOption, packet);
        Error error = Read(Assert.Single(stack.Sent()));
        Assert.Equal((OwnV4, PeerV4, (byte)12, (byte)0, (uint)pointer << 24), (error.Source, error.Destination, error.Type, error.Code, error.Rest));
        Assert.Equal(packet, error.Quoted);
    }

    [Fact]
    public void No_IPv4_option_is_pointed_at_to_strangers_groups_later_fragments_or_of_errors()
    {
        using TestStack stack = new();
        byte[] options = [7, 1, 0, 0], datagram = Build.UdpSegment(new IpEndpoint(PeerV4, 1), new IpEndpoint(OwnV4, 2), [1]);
        byte[] damaged = Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, datagram, options: options);
        damaged[10]++;
        stack.Receive(
            damaged, Build.IpV4(PeerV4, FarV4, IpProtocol.Udp, datagram, options: options),
            Build.IpV4(PeerV4, IpAddress.BroadcastV4, IpProtocol.Udp, datagram, options: options),
            Build.IpV4(IpAddress.AnyV4, OwnV4, IpProtocol.Udp, datagram, options: options),
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[16], id: 1, offset: 8, more: true, options: options),
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Icmp, [3, 3, 0, 0, 0, 0, 0, 0], options: options));
        Assert.Equal(6, stack.Drops(DropReason.BadOption));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void No_error_answers_a_redirect()
    {
        using TestStack stack = new(anyIp: true);
        byte[] redirect = new byte[40];
        redirect[0] = (byte)IcmpV6Type.Redirect;
        stack.ReceiveDropped(DropReason.HopLimitExceeded, Build.Ip(PeerV6, FarV6, IpProtocol.IcmpV6, redirect, hopLimit: 1));
        Assert.Empty(stack.Sent());
    }

    // ---- errors in

    public static TheoryData<bool, byte, byte, NetworkFailure> Meanings => new()
    {
        { true, 3, 0, NetworkFailure.NetworkUnreachable }, { true, 3, 1, NetworkFailure.HostUnreachable },
        { true, 3, 2, NetworkFailure.ProtocolUnreachable }, { true, 3, 3, NetworkFailure.Refused },
        { true, 3, 5, NetworkFailure.HostUnreachable }, { true, 3, 6, NetworkFailure.NetworkUnreachable },
        { true, 3, 9, NetworkFailure.Prohibited }, { true, 3, 10, NetworkFailure.Prohibited }, { true, 3, 13, NetworkFailure.Prohibited },
        { true, 11, 0, NetworkFailure.HostUnreachable }, { true, 12, 0, NetworkFailure.ProtocolUnreachable },
        { false, 1, 0, NetworkFailure.NetworkUnreachable }, { false, 1, 1, NetworkFailure.Prohibited },
        { false, 1, 3, NetworkFailure.HostUnreachable }, { false, 1, 4, NetworkFailure.Refused },
            { false, 1, 5, NetworkFailure.Prohibited },
        { false, 3, 0, NetworkFailure.HostUnreachable }, { false, 4, 1, NetworkFailure.ProtocolUnreachable },
    };

    [Theory]
    [MemberData(nameof(Meanings))]
    public void An_error_about_a_datagram_of_ours_is_an_item_of_its_port(bool v4, byte type, byte code, NetworkFailure failure)
    {
        using TestStack stack = new();
        IpEndpoint target = new(PeerOf(v4), 9);
        SocketId port = stack.Bind(new IpEndpoint(OwnOf(v4), 0));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(target), [1], stack.Now));
        byte[] sent = Assert.Single(stack.Sent());
        stack.Receive(Build.Error(PeerOf(v4), OwnOf(v4), type, code, 0, sent));
        Assert.Equal(new SocketEvent(port, SocketEvents.Readable), stack.NextEvent());
        ReceivedDatagram item = stack.Take(port).Datagram;
        Assert.Equal((failure, target, 0), (item.Failure, item.Destination, item.Mtu));
        Assert.True(stack.Stack.TryGetFlow(port, out FlowKey flow));
        Assert.Equal(flow.Local, item.Source);
        Assert.Equal(0, stack.AllDrops());
    }

    [Fact]
    public void C9_an_error_that_quotes_no_packet_of_ours_changes_nothing()
    {
        using TestStack stack = new();
        IpEndpoint own = new(OwnV4, 53), target = new(PeerV4, 9);
        SocketId port = stack.Bind(own);
        byte[] mine = Build.Udp(own, target, 1);
        byte[][] quotes =
        [
            Build.Udp(own with { Port = 54 }, target, 1),             // a port that is not bound
            Build.Udp(new IpEndpoint(FarV4, 53), target, 1),          // not from the address that the error reached
            mine[..27],                                               // less than the ports and four bytes
            mine[..19], [], [0x45],
            Build.IpV4(OwnV4, PeerV4, IpProtocol.Udp, new byte[16], offset: 8),
            Build.IpV4(OwnV4, PeerV4, (IpProtocol)47, new byte[16]),
            Build.Error(OwnV4, PeerV4, 3, 3, 0, mine),                // an error of ours
        ];
        foreach (byte[] quote in quotes) stack.ReceiveDropped(DropReason.IcmpNotOurs, Build.Error(FarV4, OwnV4, 3, 3, 0, quote));
        stack.AssertNothing(port);
        stack.ReceiveDropped(DropReason.BadChecksum, Corrupt(Build.Error(FarV4, OwnV4, 3, 3, 0, mine)));
    }

    [Theory]
    [InlineData(true, 1_000, 1_000)]
    [InlineData(true, 68, 552)]
    [InlineData(true, 0, 1_492)]
    [InlineData(false, 1_400, 1_400)]
    public void C9_too_big_teaches_the_path_but_never_below_the_floor(bool v4, uint told, int believed)
    {
        using TestStack stack = new(LinkMedium.Ip, mtu: 1_500);
        IpEndpoint target = new(PeerOf(v4), 9);
        SocketId port = stack.Bind(new IpEndpoint(OwnOf(v4), 0), dontFragment: true);
        byte[] payload = new byte[1_500 - (v4 ? 28 : 48)];
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(target), payload, stack.Now));
        byte[] sent = Assert.Single(stack.Sent());
        byte[] error = v4 ? Build.Error(FarV4, OwnV4, 3, 4, told, sent[..48]) : Build.Error(FarV6, OwnV6, 2, 0, told, sent[..100]);
        stack.Receive(error);
        ReceivedDatagram item = stack.Take(port).Datagram;
        Assert.Equal((NetworkFailure.PacketTooBig, believed, target), (item.Failure, item.Mtu, item.Destination));
        Assert.Equal(OpStatus.MessageTooLong, stack.Stack.Send(port, new DatagramSend(target), payload, stack.Now));
        byte[] fits = new byte[believed - (v4 ? 28 : 48)];
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(target), fits, stack.Now));
        Assert.Equal(believed, Assert.Single(stack.Sent()).Length);
        // After ten minutes the path may have widened (RFC 1191 section 6.3).
        stack.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(target), payload, stack.Now));
        Assert.Equal(1_500, Assert.Single(stack.Sent()).Length);
    }

    [Theory]
    [InlineData(true, 67)]
    [InlineData(false, 1_279)]
    [InlineData(false, 0)]
    public void C9_a_report_of_an_MTU_that_no_path_has_is_invented(bool v4, uint told)
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(OwnOf(v4), 0));
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(new IpEndpoint(PeerOf(v4), 9)), new byte[1_300], stack.Now));
        byte[] sent = Assert.Single(stack.Sent());
        stack.ReceiveDropped(DropReason.IcmpNotOurs, v4 ? Build.Error(FarV4, OwnV4, 3, 4, told, sent[..48]) : Build.Error(FarV6, OwnV6, 2, 0, told, sent[..100]));
        stack.AssertNothing(port);
    }

    [Fact]
    public void C9_a_report_of_an_MTU_that_the_packet_did_not_exceed_is_invented()
    {
        using TestStack stack = new();
        SocketId port = stack.Bind(new IpEndpoint(OwnV4, 0), dontFragment: true);
        stack.Stack.Send(port, new DatagramSend(new IpEndpoint(PeerV4, 9)), new byte[100], stack.Now);
        byte[] sent = Assert.Single(stack.Sent());
        stack.ReceiveDropped(DropReason.IcmpNotOurs, Build.Error(FarV4, OwnV4, 3, 4, 1_000, sent));
        stack.AssertNothing(port);
    }

    [Fact]
    public void D6_path_MTUs_are_bounded_and_the_oldest_is_forgotten()
    {
        PathMtuCache cache = new(limit: 2);
        IpAddress a = IpAddress.Parse("192.0.2.1"), b = IpAddress.Parse("192.0.2.2"), c = IpAddress.Parse("192.0.2.3");
        Assert.Equal(1_000, cache.Learn(a, 1_000, default));
        Assert.Equal(1_100, cache.Learn(b, 1_100, default));
        Assert.Equal(1_000, cache.Learn(a, 1_200, default)); // a report never widens
        Assert.Equal(1_200, cache.Learn(c, 1_200, default));
        Assert.Equal(2, cache.Count);
        Assert.Equal((1_000, 1_500, 1_200), (cache.Get(a, 1_500, default), cache.Get(b, 1_500, default), cache.Get(c, 1_500, default)));
        Assert.Equal(900, cache.Get(a, 900, default));
    }

    // ---- any-IP: failures that the shell reports

    public static TheoryData<bool, NetworkFailure, int, int> Reported => new()
    {
        { true, NetworkFailure.Refused, 3, 3 }, { true, NetworkFailure.HostUnreachable, 3, 1 },
            { true, NetworkFailure.NetworkUnreachable, 3, 0 },
        { true, NetworkFailure.Prohibited, 3, 13 }, { true, NetworkFailure.TimedOut, 3, 1 },
            { true, NetworkFailure.ProtocolUnreachable, 3, 2 },
        { true, NetworkFailure.PacketTooBig, 3, 4 }, { true, NetworkFailure.None, -1, 0 }, { true, NetworkFailure.Aborted, -1, 0 },
        { false, NetworkFailure.Refused, 1, 4 }, { false, NetworkFailure.HostUnreachable, 1, 3 },
            { false, NetworkFailure.NetworkUnreachable, 1, 0 },
        { false, NetworkFailure.Prohibited, 1, 1 }, { false, NetworkFailure.TimedOut, 1, 3 },
            { false, NetworkFailure.ProtocolUnreachable, 4, 1 },
        { false, NetworkFailure.PacketTooBig, 2, 0 }, { false, NetworkFailure.None, -1, 0 }, { false, NetworkFailure.Evicted, -1, 0 },
    };

    [Theory]
    [MemberData(nameof(Reported))]
    public void A_reported_failure_reaches_the_source_as_the_network_would_say_it(bool v4, NetworkFailure failure, int type, int code)
    {
        using TestStack stack = new(anyIp: true);
        IpEndpoint guest = new(PeerOf(v4), 4000), target = new(FarOf(v4), 53);
        byte[] datagram = Build.Udp(guest, target, 1, 2, 3);
        stack.Receive(datagram);
        stack.Stack.Accept(stack.NextEvent()!.Value.Id, stack.Now, out SocketId port);
        Assert.Equal(OpStatus.Ok, stack.Stack.ReportFailure(port, target, failure, 1_300, stack.Now));
        List<byte[]> sent = stack.Sent();
        if (type < 0) { Assert.Empty(sent); return; }
        Error error = Read(Assert.Single(sent));
        Assert.Equal(((byte)type, (byte)code, guest.Address), (error.Type, error.Code, error.Destination));
        // The port's host speaks for itself, a router for the rest.
        Assert.Equal(failure == NetworkFailure.Refused ? target.Address : OwnOf(v4), error.Source);
        if (failure == NetworkFailure.PacketTooBig) Assert.Equal(1_300u, error.Rest);
        Assert.True(QuotedPacket.TryRead(error.Quoted, v4, out QuotedPacket quoted));
        Assert.Equal(new FlowKey(IpProtocol.Udp, guest, target), quoted.Flow);
        if (failure == NetworkFailure.PacketTooBig) Assert.InRange(quoted.TotalLength, 1_301, 1_400);
        else Assert.Equal(datagram.Length, quoted.TotalLength);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_rejected_source_has_each_of_its_datagrams_answered(bool v4)
    {
        using TestStack stack = new(anyIp: true);
        IpEndpoint guest = new(PeerOf(v4), 4000), first = new(FarOf(v4), 53), second = new(FarOf(v4), 54);
        stack.Receive(Build.Udp(guest, first, 1), Build.Udp(guest, second, 2, 3));
        SocketId pending = stack.NextEvent()!.Value.Id;
        Assert.Equal(OpStatus.Ok, stack.Stack.Reject(pending, NetworkFailure.Refused, stack.Now));
        List<byte[]> sent = stack.Sent();
        Assert.Equal(2, sent.Count);
        Assert.True(QuotedPacket.TryRead(Read(sent[1]).Quoted, v4, out QuotedPacket quoted));
        Assert.Equal(second, quoted.Flow.Remote);
        Assert.Equal(OpStatus.Stale, stack.Stack.Accept(pending, stack.Now, out _));
        stack.Receive(Build.Udp(guest, first, 1));
        Assert.Equal(SocketEvents.PendingPort, stack.NextEvent()!.Value.Events);
    }

    [Fact]
    public void An_error_of_a_guest_about_an_answer_is_an_item_of_the_accepted_port()
    {
        using TestStack stack = new(anyIp: true);
        IpEndpoint guest = new(PeerV4, 4000), target = new(FarV4, 53);
        stack.Receive(Build.Udp(guest, target, 1));
        stack.Stack.Accept(stack.NextEvent()!.Value.Id, stack.Now, out SocketId port);
        stack.Take(port);
        stack.Stack.Send(port, new DatagramSend(guest, target), [2], stack.Now);
        byte[] answer = Assert.Single(stack.Sent());
        stack.Receive(Build.Error(PeerV4, FarV4, 3, 3, 0, answer));
        ReceivedDatagram item = stack.Take(port).Datagram;
        Assert.Equal((NetworkFailure.Refused, target, guest), (item.Failure, item.Source, item.Destination));
    }

    private static byte[] Corrupt(byte[] packet)
    {
        packet[^1] ^= 1;
        return packet;
    }
}
