using Ginnel.Attacks;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests.Attacks;

/// <summary>
/// What attacks leave to the honest: memory stays within the budget, a client connects while it goes on, and a connection keeps half of what it
/// had in peace, on a victim that serves twice as many packets as an attack of 100,000 a second has.
/// </summary>
public sealed class AttackTests
{
    private const long Limit = 32 << 20;

    private static Siege Begin(bool anyIp = false, long limit = Limit, int maxPending = 256) => new(42, made => new StackOptions
    {
        Pool = made.Pool, Entropy = made.Entropy, Tcp = made.Tcp, MemoryLimit = limit, MaxPending = maxPending, MaxSockets = 16_384,
    }, anyIp);

    /// <summary>What a connection moves in a second of peace, up and down.</summary>
    private static (long Up, long Down) Peace(bool anyIp)
    {
        using Siege siege = Begin(anyIp);
        siege.Connect();
        siege.Run(TimeSpan.FromSeconds(1));
        (long up, long down) = (siege.HonestUp, siege.HonestDown);
        siege.Run(TimeSpan.FromSeconds(1));
        return (siege.HonestUp - up, siege.HonestDown - down);
    }

    /// <summary>Connects after the attack has begun, and compares what is moved in its last second.</summary>
    private static Siege Endure(Attacker attacker, TimeSpan span, bool anyIp = false, int clientComesAfter = 200)
    {
        (long up, long down) = Peace(anyIp);
        Siege siege = Begin(anyIp);
        siege.Attacker = attacker;
        siege.Run(TimeSpan.FromMilliseconds(clientComesAfter));
        siege.Connect();
        siege.Run(span - TimeSpan.FromMilliseconds(1000 + clientComesAfter));
        Assert.True(siege.IsHonestConnected, "the honest client did not connect");
        (long upBefore, long downBefore) = (siege.HonestUp, siege.HonestDown);
        siege.Run(TimeSpan.FromSeconds(1));
        Assert.InRange(siege.HonestUp - upBefore, up / 2, up * 2);
        Assert.InRange(siege.HonestDown - downBefore, down / 2, down * 2);
        Assert.InRange(siege.MostMemory, 0, Limit);
        Assert.InRange(siege.MostSockets, 0, 16_384);
        return siege;
    }

    [Fact]
    public void D1_a_million_SYNs_in_ten_seconds_at_a_listener()
    {
        using Siege siege = Endure(new SynFlood(), TimeSpan.FromSeconds(10));
        Assert.Equal(1_000_000, siege.Thrown);
        Assert.InRange(siege.MostSockets, 1, 260);
        Assert.True(siege.Victim.Counters.SynCookiesSent > 900_000, $"{siege.Victim.Counters.SynCookiesSent} cookies");
        Assert.Equal(1, siege.Victim.Counters.SynCookiesAccepted);
    }

    [Fact]
    public void D1_SYNs_and_guesses_at_cookies()
    {
        using Siege siege = Endure(new SynFlood { Acknowledgments = 2 }, TimeSpan.FromSeconds(3));
        Assert.True(siege.Victim.Counters.SynCookiesRejected > 100_000, $"{siege.Victim.Counters.SynCookiesRejected} refused");
    }

    [Fact]
    public void D1_D16_a_million_SYNs_in_ten_seconds_in_any_IP_mode()
    {
        using Siege siege = Endure(new SynFlood(), TimeSpan.FromSeconds(10), anyIp: true);
        Assert.Equal(1_000_000, siege.Thrown);
        Assert.InRange(siege.MostDials, 1, 256);
        Assert.InRange(siege.MostSockets, 1, 6 * 256);
        // Dials of 30 ms, 256 at once: no more than they can be.
        Assert.InRange(siege.DialsStarted, 256, 256 * 10_000 / 30);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void C11_SegmentSmack(bool anyIp)
    {
        using Siege siege = Endure(new SegmentSmack { Count = 10 }, TimeSpan.FromSeconds(3), anyIp);
        Assert.True(siege.Victim.Counters.Drops(DropReason.OutOfOrderLimit) > 100_000);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void C11_far_octets_of_many_connections(bool anyIp)
    {
        using Siege siege = Endure(new FarOctets { Count = 5_000, Rate = anyIp ? 3_000 : 20_000 }, TimeSpan.FromSeconds(6), anyIp);
        Assert.True(siege.Victim.Counters.Drops(DropReason.ReceiveBufferFull) > 1_000);
        Assert.InRange(siege.Victim.MemoryInUseFor(MemoryUse.Receive), Limit / 4, Limit / 2 + (1 << 20));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void C10_SACKs_of_single_octets(bool anyIp)
    {
        using Siege siege = Endure(new SackStorm { Count = 10 }, TimeSpan.FromSeconds(3), anyIp);
        Assert.InRange(siege.Victim.MemoryInUseFor(MemoryUse.Scoreboard), 1, 20 * 16_384);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void C12_hoarders_that_never_open_their_window(bool anyIp)
    {
        using Siege siege = Endure(new ZeroWindowHoarder { Count = 3_000, Window = 0, Rate = 3_000 }, TimeSpan.FromSeconds(90), anyIp, clientComesAfter: 5_000);
        Assert.True(siege.MostMemory > Limit / 2);
    }

    [Theory]
    [InlineData(1400)]
    [InlineData(8)]
    public void D5_fragments_that_never_become_whole(int length)
    {
        using Siege siege = Endure(new FragmentBomb { Length = length }, TimeSpan.FromSeconds(3));
        Assert.InRange(siege.Victim.MemoryInUseFor(MemoryUse.Reassembly), 1, 1 << 20);
    }
}
