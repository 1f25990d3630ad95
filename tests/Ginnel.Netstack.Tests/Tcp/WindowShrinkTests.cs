using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>Peers that take their window back (RFC 9293 section 3.8.6, RFC 7323 section 2.4).</summary>
public sealed class WindowShrinkTests
{
    [Fact]
    public void Nothing_new_is_sent_into_a_window_that_was_taken_back()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(window: 10_000);
        peer.Write(30_000);
        Assert.Equal(10_000, peer.Sent().Sum(segment => segment.Length));
        // The edge moves from 10,001 to 5,001, with half of it in flight.
        peer.Ack(1, 3001, window: 2000);
        peer.SentNothing();
        Assert.Equal(7000, peer.Info.BytesInFlight);
        peer.Ack(1, 5001, window: 8000);
        Assert.Equal((10_001, 3000), (peer.Sent() is var sent ? (sent[0].Sequence, sent.Sum(segment => segment.Length)) : default));
    }

    [Fact]
    public void What_is_sent_again_ends_at_the_edge()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive(window: 10_000);
        peer.Write(10_000);
        peer.Sent();
        peer.Ack(1, 1001, window: 1500);
        peer.AdvanceMs(1500);
        foreach (Segment segment in peer.Sent())
        {
            Assert.True(segment.Sequence + segment.Length <= 2501, $"{segment}");
        }
        peer.Ack(1, 2501, window: 0);
        peer.AdvanceMs(60_000);
        // A window that is shut is probed with the first segment, and nothing behind it.
        List<Segment> probes = peer.Sent();
        Assert.NotEmpty(probes);
        Assert.All(probes, segment => Assert.Equal(2501, segment.Sequence));
        peer.Ack(1, 2501, window: 20_000);
        int end = 2501;
        for (int i = 0; i < 100 && end < 10_001; i++)
        {
            foreach (Segment segment in peer.Sent()) if (segment.Sequence <= end) end = Math.Max(end, segment.Sequence + segment.Length);
            peer.Ack(1, end, window: 20_000);
            peer.AdvanceMs(50);
        }
        Assert.Equal(10_001, end);
    }

    [Fact]
    public void A_connection_whose_window_was_taken_back_is_not_given_up()
    {
        using TcpPeer peer = new(new TcpOptions { GiveUpAfter = TimeSpan.FromSeconds(100) });
        peer.EstablishPassive(window: 10_000);
        peer.Write(10_000);
        peer.Sent();
        for (int second = 0; second < 600; second++)
        {
            peer.AdvanceMs(1000);
            if (peer.Sent().Count > 0) peer.Ack(1, 1, window: 0);
        }
        Assert.Equal(TcpState.Established, peer.State);
    }

    /// <summary>
    /// A peer behind which somebody shrinks windows at random, and of what lies beyond lets only so much through that it is answered: every octet
    /// arrives.
    /// </summary>
    [Theory]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    [InlineData(5, true)]
    [InlineData(6, false)]
    public void Every_octet_arrives_at_a_peer_that_changes_its_mind(ulong seed, bool sack)
    {
        SeededEntropy dice = new(seed);
        TcpOptions options = new() { Sack = sack, WindowScaling = false, Timestamps = seed % 2 == 0, GiveUpAfter = TimeSpan.FromMinutes(30) };
        using TcpPair pair = new(options, options, offloads: LinkOffloads.PartialChecksum, seed: seed);
        (SocketId client, SocketId server) = pair.Establish();
        SequenceNumber edge = default;
        bool told = false;
        int shrunk = 0, beyond = 0, packets = 0;
        pair.Wire = (toServer, packet) =>
        {
            Assert.Equal(DropReason.None, IpV4View.TryParse(packet.Span, out IpV4View ip));
            Assert.Equal(DropReason.None, TcpView.TryParse(ip.Payload, out TcpView view));
            TcpHeader.Read(view, out TcpHeader header);
            if (toServer)
            {
                // Apart from each other, so that there are many acknowledgments.
                Fate late = new(ExtraDelay: TimeSpan.FromMicroseconds(200 * (packets++ % 40)));
                if (!told || header.Sequence + view.Payload.Length <= edge || view.Payload.Length == 0) return late;
                beyond++;
                // As if it had come long ago: it is acknowledged and brings nothing.
                BinaryPrimitives.WriteUInt32BigEndian(packet.Span[(20 + 4)..], (edge - 300_000).Value);
                packet.Checksum = ChecksumState.Verified;
                return late;
            }
            int window = header.Window;
            if (dice.Next(3) == 0) window = (int)(window / (1 + dice.Next(20)) / (dice.Next(6) == 0 ? 50_000 : 1));
            if (told && header.Acknowledgment + window < edge) shrunk++;
            // Of what one acknowledgment opened the next may take away; what was taken in stays taken in.
            (edge, told) = (header.Acknowledgment + window, true);
            BinaryPrimitives.WriteUInt16BigEndian(packet.Span[(20 + 14)..], (ushort)window);
            packet.Checksum = ChecksumState.Verified;
            return default;
        };
        byte[] data = Build.Bytes(2_000_000, (int)seed);
        pair.Transfer(pair.Client, client, pair.Server, server, data, TimeSpan.FromHours(3));
        Assert.True(shrunk > 20 && beyond > 5, $"{shrunk} windows shrank, {beyond} packets lay beyond");
    }
}
