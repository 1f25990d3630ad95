using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>The switches with which the stack behaves as another system does where the standard leaves a choice: off and on.</summary>
public sealed class ProfileTests
{
    private static readonly byte[] Data = Build.Bytes(1_000);

    /// <summary>The first segments are acknowledged at once, until we answer data with data.</summary>
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(3, 3)]
    public void QuickAcks_acknowledges_the_first_segments_at_once(int quick, int atOnce)
    {
        using TcpPeer peer = new(new TcpOptions { QuickAcks = quick });
        peer.EstablishPassive();
        for (int i = 0; i < 5; i++)
        {
            peer.Send(TcpFlags.Ack, 1 + 10 * i, 1, Build.Bytes(10));
            if (i >= atOnce)
            {
                peer.SentNothing();
                peer.AdvanceMs(40);
            }
            Assert.Equal(11 + 10 * i, peer.SentOne().Acknowledgment);
        }
    }

    [Fact]
    public void QuickAcks_end_with_data_of_ours()
    {
        using TcpPeer peer = new(new TcpOptions { QuickAcks = 10 });
        peer.EstablishPassive();
        peer.Send(TcpFlags.Ack, 1, 1, Build.Bytes(10));
        Assert.Equal(11, peer.SentOne().Acknowledgment);
        peer.Write(10);
        Assert.Equal(10, peer.SentOne().Length);
        peer.Send(TcpFlags.Ack, 11, 11, Build.Bytes(10));
        peer.SentNothing();
        peer.AdvanceMs(40);
        Assert.Equal(21, peer.SentOne().Acknowledgment);
    }

    /// <summary>SRTT 10 ms, RTTVAR 5 ms: 30 ms by RFC 6298, which the least timeout replaces, or to which it contributes.</summary>
    [Theory]
    [InlineData(false, 200)]
    [InlineData(true, 210)]
    public void MinRetransmitTimeoutIsVariation_bounds_a_part_or_the_whole(bool isVariation, int milliseconds)
    {
        using TcpPeer peer = new(new TcpOptions { MinRetransmitTimeoutIsVariation = isVariation });
        peer.EstablishPassive(roundTripMs: 10);
        Assert.Equal(milliseconds, peer.Info.RetransmitTimeout.TotalMilliseconds);
        peer.Write(100);
        peer.SentOne();
        peer.AdvanceMs(milliseconds - 1);
        peer.SentNothing();
        peer.AdvanceMs(1);
        Assert.Equal((1, 100), (peer.SentOne().Sequence, 100));
    }

    /// <summary>RFC 7323 section 3.2: what lacks the agreed timestamps is dropped, or taken.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TolerateMissingTimestamps_takes_segments_without(bool tolerate)
    {
        using TcpPeer peer = new(new TcpOptions { TolerateMissingTimestamps = tolerate }) { Timestamp = 1_000 };
        peer.EstablishPassive();
        Assert.True(peer.Info.Timestamps);
        peer.Timestamp = null;
        peer.Send(TcpFlags.Ack, 1, 1, Data);
        Assert.Equal(tolerate ? 1_000 : 0, peer.ReadAll().Length);
        Assert.Equal(tolerate ? 0 : 1, peer.Host.Drops(DropReason.PawsRejected));
    }

    [Theory]
    [InlineData(false, new byte[] { 2, 4, 4, 2, 8, 10, 1, 3, 3 })]
    [InlineData(true, new byte[] { 2, 4, 1, 3, 3, 4, 2, 8, 10 })]
    public void WindowScaleFirst_is_the_order_of_a_SYN(bool first, byte[] kindsAndLengths)
    {
        using TcpPeer peer = new(new TcpOptions { WindowScaleFirst = first });
        Assert.Equal(OpStatus.Ok, peer.Stack.Connect(default, new IpEndpoint(peer.Peer, peer.Port), peer.Now, out _));
        ReadOnlySpan<byte> options = Assert.Single(peer.Host.Sent()).AsSpan(40);
        List<byte> seen = [];
        while (!options.IsEmpty)
        {
            seen.Add(options[0]);
            if (options[0] != 1) seen.Add(options[1]);
            options = options[(options[0] == 1 ? 1 : options[1])..];
        }
        Assert.Equal(kindsAndLengths, seen);
    }

    /// <summary>Nagle's algorithm waits for everything in flight, or (Minshall) for a small segment only.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void NagleHoldsSecondSmall_lets_the_first_one_follow(bool minshall)
    {
        using TcpPeer peer = new(new TcpOptions { Nagle = true, NagleHoldsSecondSmall = minshall, Timestamps = false });
        peer.EstablishPassive(mss: 1_000);
        peer.Write(1_500);
        Assert.Equal(minshall ? [1_000, 500] : [1_000], peer.Sent().Select(segment => segment.Length));
        peer.Write(100);
        peer.SentNothing();
        peer.Ack(1, minshall ? 1_501 : 1_001);
        Assert.Equal(minshall ? 100 : 600, peer.SentOne().Length);
    }

    /// <summary>RFC 9293 section 3.8.6.1: the probe is the next octet, or nothing at an old number.</summary>
    [Theory]
    [InlineData(false, 101, 1)]
    [InlineData(true, 100, 0)]
    public void ProbeBehindWindow_repeats_an_old_number(bool behind, int sequence, int length)
    {
        using TcpPeer peer = new(new TcpOptions { ProbeBehindWindow = behind });
        peer.EstablishPassive(window: 100);
        peer.Write(200);
        Assert.Equal(100, peer.SentOne().Length);
        peer.Ack(1, 101, window: 0);
        peer.SentNothing();
        peer.AdvanceMs(1_000);
        Segment probe = Assert.IsType<Segment>(peer.Sent().FirstOrDefault());
        Assert.Equal((sequence, length), (probe.Sequence, probe.Length));
        peer.Ack(1, 101, window: 1_000);
        Assert.Equal(100, peer.Sent().Sum(segment => segment.Length));
    }

    /// <summary>RFC 9293 section 3.8.6.2.2: the edge moves by whole segments, or by whatever was read.</summary>
    [Theory]
    [InlineData(false, 65_536 - 200)]
    [InlineData(true, 65_536 - 100)]
    public void WindowFollowsBuffer_octet_by_octet(bool follows, int window)
    {
        using TcpPeer peer = new(new TcpOptions { WindowFollowsBuffer = follows });
        peer.EstablishPassive(scale: 7);
        for (int i = 0; i < 2; i++)
        {
            peer.Send(TcpFlags.Ack, 1 + 100 * i, 1, Build.Bytes(100));
            peer.AdvanceMs(40);
            Segment answer = peer.SentOne();
            // What is told is rounded down to a unit of the scale.
            if (i == 1) Assert.Equal(window >> peer.Info.ReceiveScale, answer.Window);
            Assert.Equal(100, peer.ReadAll().Length);
        }
    }

    /// <summary>RFC 4821 section 7.7: timeouts of large segments make them smaller, unless that is switched off.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void PathMtuProbing_shortens_what_vanishes(bool probing)
    {
        using TcpPeer peer = new(new TcpOptions { PathMtuProbing = probing });
        peer.EstablishPassive(mss: 1_460);
        peer.Write(20_000);
        peer.Sent();
        for (int i = 0; i < 3; i++)
        {
            peer.AdvanceMs(peer.Info.RetransmitTimeout.TotalMilliseconds);
            peer.Sent();
        }
        Assert.Equal(probing ? 1_240 : 1_460, peer.Info.SendMss);
    }

    /// <summary>RFC 3168 section 6.1.1: who asks, and who agrees.</summary>
    [Theory]
    [InlineData(EcnMode.Off, TcpFlags.None, TcpFlags.None)]
    [InlineData(EcnMode.Passive, TcpFlags.None, TcpFlags.Ece)]
    [InlineData(EcnMode.Active, TcpFlags.Ece | TcpFlags.Cwr, TcpFlags.Ece)]
    public void Ecn_is_asked_for_or_agreed_to(EcnMode mode, TcpFlags asking, TcpFlags agreeing)
    {
        using TcpPeer active = new(new TcpOptions { Ecn = mode });
        Assert.Equal(TcpFlags.Syn | asking, active.Connect().Flags);
        using TcpPeer passive = new(new TcpOptions { Ecn = mode });
        passive.Listen();
        passive.Send(TcpFlags.Syn | TcpFlags.Ece | TcpFlags.Cwr, 0, mss: 1_000);
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack | agreeing, passive.SentOne().Flags);
    }
}
