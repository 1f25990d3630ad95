using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>What the wire's scripts (scripts/ecn) cannot show of RFC 3168: super-segments, any-IP mode, what is not believed.</summary>
public sealed class EcnTests
{
    private static TcpPeer Established(LinkOffloads offloads = LinkOffloads.None, bool v6 = false, bool sack = false, TcpOptions? options = null)
    {
        TcpPeer peer = new(options ?? new TcpOptions { CongestionControl = CongestionControlKind.NewReno }, offloads: offloads, v6: v6);
        peer.Listen();
        peer.Send(TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr, 0, mss: 1_000, sackPermitted: sack);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Ece, peer.SentOne().Flags);
        peer.AdvanceMs(100);
        peer.Ack(1, 1);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
        peer.Adopt(id);
        return peer;
    }

    private static List<(TcpFlags Flags, EcnCodepoint Ecn, Segmentation Segmentation, int Length)> Look(TcpPeer peer) =>
        [.. peer.Host.SentPackets().Select(sent =>
        {
            Assert.Equal(DropReason.None, IpView.TryParse(sent.Bytes, out IpView ip));
            Assert.Equal(DropReason.None, TcpView.TryParse(ip.Payload, out TcpView tcp));
            return (tcp.Flags, EcnField.Read(sent.Bytes), sent.Segmentation, tcp.Payload.Length);
        })];

    /// <summary>A super-segment is all new data, and CWR on it means its first segment (section 6.1.2).</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_super_segment_may_be_marked_and_says_CWR_once(bool v6)
    {
        using TcpPeer peer = Established(LinkOffloads.All, v6);
        peer.Write(30_000);
        (TcpFlags flags, EcnCodepoint ecn, Segmentation segmentation, int length) = Assert.Single(Look(peer));
        Assert.Equal((TcpFlags.Ack, EcnCodepoint.Ect0, 1_000, 10_000), (flags, ecn, segmentation.SegmentSize, length));
        peer.AdvanceMs(100);
        peer.Send(TcpFlags.Ack | TcpFlags.Ece, 1, 10_001);
        (flags, ecn, segmentation, length) = Assert.Single(Look(peer));
        Assert.Equal((TcpFlags.Ack | TcpFlags.Cwr, EcnCodepoint.Ect0, 1_000, 5_000), (flags, ecn, segmentation.SegmentSize, length));
        peer.AdvanceMs(100);
        peer.Ack(1, 15_001);
        Assert.All(Look(peer), sent => Assert.Equal((TcpFlags.Ack, EcnCodepoint.Ect0), (sent.Flags, sent.Ecn)));
        Assert.Equal(1, peer.Stack.Counters.CongestionEchoes);
    }

    /// <summary>A marked super-segment stands for as many marked segments.</summary>
    [Fact]
    public void A_marked_super_segment_is_echoed_and_counted_by_segments()
    {
        using TcpPeer peer = Established(LinkOffloads.All);
        byte[] packet = peer.Build(TcpFlags.Ack | TcpFlags.Cwr, 1, 1, Build.Bytes(5_000));
        EcnField.Write(packet, EcnCodepoint.CongestionExperienced);
        peer.Host.Receive(packet, new Segmentation(SegmentationKind.TcpV4, 1_000), ChecksumState.Verified);
        Assert.Equal(TcpFlags.Ack | TcpFlags.Ece, peer.SentOne().Flags);
        Assert.Equal(5, peer.Stack.Counters.CongestionMarks);
    }

    /// <summary>Section 6.1.5: who cannot guess a number in the window cannot slow a connection down, and nor can a broken checksum.</summary>
    [Fact]
    public void A_mark_outside_of_the_window_or_on_a_broken_segment_is_not_believed()
    {
        using TcpPeer peer = Established();
        byte[] far = peer.Build(TcpFlags.Ack, 200_000, 1, Build.Bytes(10)), broken = peer.Build(TcpFlags.Ack, 1, 1, Build.Bytes(10));
        broken[^1] ^= 1;
        byte[] unsent = peer.Build(TcpFlags.Ack, 1, 900_000, Build.Bytes(10));
        foreach (byte[] packet in new[] { far, broken, unsent })
        {
            EcnField.Write(packet, EcnCodepoint.CongestionExperienced);
            peer.Host.Receive(packet);
            Assert.All(peer.Sent(), sent => Assert.Equal(TcpFlags.Ack, sent.Flags));
            peer.AdvanceMs(1_000);
        }
        Assert.Equal(0, peer.Stack.Counters.CongestionMarks);
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(10));
        peer.AdvanceMs(40);
        Assert.Equal(TcpFlags.Ack, peer.SentOne().Flags);
    }

    /// <summary>A bogus echo, of what was never sent or has been answered, changes nothing (section 6.1.2, once for each window).</summary>
    [Fact]
    public void An_echo_of_nothing_is_none()
    {
        using TcpPeer peer = Established();
        int window = peer.Info.CongestionWindow;
        for (int i = 0; i < 5; i++) peer.Send(TcpFlags.Ack | TcpFlags.Ece, 1, 1);
        Assert.Equal(window, peer.Info.CongestionWindow);
        peer.Write(1_000);
        Assert.Equal(TcpFlags.Ack | TcpFlags.Psh, peer.SentOne().Flags);
        peer.AdvanceMs(100);
        peer.Send(TcpFlags.Ack | TcpFlags.Ece, 1, 1_001);
        int reduced = peer.Info.SlowStartThreshold;
        Assert.Equal(2_000, reduced);
        for (int i = 0; i < 5; i++) peer.Send(TcpFlags.Ack | TcpFlags.Ece, 1, 1_001, window: 60_000 + i);
        Assert.Equal(reduced, peer.Info.SlowStartThreshold);
        Assert.Equal(1, peer.Stack.Counters.CongestionEchoes);
        Assert.Equal(TcpLossState.WindowReduced, peer.Info.Loss);
    }

    /// <summary>
    /// What the window was reduced to is remembered as a number, and numbers wrap: after 2³¹ octets without a mark an echo counts as ever.
    /// </summary>
    [Fact]
    public void An_echo_counts_after_half_of_all_numbers()
    {
        using TcpPeer peer = new(mtu: 65_000, offloads: LinkOffloads.All);
        peer.Listen();
        peer.Send(TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr, 0, mss: 64_000, scale: 14);
        peer.SentOne();
        peer.AdvanceMs(10);
        peer.Ack(1, 1);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
        peer.Adopt(id);
        byte[] bytes = Build.Bytes(4 << 20);
        long acknowledged = 1;
        while (acknowledged < (1L << 31) + (64 << 20))
        {
            peer.Write(bytes);
            PacketQueue queue = default;
            peer.Stack.Transmit(peer.Host.Interface, ref queue, int.MaxValue, peer.Now);
            for (; queue.Take() is { } packet; packet.Return())
            {
                Assert.Equal(DropReason.None, IpView.TryParse(packet.Span, out IpView ip));
                acknowledged += ip.Payload.Length - TcpHeader.MinimumSize;
            }
            peer.AdvanceMs(10);
            peer.Ack(1, (int)acknowledged);
        }
        Assert.Equal(0, peer.Stack.Counters.CongestionEchoes);
        peer.Write(bytes);
        Assert.NotEmpty(peer.Sent());
        peer.AdvanceMs(10);
        peer.Send(TcpFlags.Ack | TcpFlags.Ece, 1, (int)acknowledged + 64_000);
        Assert.Equal(1, peer.Stack.Counters.CongestionEchoes);
    }

    /// <summary>What was marked was not lost: Eifel and its like must not take the reduction back.</summary>
    [Fact]
    public void An_echo_during_recovery_forbids_to_undo_it()
    {
        foreach (bool echo in new[] { false, true })
        {
            using TcpPeer peer = Established(sack: true);
            peer.Write(10_000);
            peer.Sent();
            peer.AdvanceMs(100);
            peer.Ack(1, 1, sack: (1_001, 4_001));
            Assert.Equal(1, peer.SentOne().Sequence);
            Assert.Equal(TcpLossState.Recovery, peer.Info.Loss);
            // All arrives after all, and what was sent again came twice.
            peer.Send(TcpFlags.Ack | (echo ? TcpFlags.Ece : 0), 1, 4_001);
            peer.Ack(1, 5_001, sack: (1, 1_001));
            Assert.Equal(echo ? 5_000 : int.MaxValue, peer.Info.SlowStartThreshold);
        }
    }

    /// <summary>Any-IP mode: what the latest SYN asks for counts, be it the same again or a new attempt from the same port.</summary>
    [Theory]
    [InlineData(TcpFlags.Ece | TcpFlags.Cwr, TcpFlags.None, false, false)]
    [InlineData(TcpFlags.None, TcpFlags.Ece | TcpFlags.Cwr, false, false)]
    [InlineData(TcpFlags.None, TcpFlags.Ece | TcpFlags.Cwr, true, true)]
    [InlineData(TcpFlags.Ece | TcpFlags.Cwr, TcpFlags.Ece | TcpFlags.Cwr, false, true)]
    public void A_pending_connection_agrees_to_its_last_SYN(TcpFlags first, TcpFlags second, bool isNew, bool agrees)
    {
        using TcpPeer peer = new(anyIp: true);
        peer.Own = TestStack.FarV4;
        peer.Send(TcpFlags.Syn | first, 0, mss: 1_000);
        if (isNew) peer.PeerIss += 7_000;
        peer.Send(TcpFlags.Syn | second, 0, mss: 1_000);
        Assert.True(peer.Stack.TryTakeEvent(out SocketEvent pending));
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(pending.Id, peer.Now, out _));
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack | (agrees ? TcpFlags.Ece : 0), peer.SentOne().Flags);
    }

    /// <summary>RFC 9438 section 4.6: a loss leaves two segments of window at least, an echo one.</summary>
    [Theory]
    [InlineData(CongestionControlKind.Cubic)]
    [InlineData(CongestionControlKind.NewReno)]
    public void An_echo_may_leave_one_segment(CongestionControlKind kind)
    {
        foreach ((CongestionSign sign, int least) in new[] { (CongestionSign.Echo, 1_000), (CongestionSign.Loss, 2_000) })
        {
            CongestionControl control = CongestionControl.Create(kind);
            control.Start(1_000, 10, synLost: false);
            control.Congested(sign, 1_000, new Instant(1));
            Assert.Equal((least, 2_000), (control.CongestionWindow, control.SlowStartThreshold));
        }
    }

    /// <summary>A probe of the path's width is not ECN-capable: its loss would not be taken for congestion (section 5.2).</summary>
    [Fact]
    public void A_probe_of_the_paths_width_may_not_be_marked()
    {
        using TcpPeer peer = new(new TcpOptions());
        peer.Listen();
        peer.Send(TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr, 0, mss: 1_460, scale: 7);
        peer.SentOne();
        peer.AdvanceMs(20);
        peer.Ack(1, 1);
        Assert.Equal(OpStatus.Ok, peer.Stack.Accept(peer.Listener, peer.Now, out SocketId id));
        peer.Adopt(id);
        peer.Write(1_460);
        Assert.Equal(EcnCodepoint.Ect0, Assert.Single(Look(peer)).Ecn);
        for (int i = 0; i < 4; i++)
        {
            peer.AdvanceMs(peer.Info.RetransmitTimeout.TotalMilliseconds);
            Assert.All(Look(peer), sent => Assert.Equal(EcnCodepoint.NotEct, sent.Ecn));
        }
        int acknowledged = 1_461, usual = peer.Info.SendMss;
        Assert.InRange(usual, 88, 1_240);
        peer.Ack(1, acknowledged);
        peer.Advance(TimeSpan.FromMinutes(11));
        peer.Write(200_000);
        bool probed = false;
        for (int i = 0; i < 200 && !probed; i++)
        {
            foreach ((_, EcnCodepoint ecn, _, int length) in Look(peer))
            {
                acknowledged += length;
                probed |= length > usual;
                Assert.Equal(length > usual ? EcnCodepoint.NotEct : EcnCodepoint.Ect0, ecn);
            }
            peer.AdvanceMs(20);
            peer.Ack(1, acknowledged);
        }
        Assert.True(probed);
    }
}
