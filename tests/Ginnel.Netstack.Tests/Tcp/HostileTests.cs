using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class HostileTests
{
    [Fact]
    public void C8_only_the_exact_number_resets()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Rst, 70_000);
        peer.SentNothing();
        peer.Send(TcpFlags.Rst, 100);
        Segment challenge = peer.SentOne();
        Assert.Equal((TcpFlags.Ack, 1, 1), (challenge.Flags, challenge.Sequence, challenge.Acknowledgment));
        Assert.Equal(TcpState.Established, peer.State);
        peer.Send(TcpFlags.Rst, 1);
        Assert.Equal(TcpState.Closed, peer.State);
    }

    [Fact]
    public void C8_a_SYN_on_a_living_connection_is_challenged()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Syn, 10);
        Assert.Equal((TcpFlags.Ack, 1), (peer.SentOne() is var challenge ? (challenge.Flags, challenge.Acknowledgment) : default));
        peer.AdvanceMs(500);
        peer.Send(TcpFlags.Syn, 1_000_000);
        Assert.Equal(TcpFlags.Ack, peer.SentOne().Flags);
        Assert.Equal(TcpState.Established, peer.State);
    }

    [Fact]
    public void C8_challenges_are_limited_per_connection()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        for (int i = 0; i < 1000; i++) peer.Send(TcpFlags.Rst, 2 + i);
        Assert.Single(peer.Sent());
        Assert.Equal(999, peer.Host.Drops(DropReason.RateLimited));
        peer.AdvanceMs(500);
        peer.Send(TcpFlags.Rst, 2);
        Assert.Single(peer.Sent());
    }

    [Fact]
    public void C8_the_limit_of_the_stack_is_not_a_number_that_can_be_counted()
    {
        HashSet<int> sums = [];
        ChallengeAckLimiter limiter = new(new SeededEntropy(3));
        Instant now = new(1);
        for (int second = 0; second < 20; second++)
        {
            int taken = 0;
            while (limiter.TryTake(now)) taken++;
            Assert.InRange(taken, 1000, 1999);
            sums.Add(taken);
            now += TimeSpan.FromSeconds(2);
        }
        Assert.True(sums.Count > 15);
    }

    [Fact]
    public void C8_data_with_a_guessed_acknowledgment_are_refused()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, -70_000, [66]);
        peer.Send(TcpFlags.Ack, 1, 1_000_000, [66]);
        Assert.Empty(peer.ReadAll());
        Assert.Equal(2, peer.Host.Drops(DropReason.BadAcknowledgment));
        // RFC 5961 section 5.2: within the largest window behind SND.UNA it may be old but honest.
        peer.Write(1000);
        peer.Sent();
        peer.Ack(1, 1001);
        peer.Send(TcpFlags.Ack, 1, 500, [7]);
        Assert.Equal([7], peer.ReadAll());
    }

    [Theory]
    [InlineData(TcpFlags.Urg | TcpFlags.Ack, 65_535)]
    [InlineData(TcpFlags.Urg | TcpFlags.Ack, 0)]
    [InlineData(TcpFlags.Urg | TcpFlags.Ack | TcpFlags.Psh, 1)]
    public void C2_the_urgent_pointer_points_nowhere(TcpFlags flags, int pointer)
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(flags, 1, 1, [1, 2, 3], urgent: (ushort)pointer);
        peer.Send(flags, 4, 1, [], urgent: (ushort)pointer);
        Assert.Equal([1, 2, 3], peer.ReadAll());
    }

    [Fact]
    public void C14_of_octets_that_come_twice_the_first_stay()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true);
        peer.Send(TcpFlags.Ack, 4, 1, [4, 5, 6]);
        peer.Send(TcpFlags.Ack, 3, 1, [3, 99, 99, 99, 7]);
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2, 99, 99]);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], peer.ReadAll());
        peer.Send(TcpFlags.Ack, 6, 1, [99, 99, 8]);
        Assert.Equal([8], peer.ReadAll());
    }

    [Fact]
    public void C11_tiny_segments_with_holes_are_bounded()
    {
        using TcpPeer peer = new(new TcpOptions { MaxOutOfOrderRanges = 128 });
        peer.EstablishPassive(sack: true);
        for (int i = 0; i < 10_000; i++) peer.Send(TcpFlags.Ack, 3 + 2 * i, 1, [1]);
        Assert.Equal(10_000 - 128, peer.Host.Drops(DropReason.OutOfOrderLimit));
        Assert.InRange(peer.Stack.MemoryInUse, 1, 65_536);
        peer.Sent();
        byte[] all = Build.Bytes(20_100);
        peer.Send(TcpFlags.Ack, 1, 1, all);
        Assert.Equal(20_101, peer.Sent()[^1].Acknowledgment);
        Assert.Equal(20_100, peer.ReadAll().Length);
        Assert.Equal(0, peer.Stack.MemoryInUse);
    }

    [Fact]
    public void C18_PAWS_refuses_an_old_timestamp_and_a_missing_one()
    {
        using TcpPeer peer = new() { Timestamp = 5000 };
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, [1], timestamp: 6000);
        peer.Send(TcpFlags.Ack, 2, 1, [66], timestamp: 5999);
        Assert.Equal(1, peer.Host.Drops(DropReason.PawsRejected));
        peer.Timestamp = null;
        peer.Host.ReceiveDropped(DropReason.PawsRejected, peer.Build(TcpFlags.Ack, 2, 1, [66]));
        Assert.Equal([1], peer.ReadAll());
        Assert.All(peer.Sent(), segment => Assert.Equal(6000u, segment.Header.TimestampEcho));
        // RFC 7323 section 5.2: a reset is judged by its number alone.
        peer.Send(TcpFlags.Rst, 2, timestamp: 1);
        Assert.Equal(TcpState.Closed, peer.State);
    }

    [Fact]
    public void C18_timestamps_may_wrap_and_after_24_days_anything_goes()
    {
        using TcpPeer peer = new() { Timestamp = 0xFFFF_FFF0 };
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, [1], timestamp: 5);
        Assert.Equal([1], peer.ReadAll());
        peer.Advance(TimeSpan.FromDays(25));
        peer.Send(TcpFlags.Ack, 2, 1, [2], timestamp: 0xF000_0000);
        Assert.Equal([2], peer.ReadAll());
    }

    [Fact]
    public void RFC7323_the_echo_is_of_the_segment_that_was_next()
    {
        using TcpPeer peer = new() { Timestamp = 100 };
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 3, 1, [3], timestamp: 200);
        Assert.Equal(100u, peer.SentOne().Header.TimestampEcho);
        peer.Send(TcpFlags.Ack, 1, 1, [1, 2], timestamp: 150);
        Assert.Equal(150u, peer.SentOne().Header.TimestampEcho);
    }

    [Fact]
    public void C25_a_wrong_checksum_is_dropped_and_a_trusted_one_not_read()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        byte[] packet = peer.Build(TcpFlags.Ack, 1, 1, [1, 2]);
        packet[^1] ^= 1;
        peer.Host.ReceiveDropped(DropReason.BadChecksum, packet);
        peer.Host.Receive(packet, default, ChecksumState.Verified);
        Assert.Equal([1, 3], peer.ReadAll());
    }

    [Fact]
    public void C9_a_forged_ICMP_error_needs_a_number_in_flight_and_never_resets()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(3000);
        byte[] inFlight = peer.Host.Sent()[0];
        byte[] guessed = [.. inFlight];
        guessed[24] ^= 0x40;
        peer.Host.Receive(Build.Error(TestStack.PeerV4, TestStack.OwnV4, 3, 3, 0, guessed[..28]));
        Assert.Equal(1, peer.Host.Drops(DropReason.IcmpNotOurs));
        peer.Host.Receive(Build.Error(TestStack.PeerV4, TestStack.OwnV4, 3, 3, 0, inFlight[..28]));
        Assert.Equal(TcpState.Established, peer.State);
        peer.Ack(1, 3001);
        Assert.Equal(0, peer.Info.BytesInFlight);
    }

    [Fact]
    public void Too_big_lowers_the_segments_and_sends_again_without_harm_to_the_window()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(mss: 1460);
        peer.Write(10_000);
        List<byte[]> sent = peer.Host.Sent();
        int window = peer.Info.CongestionWindow;
        peer.Host.Receive(Build.Error(TestStack.PeerV4, TestStack.OwnV4, 3, 4, 1000, sent[0][..28]));
        Assert.Equal((960, window), (peer.Info.SendMss, peer.Info.CongestionWindow));
        List<Segment> again = peer.Sent();
        Assert.All(again, segment => Assert.InRange(segment.Length, 1, 960));
        Assert.Equal((1, 10_000), (again[0].Sequence, again.Sum(segment => segment.Length)));
    }

    [Theory]
    [InlineData(3, 1, NetworkFailure.HostUnreachable)]
    [InlineData(3, 0, NetworkFailure.NetworkUnreachable)]
    [InlineData(3, 3, NetworkFailure.Refused)]
    [InlineData(3, 13, NetworkFailure.Prohibited)]
    public void An_unreachable_peer_ends_the_attempt_at_once(byte type, byte code, NetworkFailure failure)
    {
        using TcpPeer peer = new();
        Assert.Equal(OpStatus.Ok, peer.Stack.Connect(default(IpEndpoint) with { Address = IpAddress.AnyV4 }, new IpEndpoint(TestStack.PeerV4, 9), peer.Now, out SocketId id));
        byte[] syn = peer.Host.Sent()[0];
        peer.Host.Receive(Build.Error(TestStack.PeerV4, TestStack.OwnV4, type, code, 0, syn[..28]));
        Assert.Equal(failure, peer.Stack.FailureOf(id));
    }

    [Fact]
    public void Two_confused_stacks_do_not_answer_each_other_for_ever()
    {
        using TcpPair pair = new();
        (SocketId client, SocketId server) = pair.Establish();
        long before = pair.PacketsCarried;
        // A bare segment far outside the window, once.
        byte[] stray = new byte[20];
        pair.Client.TryGetFlow(client, out FlowKey flow);
        new TcpHeader { SourcePort = flow.Local.Port, DestinationPort = 80, Sequence = new SequenceNumber(1), Flags = TcpFlags.Ack }.Write(stray);
        Assert.True(pair.Pool.TryRent(PacketSize.Small, out Packet packet));
        packet.Write(Build.Ip(TcpPair.ClientV4, TcpPair.ServerV4, IpProtocol.Tcp, stray));
        packet.Checksum = ChecksumState.Verified;
        PacketQueue batch = default;
        batch.Add(packet);
        pair.Server.Receive(pair.Interface, ref batch, pair.Now);
        pair.Run(TimeSpan.FromMinutes(1));
        Assert.InRange(pair.PacketsCarried - before, 0, 3);
    }
}
