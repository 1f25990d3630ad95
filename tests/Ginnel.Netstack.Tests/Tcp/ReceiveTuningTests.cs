using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>Windows that follow what readers take, within one budget.</summary>
public sealed class ReceiveTuningTests
{
    private static readonly Instant Start = new(TimeSpan.TicksPerDay);

    [Fact]
    public void The_round_trip_comes_from_the_first_of_equal_echoes()
    {
        ReceiveTuning tuning = default;
        tuning.NoteEcho(1000, 1080);
        Assert.Equal(TimeSpan.FromMilliseconds(80), tuning.RoundTrip);
        tuning.NoteEcho(1000, 1500);
        Assert.Equal(TimeSpan.FromMilliseconds(80), tuning.RoundTrip);
        tuning.NoteEcho(1100, 1260);
        Assert.Equal(TimeSpan.FromMilliseconds(90), tuning.RoundTrip);
        // Nothing, the future, and what is too long ago to be true.
        tuning.NoteEcho(0, 2000);
        tuning.NoteEcho(3000, 2000);
        tuning.NoteEcho(1, 1_000_000);
        Assert.Equal(TimeSpan.FromMilliseconds(90), tuning.RoundTrip);
    }

    [Fact]
    public void Without_timestamps_it_is_the_shortest_time_that_a_window_took()
    {
        ReceiveTuning tuning = default;
        SequenceNumber zero = new(uint.MaxValue - 100);
        tuning.NoteArrival(zero, zero + 1000, Start);
        tuning.NoteArrival(zero + 999, zero + 2000, Start + TimeSpan.FromMilliseconds(10));
        Assert.Equal(TimeSpan.Zero, tuning.RoundTrip);
        tuning.NoteArrival(zero + 1000, zero + 2000, Start + TimeSpan.FromMilliseconds(50));
        Assert.Equal(TimeSpan.FromMilliseconds(50), tuning.RoundTrip);
        tuning.NoteArrival(zero + 2000, zero + 3000, Start + TimeSpan.FromMilliseconds(500));
        Assert.Equal(TimeSpan.FromMilliseconds(50), tuning.RoundTrip);
        tuning.NoteArrival(zero + 3000, zero + 4000, Start + TimeSpan.FromMilliseconds(540));
        Assert.Equal(TimeSpan.FromMilliseconds(40), tuning.RoundTrip);
    }

    [Fact]
    public void The_buffer_is_twice_what_is_taken_in_a_round_trip_and_more_while_that_grows()
    {
        ReceiveTuning tuning = default;
        TimeSpan roundTrip = TimeSpan.FromMilliseconds(100);
        Assert.Equal(0, tuning.Taken(50_000, roundTrip, 1000, Start));
        Assert.Equal(0, tuning.Taken(50_000, roundTrip, 1000, Start + TimeSpan.FromMilliseconds(99)));
        int growing = tuning.Taken(100_000, roundTrip, 1000, Start + TimeSpan.FromMilliseconds(100));
        Assert.InRange(growing, 900_000, 1_300_000);
        Assert.Equal(416_000, tuning.Taken(200_000, roundTrip, 1000, Start + TimeSpan.FromMilliseconds(200)));
        // A reader that comes once a second takes a tenth of that in a round trip.
        Assert.Equal(56_000, tuning.Taken(200_000, roundTrip, 1000, Start + TimeSpan.FromMilliseconds(1200)));
        Assert.Equal(0, tuning.Taken(200_000, TimeSpan.Zero, 1000, Start + TimeSpan.FromMilliseconds(9000)));
    }

    [Fact]
    public void A_slow_reader_of_much_is_promised_no_more_than_at_first()
    {
        using TcpPair pair = new();
        (SocketId client, SocketId server) = pair.Establish();
        byte[] data = Build.Bytes(8_000_000);
        int written = 0, read = 0;
        for (int tick = 0; tick < 200; tick++)
        {
            written += pair.Write(pair.Client, client, data.AsSpan(written));
            pair.Run(TimeSpan.FromMilliseconds(100));
            if (pair.Server.TryLeaseReadable(server, out RingLease lease) != OpStatus.Ok) continue;
            int count = Math.Min(20_000, lease.Length);
            read += count;
            pair.Server.Consume(server, count, pair.Now);
            Assert.InRange(pair.Info(pair.Server, server).ReceiveQueued, 0, 131_072);
        }
        Assert.InRange(read, 3_000_000, 4_000_000);
        Assert.InRange(pair.Server.MemoryInUse, 1, 131_072);
    }

    [Fact]
    public void Many_idle_readers_are_promised_no_more_than_there_is()
    {
        const int Count = 10_000;
        using TcpPair pair = new(serverOptions: made => new StackOptions { Pool = made.Pool, Entropy = made.Entropy, Tcp = made.Tcp, MemoryLimit = 256 << 20 });
        SocketId listener = pair.Listen(backlog: Count);
        List<SocketId> clients = [];
        for (int i = 0; i < Count; i++)
        {
            clients.Add(pair.Connect(fromPort: (ushort)(10_000 + i)));
            if (i % 500 == 499) pair.Run(TimeSpan.FromMilliseconds(30));
        }
        pair.Run(TimeSpan.FromSeconds(1));
        long promised = 0;
        int accepted = 0;
        while (pair.Server.Accept(listener, pair.Now, out SocketId id) == OpStatus.Ok)
        {
            accepted++;
            promised += pair.Info(pair.Server, id).ReceiveWindow;
        }
        Assert.Equal((Count, 0L), (accepted, pair.Server.MemoryInUse));
        Assert.InRange(promised, 1, 256 << 20);
    }

    [Fact]
    public void When_memory_is_short_promises_shrink_to_what_is_taken_and_no_edge_moves_left()
    {
        using TcpPair pair = new();
        (SocketId client, SocketId server) = pair.Establish();
        byte[] data = Build.Bytes(100_000);
        SequenceNumber edge = default;
        bool any = false;
        pair.Wire = (toServer, packet) =>
        {
            if (toServer) return default;
            Assert.Equal(DropReason.None, IpV4View.TryParse(packet.Span, out IpV4View ip));
            Assert.Equal(DropReason.None, TcpView.TryParse(ip.Payload, out TcpView view));
            TcpHeader.Read(view, out TcpHeader header);
            SequenceNumber told = header.Acknowledgment + (header.Window << 7);
            // RFC 7323 section 2.4: less than one unit of the scale may be rounded away.
            if (any) Assert.True(told - edge > -(1 << 7), $"the edge moved left by {edge - told}");
            (edge, any) = (any ? SequenceNumber.Max(edge, told) : told, true);
            return default;
        };
        void Work(TimeSpan span)
        {
            pair.Run(span, () =>
            {
                pair.Write(pair.Client, client, data);
                pair.Read(pair.Server, server, out _);
                return false;
            });
        }
        Work(TimeSpan.FromMilliseconds(300));
        int wide = pair.Info(pair.Server, server).ReceiveWindow;
        Assert.InRange(wide, 1_000_000, 4 << 20);
        // Something else takes more than half of the memory; the sender slows down to 15 kB in 20 ms.
        pair.Server.MemoryLimit = 120 << 10;
        SocketId port = default;
        Assert.Equal(OpStatus.Ok, pair.Server.Bind(new DatagramPortOptions { Local = new IpEndpoint(IpAddress.AnyV4, 9) }, out port));
        for (int i = 0; i < 26; i++) Datagram(pair);
        Assert.InRange(pair.Server.MemoryInUse, 62_000, 100_000);
        for (int i = 0; i < 300; i++)
        {
            pair.Write(pair.Client, client, data.AsSpan(0, 15_000));
            pair.Run(TimeSpan.FromMilliseconds(20));
            pair.Read(pair.Server, server, out _);
        }
        Assert.InRange(pair.Info(pair.Server, server).ReceiveWindow, 0, wide / 4 * 3);
        pair.Server.Release(port, pair.Now);
    }

    private static void Datagram(TcpPair pair)
    {
        byte[] bytes = Build.Udp(new IpEndpoint(TcpPair.ClientV4, 8), new IpEndpoint(TcpPair.ServerV4, 9), Build.Bytes(1200));
        Assert.True(pair.Pool.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet));
        packet.Write(bytes);
        PacketQueue batch = default;
        batch.Add(packet);
        pair.Server.Receive(pair.Interface, ref batch, pair.Now);
    }

    [Fact]
    public void A_window_that_memory_closed_opens_when_memory_comes_back()
    {
        using TcpPeer peer = new(stackOptions: made => new StackOptions { Pool = made.Pool, Entropy = made.Entropy, Tcp = made.Tcp, MemoryLimit = 40_000 });
        peer.Listen();
        // Fragments of something else have filled it: the SYN-ACK promises nothing.
        for (ushort id = 1; id < 60; id++)
            peer.Host.Receive(Build.IpV4(peer.Peer, peer.Own, IpProtocol.Udp, Build.Bytes(id < 30 ? 1400 : 100), id: id, more: true));
        Assert.InRange(peer.Stack.MemoryInUse, 36_000, 40_000);
        peer.Send(TcpFlags.Syn, 0);
        Assert.Equal(0, peer.SentOne().Window);
        peer.Send(TcpFlags.Ack, 1, 1);
        peer.SentNothing();
        // The fragments are given up: a window is told without being asked for.
        peer.Advance(TimeSpan.FromSeconds(61));
        Assert.InRange(peer.SentOne().Window, 16_000, 65_535);
    }

    [Fact]
    public void C11_octets_beyond_a_hole_do_not_pin_memory_when_it_is_short()
    {
        using TcpPeer peer = new(stackOptions: made => new StackOptions { Pool = made.Pool, Entropy = made.Entropy, Tcp = made.Tcp, MemoryLimit = 1 << 20 });
        peer.Listen(backlog: 1000);
        for (int i = 0; i < 500; i++)
        {
            peer.Port = (ushort)(2000 + i);
            peer.Send(TcpFlags.Syn, 0);
            peer.Sent();
            peer.Send(TcpFlags.Ack, 1, 1);
            peer.Send(TcpFlags.Ack, 10_000, 1, [1]);
            peer.Sent();
            Assert.InRange(peer.Stack.MemoryInUse, 0, (1 << 20) / 2 + 16_384);
        }
        Assert.True(peer.Host.Drops(DropReason.ReceiveBufferFull) > 400);
        // In order there is room.
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(1000));
        peer.AdvanceMs(50);
        Assert.Equal(1001, peer.SentOne().Acknowledgment);
    }

    [Fact]
    public void The_send_buffer_follows_the_congestion_window()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(mss: 1460, scale: 8, window: 65_535);
        int first = peer.Write(Build.Bytes(8 << 20));
        Assert.InRange(first, 262_144, 524_288);
        int acknowledged = 1;
        for (int round = 0; round < 12; round++)
        {
            foreach (Segment segment in peer.Sent()) acknowledged = segment.Sequence + segment.Length;
            peer.AdvanceMs(20);
            peer.Ack(1, acknowledged);
            peer.Write(Build.Bytes(8 << 20));
        }
        Assert.InRange(peer.Info.CongestionWindow, 1 << 20, 1 << 30);
        Assert.InRange(peer.Info.SendQueued, 2 << 20, 4 << 20);
    }

    [Fact]
    public void Switched_off_the_send_buffer_is_large_at_once()
    {
        using TcpPeer peer = new(new TcpOptions { TuneSendBuffer = false });
        peer.EstablishPassive();
        Assert.Equal(4 << 20, peer.Write(Build.Bytes(8 << 20)));
    }

    [Fact]
    public void C12_where_memory_is_short_who_keeps_the_window_shut_gets_no_more_and_goes()
    {
        using TcpPeer peer = new(stackOptions: made => new StackOptions { Pool = made.Pool, Entropy = made.Entropy, Tcp = made.Tcp, MemoryLimit = 1 << 20 });
        List<SocketId> hoarders = [];
        peer.Listen(backlog: 1000);
        for (int i = 0; i < 100; i++)
        {
            peer.Port = (ushort)(2000 + i);
            peer.EstablishPassive(window: 0);
            hoarders.Add(peer.Id);
            peer.Write(Build.Bytes(1 << 20));
        }
        // An open window is served from what is left for those who get rid of it.
        Assert.InRange(peer.Stack.MemoryInUse, (1 << 20) / 8 * 5, (1 << 20) / 4 * 3 - RingMemory.Smallest);
        peer.Port = 9999;
        peer.EstablishPassive();
        Assert.NotEqual(0, peer.Write(Build.Bytes(1000)));
        peer.Sent();
        peer.Ack(1, 1001);
        // The hoarders are reset when they are probed, as long as memory is short.
        peer.AdvanceMs(70_000);
        peer.Host.Sent();
        Assert.True(hoarders.Count(id => peer.Stack.FailureOf(id) == NetworkFailure.TimedOut) is > 0 and < 100);
        Assert.InRange(peer.Stack.MemoryInUse, 1, (1 << 20) / 8 * 5);
    }

    [Fact]
    public void C12_where_memory_is_plenty_a_shut_window_is_probed_for_ever()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(window: 0);
        Assert.NotEqual(0, peer.Write(Build.Bytes(1 << 18)));
        for (int second = 0; second < 600; second++)
        {
            peer.AdvanceMs(1000);
            if (peer.Sent().Count > 0) peer.Ack(1, 1, window: 0);
        }
        Assert.Equal(TcpState.Established, peer.State);
    }

    [Fact]
    public void A_writer_that_waits_for_an_open_window_is_woken_by_it()
    {
        using TcpPeer peer = new(stackOptions: made => new StackOptions { Pool = made.Pool, Entropy = made.Entropy, Tcp = made.Tcp, MemoryLimit = 1 << 18 });
        peer.Listen(backlog: 100);
        int count = 0;
        do
        {
            Assert.InRange(count, 0, 50);
            peer.Port = (ushort)(2000 + count++);
            peer.EstablishPassive(window: 0);
        }
        while (peer.Write(Build.Bytes(1 << 18)) > 0);
        Assert.InRange(peer.Stack.MemoryInUse, (1 << 18) / 8 * 5, (1 << 18) / 4 * 3 - RingMemory.Smallest);
        peer.Events();
        peer.Ack(1, 1, window: 20_000);
        Assert.True(peer.Events().HasFlag(SocketEvents.Writable));
        Assert.Equal(OpStatus.Ok, peer.Stack.TryLeaseWritable(peer.Id, 1, out _));
        Assert.Equal(OpStatus.Ok, peer.Stack.Commit(peer.Id, 0, peer.Now));
    }
}
