using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class HandshakeTests
{
    [Fact]
    public void A_SYN_offers_everything_and_the_SYN_ACK_of_a_plain_peer_turns_it_off()
    {
        using TcpPeer peer = new();
        Segment syn = peer.Connect();
        Assert.Equal((TcpFlags.Syn, 1460), (syn.Flags, syn.Header.MaximumSegmentSize));
        Assert.True(syn.Header is { SackPermitted: true, HasWindowScale: true, HasTimestamps: true });
        peer.Send(TcpFlags.Syn | TcpFlags.Ack, 0, 1);
        Segment ack = peer.SentOne();
        Assert.Equal((TcpFlags.Ack, 1, 1), (ack.Flags, ack.Sequence, ack.Acknowledgment));
        Assert.False(ack.Header.HasTimestamps);
        TcpInfo info = peer.Info;
        Assert.Equal((TcpState.Established, 536, false, 0, 0), (info.State, info.SendMss, info.Sack, info.SendScale, info.ReceiveScale));
        Assert.Equal(SocketEvents.Connected | SocketEvents.Writable, peer.Events());
    }

    [Fact]
    public void A_SYN_ACK_offers_only_what_the_SYN_did()
    {
        using TcpPeer peer = new();
        peer.Listen();
        peer.Send(TcpFlags.Syn, 0, mss: 1400, scale: 7);
        Segment answer = peer.SentOne();
        Assert.True(answer.Header is { HasWindowScale: true, SackPermitted: false, HasTimestamps: false });
        // RFC 7323 section 2.2: the window of a SYN is never scaled.
        Assert.Equal(65_535, answer.Window);
    }

    [Theory]
    [InlineData(15, 14)]
    [InlineData(255, 14)]
    [InlineData(14, 14)]
    [InlineData(0, 0)]
    public void C17_a_window_scale_above_14_means_14(int offered, int expected)
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(scale: offered);
        Assert.Equal(expected, peer.Info.SendScale);
        peer.Send(TcpFlags.Ack | TcpFlags.Psh, 1, 1, [1], window: 1000);
        Assert.Equal(1000 << expected, peer.Info.SendWindow);
    }

    [Theory]
    [InlineData(0, 536)]
    [InlineData(1, 88)]
    [InlineData(48, 88)]
    [InlineData(88, 88)]
    [InlineData(9000, 1460)]
    public void C10_the_MSS_is_clamped(int offered, int expected)
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(mss: offered);
        Assert.Equal(expected, peer.Info.SendMss);
        peer.Write(3000);
        Assert.All(peer.Sent(), segment => Assert.InRange(segment.Length, 1, expected));
    }

    [Fact]
    public void A_reset_that_acknowledges_the_SYN_refuses()
    {
        using TcpPeer peer = new();
        peer.Connect();
        peer.Send(TcpFlags.Rst, 0);
        peer.Send(TcpFlags.Rst | TcpFlags.Ack, 0, 2);
        Assert.Equal(TcpState.SynSent, peer.State);
        peer.Send(TcpFlags.Rst | TcpFlags.Ack, 0, 1);
        Assert.Equal(TcpState.Closed, peer.State);
        Assert.Equal(NetworkFailure.Refused, peer.Stack.FailureOf(peer.Id));
        Assert.True(peer.Events().HasFlag(SocketEvents.Failed));
        Assert.Equal(OpStatus.Failed, peer.Stack.TryLeaseReadable(peer.Id, out _));
        Assert.Equal(OpStatus.Failed, peer.Stack.TryLeaseWritable(peer.Id, 1, out _));
    }

    [Fact]
    public void An_acknowledgment_of_something_else_in_SYN_SENT_is_reset_there()
    {
        using TcpPeer peer = new();
        peer.Connect();
        peer.Send(TcpFlags.Ack, 5, 777);
        Segment reset = peer.SentOne();
        Assert.Equal((TcpFlags.Rst, 777), (reset.Flags, reset.Sequence));
        Assert.Equal(TcpState.SynSent, peer.State);
    }

    [Fact]
    public void Simultaneous_open_meets_in_ESTABLISHED()
    {
        using TcpPeer peer = new();
        peer.Connect();
        peer.Send(TcpFlags.Syn, 0, mss: 1000);
        Segment answer = peer.SentOne();
        Assert.Equal((TcpFlags.Syn | TcpFlags.Ack, 0, 1), (answer.Flags, answer.Sequence, answer.Acknowledgment));
        Assert.Equal(TcpState.SynReceived, peer.State);
        peer.Send(TcpFlags.Syn | TcpFlags.Ack, 0, 1, mss: 1000);
        Segment ack = peer.SentOne();
        Assert.Equal((TcpFlags.Ack, 1, 1), (ack.Flags, ack.Sequence, ack.Acknowledgment));
        Assert.Equal(TcpState.Established, peer.State);
        Assert.True(peer.Events().HasFlag(SocketEvents.Connected));
    }

    [Fact]
    public void Two_stacks_that_open_at_once_make_one_connection()
    {
        using TcpPair pair = new();
        SocketId a = pair.Connect(port: 5000, fromPort: 4000);
        Assert.Equal(OpStatus.Ok, pair.Server.Connect(new IpEndpoint(TcpPair.ServerV4, 5000), new IpEndpoint(TcpPair.ClientV4, 4000), pair.Now, out SocketId b));
        pair.Run(TimeSpan.FromSeconds(5));
        Assert.Equal((TcpState.Established, TcpState.Established), (pair.State(pair.Client, a), pair.State(pair.Server, b)));
        pair.Transfer(pair.Client, a, pair.Server, b, Build.Bytes(100_000), TimeSpan.FromSeconds(30));
    }

    [Fact]
    public void A_closed_port_resets()
    {
        using TcpPeer peer = new();
        peer.Send(TcpFlags.Syn, 0);
        Segment reset = peer.SentOne();
        Assert.Equal((TcpFlags.Rst | TcpFlags.Ack, 1), (reset.Flags, reset.Acknowledgment));
        Assert.Equal(0u, reset.Header.Sequence.Value);
        peer.Send(TcpFlags.Ack, 50, 1000);
        Assert.Equal((TcpFlags.Rst, 1000), (peer.Sent()[0] is var second ? (second.Flags, second.Sequence) : default));
        peer.Send(TcpFlags.Rst, 0);
        peer.SentNothing();
    }

    [Fact]
    public void C15_nonsense_for_a_listener_is_dropped_in_silence()
    {
        using TcpPeer peer = new();
        peer.Listen();
        foreach (TcpFlags flags in new[] { TcpFlags.None, TcpFlags.Fin, TcpFlags.Syn | TcpFlags.Fin, TcpFlags.Fin | TcpFlags.Psh | TcpFlags.Urg, TcpFlags.Psh })
            peer.Host.ReceiveDropped(DropReason.BadFlags, peer.Build(flags, 0));
        peer.SentNothing();
        Assert.Equal(1, peer.Stack.SocketCount);
    }

    [Fact]
    public void C15_a_segment_from_ourselves_or_port_0_is_dropped()
    {
        using TcpPeer peer = new();
        peer.Listen();
        (peer.Port, ushort port) = (0, peer.Port);
        peer.Host.ReceiveDropped(DropReason.BadField, peer.Build(TcpFlags.Syn, 0));
        (peer.Port, peer.OwnPort) = (port, 0);
        peer.Host.ReceiveDropped(DropReason.BadField, peer.Build(TcpFlags.Syn, 0));
        peer.SentNothing();
    }

    [Fact]
    public void C15_data_on_a_SYN_are_taken_when_they_come_again()
    {
        using TcpPeer peer = new();
        peer.Listen();
        byte[] data = Build.Bytes(100);
        peer.Send(TcpFlags.Syn, 0, payload: data, mss: 1000);
        Assert.Equal(1, peer.SentOne().Acknowledgment);
        peer.Send(TcpFlags.Ack, 1, 1, data);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(id, out RingLease lease));
        Assert.Equal(data, lease.First.ToArray());
        Assert.Equal(SocketEvents.Connected | SocketEvents.Writable | SocketEvents.Readable, peer.Events(id));
    }

    [Fact]
    public void The_SYN_is_repeated_after_1_2_4_seconds_and_given_up()
    {
        using TcpPeer peer = new(new TcpOptions { ConnectTimeout = TimeSpan.FromSeconds(10) });
        peer.Connect();
        foreach (int seconds in new[] { 1, 2, 4 })
        {
            peer.AdvanceMs(seconds * 1000 - 1);
            peer.SentNothing();
            peer.AdvanceMs(1);
            Assert.Equal(TcpFlags.Syn, peer.SentOne().Flags);
        }
        peer.AdvanceMs(2999);
        Assert.Equal(TcpState.SynSent, peer.State);
        peer.AdvanceMs(1);
        peer.SentNothing();
        Assert.Equal(NetworkFailure.TimedOut, peer.Stack.FailureOf(peer.Id));
    }

    [Fact]
    public void After_a_lost_SYN_one_segment_goes_out_and_the_timeout_is_3_seconds()
    {
        using TcpPeer peer = new();
        peer.Connect();
        peer.AdvanceMs(1000);
        peer.SentOne();
        peer.Send(TcpFlags.Syn | TcpFlags.Ack, 0, 1, mss: 1000);
        peer.SentOne();
        peer.Write(5000);
        Assert.Equal(1000, peer.SentOne().Length);
        peer.AdvanceMs(2999);
        peer.SentNothing();
        peer.AdvanceMs(1);
        Assert.Equal(1, peer.SentOne().Sequence);
    }

    [Fact]
    public void C16_SYN_then_reset_leaves_no_state()
    {
        using TcpPeer peer = new();
        peer.Listen();
        for (int i = 0; i < 1000; i++)
        {
            peer.Port = (ushort)(10_000 + i);
            peer.Send(TcpFlags.Syn, 0);
            peer.SentOne();
            peer.Send(TcpFlags.Rst, 1);
        }
        Assert.Equal(1, peer.Stack.SocketCount);
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }

    [Fact]
    public void D1_without_cookies_a_flood_of_SYNs_is_bounded_and_an_honest_client_gets_in()
    {
        using TcpPeer peer = new(new TcpOptions { SynCookies = SynCookieUse.Off });
        peer.Listen(backlog: 16);
        ushort honest = peer.Port;
        int established = 0;
        for (int attempt = 0; attempt < 8 && established == 0; attempt++)
        {
            for (int i = 0; i < 200; i++)
            {
                peer.Port = (ushort)(1024 + attempt * 200 + i);
                peer.Send(TcpFlags.Syn, 0);
            }
            Assert.Equal(17, peer.Stack.SocketCount);
            peer.Sent();
            peer.Port = honest;
            peer.Send(TcpFlags.Syn, 0);
            Segment answer = peer.Sent()[^1];
            // Five more of the flood while the honest acknowledgment is on its way.
            for (int i = 0; i < 5; i++)
            {
                peer.Port = (ushort)(5000 + attempt * 5 + i);
                peer.Host.Receive(peer.Build(TcpFlags.Syn, 0));
            }
            peer.Port = honest;
            peer.Host.Receive(peer.Build(TcpFlags.Ack, 1, 1));
            if (peer.Stack.Accept(peer.Listener, peer.Now, out _) == OpStatus.Ok) established++;
            peer.Host.Sent();
        }
        Assert.Equal(1, established);
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }

    [Fact]
    public void A_full_backlog_takes_no_SYN_and_leaves_the_half_open_waiting()
    {
        using TcpPeer peer = new();
        peer.Listen(backlog: 1);
        peer.Send(TcpFlags.Syn, 0);
        peer.SentOne();
        peer.Send(TcpFlags.Ack, 1, 1);
        peer.Port++;
        peer.Host.ReceiveDropped(DropReason.BacklogFull, peer.Build(TcpFlags.Syn, 0));
        peer.SentNothing();
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out _));
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, peer.SentOne().Flags);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public void A_SYN_is_answered_by_the_interface_that_it_came_in_by(bool listening, bool routedElsewhere)
    {
        using TcpPeer peer = new();
        if (listening) peer.Listen();
        if (routedElsewhere)
        {
            InterfaceId other = peer.Stack.AddInterface(new InterfaceOptions { Link = peer.Host.Link });
            Assert.Equal(OpStatus.Ok, peer.Stack.AddAddress(other, IpAddress.Parse("203.0.113.1"), 24, peer.Now));
            peer.Stack.SetLink(other, peer.Host.Link, up: true, peer.Now);
        }
        peer.Peer = TestStack.FarV4;
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal(listening ? TcpFlags.Syn | TcpFlags.Ack : TcpFlags.Rst | TcpFlags.Ack, peer.SentOne().Flags);
    }

    [Fact]
    public void A_closed_port_of_our_own_refuses_at_once()
    {
        using TcpPeer peer = new();
        Assert.Equal(OpStatus.Ok, peer.Stack.Connect(new IpEndpoint(IpAddress.AnyV4, 0), new IpEndpoint(TestStack.OwnV4, 81), peer.Now, out SocketId id));
        Assert.Equal(NetworkFailure.Refused, peer.Stack.FailureOf(id));
    }

    [Fact]
    public void Impossible_options_are_refused_when_the_stack_is_made()
    {
        foreach (TcpOptions options in new TcpOptions[]
        {
            new() { InitialWindow = 0 }, new() { DelayedAck = TimeSpan.FromSeconds(1) }, new() { MinRetransmitTimeout = TimeSpan.FromHours(1) },
            new() { GiveUpAfter = TimeSpan.Zero }, new() { MaxOutOfOrderRanges = 0 }, new() { KeepAliveTime = TimeSpan.FromSeconds(-1) },
        })
            Assert.Throws<ArgumentOutOfRangeException>(() => new NetworkStack(new StackOptions { Pool = new PacketPool(), Entropy = new SeededEntropy(), Tcp = options }));
    }

    [Fact]
    public void C7_sequence_numbers_and_ports_of_different_peers_have_nothing_in_common()
    {
        using TcpPeer peer = new();
        HashSet<uint> numbers = [], offsets = [];
        HashSet<ushort> ports = [];
        for (int i = 0; i < 100; i++)
        {
            Segment syn = peer.Connect();
            numbers.Add(syn.Header.Sequence.Value >> 20);
            offsets.Add(syn.Header.TimestampValue >> 20);
            ports.Add(syn.Header.SourcePort);
            peer.Port++;
        }
        Assert.True(numbers.Count > 90 && offsets.Count > 90 && ports.Count > 90, $"{numbers.Count} {offsets.Count} {ports.Count}");
    }

    [Fact]
    public void RFC6528_one_four_tuple_gets_rising_numbers()
    {
        using TcpPeer peer = new();
        SequenceNumber first = peer.Connect(localPort: 5000).Header.Sequence;
        peer.Stack.Release(peer.Id, peer.Now);
        peer.Advance(TimeSpan.FromSeconds(1));
        SequenceNumber second = peer.Connect(localPort: 5000).Header.Sequence;
        Assert.Equal(250_000, second - first);
    }
}
