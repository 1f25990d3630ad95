using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>Which duplicates mean nothing after everything was sent again (RFC 6582 sections 3.2 and 4).</summary>
public sealed class GoingBackTests
{
    private static readonly SequenceNumber From = new(0xFFFF_FF00);

    [Fact]
    public void Before_the_first_answer_all_duplicates_are_old()
    {
        GoingBack back = default;
        Assert.False(back.Explains(From));
        back.Begin(From);
        for (int i = 0; i < 50; i++) Assert.True(back.Explains(From));
        back.SentAgain(1);
        back.Advanced();
        Assert.False(back.Explains(From + 1_000));
    }

    [Fact]
    public void More_duplicates_than_that_show_a_loss()
    {
        GoingBack back = default;
        back.Begin(From);
        back.SentAgain(6);
        back.Advanced();
        back.Advanced();
        for (int i = 0; i < 4; i++) Assert.True(back.Explains(From + 5_000));
        Assert.False(back.Explains(From + 5_000));
        back.SentAgain(1);
        back.End();
        Assert.False(back.Explains(From + 5_000));
    }

    /// <summary>A timeout sends one segment again, whose answer leaps over the others: three duplicates behind it are a loss as ever.</summary>
    [Fact]
    public void After_a_timeout_of_one_segment_the_next_loss_is_found_at_once()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        peer.Write(10_000);
        Assert.Equal(10, peer.Sent().Count);
        peer.AdvanceMs(1_000);
        Assert.Equal(1, peer.SentOne().Sequence);
        peer.AdvanceMs(50);
        peer.Ack(1, 10_001);
        peer.Write(12_000);
        Assert.InRange(peer.Sent().Count, 4, 12);
        for (int i = 0; i < 3; i++) peer.Ack(1, 10_001);
        Assert.Contains(peer.Sent(), segment => segment.Sequence == 10_001 && segment.Length == 1_000);
        Assert.Equal(1, peer.Stack.Counters.RetransmitTimeouts);
    }

    /// <summary>Attack case C13: the segment that was sent again, acknowledged octet by octet, is no sign of other holes.</summary>
    [Fact]
    public void Crumbs_of_a_retransmission_bring_no_others()
    {
        using TcpPeer peer = Recovering(duplicates: 9);
        for (int i = 1; i <= 20; i++) peer.Ack(1, 1 + i);
        peer.SentNothing();
        peer.Ack(1, 1_001);
        Assert.Equal(1_001, peer.SentOne().Sequence);
    }

    /// <summary>What duplicates have told is told of what counts as lost after an outage: all goes again as far as the window lets it.</summary>
    [Fact]
    public void Duplicates_from_before_an_outage_do_not_make_room()
    {
        using TcpPeer peer = Recovering(duplicates: 9);
        peer.Stack.SetLink(peer.Host.Interface, peer.Host.Link, up: false, peer.Now);
        peer.AdvanceMs(1_000);
        peer.Stack.SetLink(peer.Host.Interface, peer.Host.Link, up: true, peer.Now);
        peer.AdvanceMs(1);
        int octets = peer.Sent().Sum(segment => segment.Length);
        Assert.InRange(octets, 1_000, peer.Info.CongestionWindow);
        Assert.InRange(peer.Info.CongestionWindow, 1_000, 7_000);
    }

    /// <summary>Duplicates that do not count, because they bear another window, must not seem to be losses of nearly everything.</summary>
    [Fact]
    public void A_low_count_of_duplicates_costs_no_more_than_another_sign_of_congestion()
    {
        using TcpPeer peer = Recovering(duplicates: 3, segments: 40);
        int threshold = peer.Info.SlowStartThreshold;
        peer.Ack(1, 1_001);
        Assert.NotEmpty(peer.Sent());
        Assert.InRange(peer.Info.SlowStartThreshold, threshold / 2, threshold);
    }

    // The first of some segments is lost, and was sent again.
    private static TcpPeer Recovering(int duplicates, int segments = 10)
    {
        TcpPeer peer = new(new TcpOptions { InitialWindow = segments });
        peer.EstablishPassive();
        peer.Write(segments * 1_000);
        Assert.Equal(segments, peer.Sent().Count);
        peer.AdvanceMs(50);
        for (int i = 0; i < duplicates; i++) peer.Ack(1, 1);
        Assert.Equal(1, peer.SentOne().Sequence);
        return peer;
    }
}
