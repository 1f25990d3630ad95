using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class PendingConnectionTests
{
    private static TcpPeer AnyIp(TcpOptions? options = null, int maxPending = 1024, bool v6 = false)
    {
        TcpPeer peer = new(options, anyIp: true, v6: v6, stackOptions: made => new StackOptions
        {
            Pool = made.Pool, Entropy = made.Entropy, Tcp = made.Tcp, MaxPending = maxPending,
        });
        peer.Own = v6 ? TestStack.FarV6 : TestStack.FarV4;
        peer.OwnPort = 443;
        return peer;
    }

    // The next pending connection; events of another socket are passed over.
    private static SocketId Pending(TcpPeer peer, SocketId other = default)
    {
        SocketEvent socketEvent;
        do Assert.True(peer.Stack.TryTakeEvent(out socketEvent));
        while (socketEvent.Id == other);
        Assert.Equal(SocketEvents.PendingConnection, socketEvent.Events);
        return socketEvent.Id;
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_SYN_is_held_until_accepted(bool v6)
    {
        using TcpPeer peer = AnyIp(v6: v6);
        peer.Send(TcpFlags.Syn, 0, mss: 1000, scale: 7, sackPermitted: true);
        peer.SentNothing();
        SocketId id = Pending(peer);
        Assert.True(peer.Stack.TryGetFlow(id, out FlowKey flow));
        Assert.Equal(new FlowKey(IpProtocol.Tcp, new IpEndpoint(peer.Own, 443), new IpEndpoint(peer.Peer, peer.Port)), flow);
        // A repeated SYN joins the pending one.
        peer.AdvanceMs(1000);
        peer.Send(TcpFlags.Syn, 0, mss: 1000, scale: 7, sackPermitted: true);
        Assert.False(peer.Stack.HasEvents);
        Assert.Equal(1, peer.Stack.SocketCount);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(id, peer.Now, out SocketId accepted));
        Assert.Equal(id, accepted);
        Segment answer = peer.SentOne();
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, answer.Flags);
        Assert.True(answer.Header is { SackPermitted: true, HasWindowScale: true });
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2]);
        Assert.Equal(SocketEvents.Connected | SocketEvents.Writable | SocketEvents.Readable, peer.Events(id));
        Assert.Equal(OpStatus.InvalidState, peer.Stack.Accept(id, peer.Now, out _));
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseReadable(id, out RingLease lease));
        Assert.Equal([1, 2], lease.First.ToArray());
    }

    [Fact]
    public void Refused_is_a_reset_and_nothing_stays()
    {
        using TcpPeer peer = AnyIp();
        peer.Send(TcpFlags.Syn, 0);
        SocketId id = Pending(peer);
        Assert.Equal(OpStatus.Ok, peer.Stack.Reject(id, NetworkFailure.Refused, peer.Now));
        Segment reset = peer.SentOne();
        Assert.Equal((TcpFlags.Rst | TcpFlags.Ack, 1), (reset.Flags, reset.Acknowledgment));
        Assert.Equal(0, peer.Stack.SocketCount);
        Assert.False(peer.Stack.HasEvents);
    }

    [Theory]
    [InlineData(NetworkFailure.HostUnreachable, 3, 1)]
    [InlineData(NetworkFailure.NetworkUnreachable, 3, 0)]
    [InlineData(NetworkFailure.Prohibited, 3, 13)]
    public void Unreachable_is_an_ICMP_error_that_quotes_the_SYN(NetworkFailure failure, byte type, byte code)
    {
        using TcpPeer peer = AnyIp();
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal(OpStatus.Ok, peer.Stack.Reject(Pending(peer), failure, peer.Now));
        byte[] error = Assert.Single(peer.Host.Sent());
        Assert.Equal(DropReason.None, IpV4View.TryParse(error, out IpV4View ip));
        Assert.Equal((type, code), (ip.Payload[0], ip.Payload[1]));
        ReadOnlySpan<byte> quoted = ip.Payload[28..];
        Assert.Equal(peer.Port, (ushort)(quoted[0] << 8 | quoted[1]));
        Assert.Equal(443, quoted[2] << 8 | quoted[3]);
        Assert.Equal(peer.PeerIss.Value, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(quoted[4..]));
        Assert.Equal(0, peer.Stack.SocketCount);
    }

    [Fact]
    public void Silence_is_possible_too()
    {
        using TcpPeer peer = AnyIp();
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal(OpStatus.Ok, peer.Stack.Reject(Pending(peer), NetworkFailure.None, peer.Now));
        Assert.Empty(peer.Host.Sent());
    }

    [Fact]
    public void A_reset_from_the_peer_abandons()
    {
        using TcpPeer peer = AnyIp();
        peer.Send(TcpFlags.Syn, 0);
        SocketId id = Pending(peer);
        peer.Send(TcpFlags.Rst, 5);
        Assert.False(peer.Stack.HasEvents);
        peer.Send(TcpFlags.Rst, 1);
        Assert.True(peer.Events(id).HasFlag(SocketEvents.Failed));
        Assert.Equal(NetworkFailure.Reset, peer.Stack.FailureOf(id));
        Assert.Equal(OpStatus.Failed, peer.Stack.Accept(id, peer.Now, out _));
        peer.Stack.Release(id, peer.Now);
        Assert.Equal(0, peer.Stack.SocketCount);
    }

    [Fact]
    public void Nobody_waits_for_ever()
    {
        using TcpPeer peer = AnyIp(new TcpOptions { PendingTimeout = TimeSpan.FromSeconds(20) });
        peer.Send(TcpFlags.Syn, 0);
        SocketId id = Pending(peer);
        peer.Advance(TimeSpan.FromSeconds(20));
        Assert.Equal(NetworkFailure.TimedOut, peer.Stack.FailureOf(id));
        peer.SentNothing();
    }

    [Fact]
    public void D16_over_the_limit_the_first_SYN_is_turned_away_and_who_repeats_it_gets_in()
    {
        using TcpPeer peer = AnyIp(maxPending: 10);
        void Knock(int from, int count)
        {
            for (int i = from; i < from + count; i++)
            {
                peer.Port = (ushort)(2000 + i);
                peer.Send(TcpFlags.Syn, 0);
            }
        }
        Knock(0, 1000);
        Assert.Equal((0L, 990L, 10), (peer.Stack.Counters.PendingEvicted, peer.Host.Drops(DropReason.BacklogFull), peer.Stack.SocketCount));
        List<SocketId> ids = [];
        while (peer.Stack.TryTakeEvent(out SocketEvent next)) ids.Add(next.Id);
        Assert.Equal(10, ids.Count);
        Knock(500, 1);
        Assert.Equal(1L, peer.Stack.Counters.PendingEvicted);
        SocketId evicted = ids.Single(id => peer.Stack.FailureOf(id) == NetworkFailure.Evicted);
        Assert.True(peer.Stack.TryGetFlow(Pending(peer, evicted), out FlowKey flow));
        Assert.Equal(2500, flow.Remote.Port);
        foreach (SocketId id in ids) peer.Stack.Release(id, peer.Now);
        while (peer.Stack.TryTakeEvent(out SocketEvent next)) peer.Stack.Release(next.Id, peer.Now);
        peer.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(0L, peer.Stack.MemoryInUse);
        peer.SentNothing();
    }

    [Fact]
    public void D16_a_SYN_that_was_turned_away_is_not_taken_for_another_attempt()
    {
        using TcpPeer peer = AnyIp(maxPending: 1);
        peer.Send(TcpFlags.Syn, 0);
        peer.Port++;
        peer.Send(TcpFlags.Syn, 0);
        peer.PeerIss += 1;
        peer.Send(TcpFlags.Syn, 0);
        peer.Port++;
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal((0L, 3L), (peer.Stack.Counters.PendingEvicted, peer.Host.Drops(DropReason.BacklogFull)));
    }

    [Fact]
    public void D16_of_a_hundred_thousand_SYNs_in_a_second_nearly_every_one_that_is_repeated_is_known()
    {
        using TcpPeer peer = AnyIp(maxPending: 2);
        SequenceNumber iss = peer.PeerIss;
        long Knock(int from, int to, int step)
        {
            long before = peer.Stack.Counters.PendingEvicted;
            for (int i = from; i < to; i += step)
            {
                peer.Port = (ushort)(2000 + i % 60_000);
                peer.PeerIss = iss + i / 60_000;
                peer.Send(TcpFlags.Syn, 0);
            }
            return peer.Stack.Counters.PendingEvicted - before;
        }
        Assert.InRange(Knock(0, 100_000, 1), 0, 60);
        Assert.InRange(Knock(50, 100_000, 100), 990, 1_000);
    }

    [Fact]
    public void D16_without_memory_for_what_was_turned_away_a_random_one_gives_way_at_once()
    {
        using TcpPeer peer = AnyIp(maxPending: 1);
        peer.Stack.MemoryLimit = 1000;
        peer.Send(TcpFlags.Syn, 0);
        peer.Port++;
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal((1L, 0L), (peer.Stack.Counters.PendingEvicted, peer.Host.Drops(DropReason.BacklogFull)));
    }

    /// <summary>Accepts what is offered and lets go of what has failed; how many were accepted.</summary>
    private static int AcceptAll(TcpPeer peer)
    {
        int accepted = 0;
        while (peer.Stack.TryTakeEvent(out SocketEvent next))
        {
            if (next.Events.HasFlag(SocketEvents.Failed)) Assert.Equal(OpStatus.Ok, peer.Stack.Release(next.Id, peer.Now));
            else if (peer.Stack.Accept(next.Id, peer.Now, out SocketId _) == OpStatus.Ok) accepted++;
        }
        return accepted;
    }

    /// <summary>So many SYNs from different ports, each dialled at once and accepted; how many were.</summary>
    private static int Flood(TcpPeer peer, int from, int count)
    {
        int accepted = 0;
        for (int i = from; i < from + count; i++)
        {
            peer.Port = (ushort)(2000 + i);
            peer.Send(TcpFlags.Syn, 0);
            accepted += AcceptAll(peer);
            peer.Host.Sent();
        }
        return accepted;
    }

    [Fact]
    public void D1_accepted_ones_that_never_complete_their_handshake_are_bounded_and_so_are_their_dials()
    {
        using TcpPeer peer = AnyIp(maxPending: 4);
        Assert.Equal(16, Flood(peer, 0, 1000));
        Assert.Equal((984L, 16), (peer.Host.Drops(DropReason.BacklogFull), peer.Stack.SocketCount));
        // A client repeats its SYN, though nothing is pending in between: the oldest gives way.
        Assert.Equal(1, Flood(peer, 500, 1));
        Assert.Equal((1L, 16), (peer.Stack.Counters.HalfOpenEvicted, peer.Stack.SocketCount));
        // What has had its time gives way to anybody, which is no work.
        peer.Advance(TimeSpan.FromSeconds(10));
        peer.Host.Sent();
        Assert.Equal(16, Flood(peer, 2000, 100));
        Assert.Equal((17L, 16), (peer.Stack.Counters.HalfOpenEvicted, peer.Stack.SocketCount));
    }

    [Fact]
    public void What_was_turned_away_is_forgotten_with_the_last_that_is_not_completed()
    {
        using TcpPeer peer = AnyIp(new TcpOptions { ConnectTimeout = TimeSpan.FromSeconds(20) }, maxPending: 4);
        Flood(peer, 0, 100);
        Assert.NotEqual(0, peer.Stack.MemoryInUse);
        for (int i = 0; i < 30; i++)
        {
            peer.AdvanceMs(1000);
            AcceptAll(peer);
            peer.Host.Sent();
        }
        Assert.Equal((0L, 0), (peer.Stack.MemoryInUse, peer.Stack.SocketCount));
    }

    [Fact]
    public void An_accepted_one_that_is_established_gives_way_to_nobody()
    {
        using TcpPeer peer = AnyIp(maxPending: 1);
        peer.Send(TcpFlags.Syn, 0);
        SocketId first = Pending(peer);
        peer.Stack.Accept(first, peer.Now, out _);
        peer.SentOne();
        peer.Send(TcpFlags.Ack, 1, 1);
        Assert.Equal(4, Flood(peer, 10_000, 5));
        Assert.Equal(1, Flood(peer, 10_004, 1));
        Assert.True(peer.Stack.TryGetInfo(first, out TcpInfo info));
        Assert.Equal((TcpState.Established, 1L), (info.State, peer.Stack.Counters.HalfOpenEvicted));
    }

    [Fact]
    public void An_accepted_one_that_the_peer_forgot_times_out()
    {
        using TcpPeer peer = AnyIp(new TcpOptions { ConnectTimeout = TimeSpan.FromSeconds(10) });
        peer.Send(TcpFlags.Syn, 0);
        SocketId id = Pending(peer);
        peer.Stack.Accept(id, peer.Now, out _);
        for (int i = 0; i < 11; i++) { peer.AdvanceMs(1000); peer.Sent(); }
        Assert.Equal(NetworkFailure.TimedOut, peer.Stack.FailureOf(id));
    }

    [Fact]
    public void Own_listeners_come_first()
    {
        using TcpPeer peer = AnyIp();
        peer.Own = TestStack.OwnV4;
        peer.OwnPort = 80;
        peer.EstablishPassive();
        Assert.Equal(TcpState.Established, peer.State);
        // And a listener for all own addresses is none for foreign ones.
        peer.Own = TestStack.FarV4;
        peer.Port++;
        peer.Send(TcpFlags.Syn, 0);
        peer.SentNothing();
        Pending(peer);
    }

    [Fact]
    public void A_listener_may_name_a_foreign_address()
    {
        using TcpPeer peer = AnyIp();
        Assert.Equal(OpStatus.Ok, peer.Stack.Listen(new IpEndpoint(TestStack.FarV4, 443), 5, out SocketId listener));
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, peer.SentOne().Flags);
        peer.Send(TcpFlags.Ack, 1, 1);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(listener, peer.Now, out _));
    }

    [Fact]
    public void A_segment_that_is_no_SYN_is_reset_from_the_address_it_was_sent_to()
    {
        using TcpPeer peer = AnyIp();
        peer.Send(TcpFlags.Ack, 100, 1000);
        Assert.Equal((TcpFlags.Rst, 1000), (peer.SentOne() is var reset ? (reset.Flags, reset.Sequence) : default));
    }

    [Fact]
    public void A_pending_connection_has_no_buffers_and_little_else()
    {
        using TcpPeer peer = AnyIp();
        peer.Send(TcpFlags.Syn, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 500; i++)
        {
            peer.Port = (ushort)(3000 + i);
            peer.Host.Receive(peer.Build(TcpFlags.Syn, 0));
        }
        long each = (GC.GetAllocatedBytesForCurrentThread() - before) / 500;
        Assert.InRange(each, 1, 1600); // the test's own packets included
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }
}
