using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class AcknowledgmentTests
{
    [Fact]
    public void The_first_segment_waits_and_the_second_does_not()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(1000));
        peer.SentNothing();
        peer.AdvanceMs(39.9);
        peer.SentNothing();
        peer.AdvanceMs(0.1);
        Assert.Equal(1001, peer.SentOne().Acknowledgment);
        peer.Send(TcpFlags.Ack, 1001, 1, Build.Bytes(1000));
        peer.Send(TcpFlags.Ack, 2001, 1, Build.Bytes(1000));
        Assert.Equal(3001, peer.SentOne().Acknowledgment);
        peer.AdvanceMs(1000);
        peer.SentNothing();
    }

    [Fact]
    public void A_batch_gets_one_acknowledgment()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        byte[][] batch = new byte[10][];
        for (int i = 0; i < 10; i++) batch[i] = peer.Build(TcpFlags.Ack, 1 + 1000 * i, 1, Build.Bytes(1000));
        peer.Host.Receive(batch);
        Assert.Equal(10_001, peer.SentOne().Acknowledgment);
    }

    [Theory]
    [InlineData(1000, false)]
    [InlineData(1001, true)]
    [InlineData(60_000, true)]
    public void A_super_segment_counts_as_what_it_stands_for(int length, bool atOnce)
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        byte[] data = Build.Bytes(length);
        peer.Host.Receive(peer.Build(TcpFlags.Ack, 1, 1, data), new Segmentation(SegmentationKind.TcpV4, 1000), ChecksumState.Verified);
        Assert.Equal(atOnce ? 1 : 0, peer.Sent().Count);
        Assert.Equal(data, peer.ReadAll());
    }

    [Fact]
    public void Every_segment_out_of_order_is_acknowledged_at_once_with_the_latest_range_first()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true);
        peer.Send(TcpFlags.Ack, 1001, 1, Build.Bytes(1000));
        peer.Send(TcpFlags.Ack, 5001, 1, Build.Bytes(1000));
        peer.Send(TcpFlags.Ack, 3001, 1, Build.Bytes(1000));
        List<Segment> acks = peer.Sent();
        Assert.Equal(3, acks.Count);
        Segment last = acks[^1];
        Assert.Equal(1, last.Acknowledgment);
        Assert.Equal([(3001, 4001), (5001, 6001), (1001, 2001)], Blocks(peer, last));
        // A hole filled is news as well.
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(1000));
        last = peer.SentOne();
        Assert.Equal(2001, last.Acknowledgment);
        Assert.Equal([(3001, 4001), (5001, 6001)], Blocks(peer, last));
    }

    [Fact]
    public void RFC2883_what_came_twice_is_reported_first()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(sack: true);
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(1000));
        peer.Send(TcpFlags.Ack, 3001, 1, Build.Bytes(1000));
        peer.Sent();
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(1000));
        Segment ack = peer.SentOne();
        Assert.Equal([(1, 1001), (3001, 4001)], Blocks(peer, ack));
        peer.Send(TcpFlags.Ack, 3001, 1, Build.Bytes(1000));
        Assert.Equal((3001, 4001), Blocks(peer, peer.SentOne())[0]);
    }

    [Fact]
    public void With_timestamps_three_blocks_fit_and_data_make_room_for_them()
    {
        using TcpPeer peer = new() { Timestamp = 1 };
        peer.EstablishPassive(sack: true, mss: 1000);
        for (int i = 0; i < 5; i++) peer.Send(TcpFlags.Ack, 1001 + 2000 * i, 1, Build.Bytes(1000));
        Assert.Equal(3, peer.Sent()[^1].Header.SackCount);
        peer.Write(2000);
        foreach (Segment segment in peer.Sent()) Assert.InRange(segment.Length + segment.Header.Size, 20, 1020);
    }

    private static (int, int)[] Blocks(TcpPeer peer, Segment segment)
    {
        var blocks = new (int, int)[segment.Header.SackCount];
        for (int i = 0; i < blocks.Length; i++) blocks[i] = (segment.Header.Sack[i].Left - peer.PeerIss, segment.Header.Sack[i].Right - peer.PeerIss);
        return blocks;
    }

    [Fact]
    public void Nagle_holds_small_data_back_only_while_something_is_in_flight()
    {
        using TcpPeer peer = new(new TcpOptions { Nagle = true });
        peer.EstablishPassive();
        peer.Write(10);
        Assert.Equal(10, peer.SentOne().Length);
        peer.Write(10);
        peer.SentNothing();
        peer.Write(1500);
        Assert.Equal(1000, peer.SentOne().Length);
        peer.Ack(1, 11);
        peer.SentNothing();
        peer.Ack(1, 1011);
        Assert.Equal(510, peer.SentOne().Length);
        peer.Write(10);
        peer.SentNothing();
        peer.Stack.SetNagle(peer.Id, enabled: false, peer.Now);
        Assert.Equal(10, peer.SentOne().Length);
    }

    [Fact]
    public void Sequence_numbers_wrap_in_the_middle_of_a_transfer()
    {
        using TcpPeer peer = new() { PeerIss = new SequenceNumber(uint.MaxValue - 20_000) };
        peer.EstablishPassive(sack: true);
        byte[] data = Build.Bytes(60_000);
        for (int i = 1000; i < 60_000; i += 2000) peer.Send(TcpFlags.Ack, 1 + i, 1, data[i..(i + 1000)]);
        for (int i = 0; i < 60_000; i += 2000) peer.Send(TcpFlags.Ack, 1 + i, 1, data[i..(i + 1000)]);
        Assert.Equal(data, peer.ReadAll());
        Assert.Equal(60_001, peer.Sent()[^1].Acknowledgment);
    }
}
