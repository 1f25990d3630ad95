using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>The tables of TCP against models that are too simple to be wrong.</summary>
public sealed class TableTests
{
    private static readonly SequenceNumber Base = new(uint.MaxValue - 500);

    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public void The_out_of_order_queue_equals_a_bit_per_octet(ulong seed)
    {
        SeededEntropy dice = new(seed);
        OutOfOrderQueue queue = new();
        bool[] model = new bool[2000];
        int next = 0;
        for (int step = 0; step < 2000 && next < 1900; step++)
        {
            int left = next + 1 + (int)dice.Next((uint)(1960 - next) / 4 + 1), right = left + 1 + (int)dice.Next(30);
            SequenceNumber at = Base + left;
            while (queue.TryNextMissing(at, Base + right, out SackBlock missing))
            {
                for (int i = missing.Left - Base; i < missing.Right - Base; i++)
                {
                    Assert.False(model[i]);
                    model[i] = true;
                }
                at = missing.Right;
            }
            queue.Add(Base + left, Base + right);
            Assert.All(model[left..right], Assert.True);
            SackBlocks blocks = default;
            Assert.InRange(queue.Fill(ref blocks, 0, 4), 1, 4);
            Assert.True(blocks[0].Left <= Base + left && blocks[0].Right >= Base + right);
            if (dice.Next(4) != 0) continue;
            model[next] = true;
            int reached = Array.FindIndex(model, next, set => !set);
            Assert.Equal(reached, queue.Advance(Base + next + 1) - Base);
            next = reached;
        }
        Assert.True(next > 100);
    }

    [Fact]
    public void The_flow_table_finds_what_it_holds_and_nothing_else()
    {
        using TcpPeer peer = new(stackOptions: options => new StackOptions { Pool = options.Pool, Entropy = options.Entropy, MaxSockets = 5000 });
        TcpLayer layer = new(new StackContext(new StackOptions { Pool = peer.Host.Pool, Entropy = new SeededEntropy(5) }), new IpLayer(new StackContext(new StackOptions { Pool = peer.Host.Pool, Entropy = new SeededEntropy(6) })));
        SeededEntropy dice = new(9);
        FlowTable table = new(dice);
        Dictionary<(IpEndpoint, IpEndpoint), TcpConnection> model = [];
        NetworkInterface link = new(new InterfaceId(1), new InterfaceOptions { Link = peer.Host.Link });
        for (int step = 0; step < 20_000; step++)
        {
            var local = new IpEndpoint(TestStack.OwnV4, (ushort)(1 + dice.Next(40)));
            var remote = new IpEndpoint(IpAddress.FromV4(0x0A00_0000 + dice.Next(5)), (ushort)(1 + dice.Next(20)));
            Assert.Same(model.GetValueOrDefault((local, remote)), table.Find(local, remote));
            if (model.Remove((local, remote), out TcpConnection? old)) table.Remove(old);
            else
            {
                TcpConnection made = new(layer, new FlowKey(IpProtocol.Tcp, local, remote), new RouteDecision(link, default, default, 1500), keepsInterface: false);
                model.Add((local, remote), made);
                table.Add(made);
            }
            Assert.Equal(model.Count, table.Count);
        }
        Assert.Equal(model.Count, table.Snapshot().Distinct().Count());
    }

    [Fact]
    public void CUBIC_cuts_to_seven_tenths_and_returns_to_the_maximum_after_K()
    {
        Cubic cubic = new() { SegmentSize = 1000 };
        cubic.CongestionWindow = 100_000;
        cubic.SlowStartThreshold = 50_000;
        Instant now = new(0);
        cubic.Congested(CongestionSign.Loss, 100_000, now);
        Assert.Equal(70_000, cubic.CongestionWindow);
        // K = cbrt(W_max · (1 − β) / C) = cbrt(100 · 0.3 / 0.4) = 4.217 s; a long round trip keeps the Reno estimate out of the way.
        TimeSpan roundTrip = TimeSpan.FromMilliseconds(200);
        int atHalf = 0;
        for (double t = 0; t < 4.2; t += 0.2)
        {
            now += roundTrip;
            cubic.Acknowledged(cubic.CongestionWindow, roundTrip, now);
            if (atHalf == 0 && t >= 2) atHalf = cubic.CongestionWindow;
        }
        Assert.InRange(atHalf, 94_000, 99_000);
        Assert.InRange(cubic.CongestionWindow, 99_000, 101_500);
        int plateau = cubic.CongestionWindow;
        for (double t = 0; t < 6; t += 0.2)
        {
            now += roundTrip;
            cubic.Acknowledged(cubic.CongestionWindow, roundTrip, now);
        }
        Assert.True(cubic.CongestionWindow > plateau * 1.5, $"{cubic.CongestionWindow}");
    }

    [Fact]
    public void CUBIC_fast_convergence_leaves_room()
    {
        Cubic cubic = new() { SegmentSize = 1000, CongestionWindow = 100_000, SlowStartThreshold = 1000 };
        cubic.Congested(CongestionSign.Loss, 100_000, new Instant(0));
        cubic.Congested(CongestionSign.Loss, 70_000, new Instant(1));
        Assert.Equal(49_000, cubic.CongestionWindow);
        // W_max is 70·(1+β)/2 = 59.5 now, not 70: K is cbrt(10.5/0.4) = 2.97 s.
        Instant now = new(0);
        for (int i = 0; i < 15; i++) cubic.Acknowledged(cubic.CongestionWindow, TimeSpan.FromMilliseconds(200), now += TimeSpan.FromMilliseconds(200));
        Assert.InRange(cubic.CongestionWindow, 58_000, 61_000);
    }

    [Fact]
    public void CUBIC_begins_anew_after_a_timeout()
    {
        Cubic cubic = new() { SegmentSize = 1000, CongestionWindow = 100_000, SlowStartThreshold = 1000 };
        cubic.TimedOut(100_000, again: false, new Instant(0));
        Assert.Equal((1000, 70_000), (cubic.CongestionWindow, cubic.SlowStartThreshold));
        TimeSpan roundTrip = TimeSpan.FromMilliseconds(200);
        Instant now = new(0);
        cubic.Acknowledged(69_000, roundTrip, now);
        Assert.Equal(70_000, cubic.CongestionWindow);
        // RFC 9438 section 4.8: K is 0, so after 2 s the curve has gained 0.4 · 8 segments, and Reno's estimate some more; it does not hurry back to
        // the maximum at which the timer expired.
        for (int i = 0; i < 10; i++) cubic.Acknowledged(cubic.CongestionWindow, roundTrip, now += roundTrip);
        Assert.InRange(cubic.CongestionWindow, 73_000, 80_000);
    }

    [Fact]
    public void CUBIC_is_never_slower_than_Reno_on_short_paths()
    {
        TimeSpan roundTrip = TimeSpan.FromMilliseconds(5);
        Cubic cubic = new() { SegmentSize = 1000, CongestionWindow = 20_000, SlowStartThreshold = 10_000 };
        cubic.Congested(CongestionSign.Loss, 20_000, new Instant(0));
        int begin = cubic.CongestionWindow;
        Instant now = new(0);
        for (int i = 0; i < 40; i++) cubic.Acknowledged(cubic.CongestionWindow, roundTrip, now += roundTrip);
        // Reno with beta 0.7 gains alpha = 0.53 segments per round trip until the former window, then one.
        Assert.InRange(cubic.CongestionWindow - begin, 18_000, 40_000);
    }

    [Fact]
    public void Reno_gains_one_segment_per_round_trip()
    {
        NewReno reno = new() { SegmentSize = 1000, CongestionWindow = 10_000, SlowStartThreshold = 5000 };
        for (int i = 0; i < 10; i++) reno.Acknowledged(1000, default, default);
        Assert.Equal(11_000, reno.CongestionWindow);
        reno.Acknowledged(11_000, default, default);
        Assert.Equal(12_000, reno.CongestionWindow);
    }
}
