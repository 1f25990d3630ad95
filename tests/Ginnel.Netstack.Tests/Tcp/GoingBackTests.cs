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
}
