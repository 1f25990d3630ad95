using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;
using Ginnel.WireGuard.Protocol;

namespace Ginnel.WireGuard.Tests;

/// <summary>The parts by themselves.</summary>
public sealed class MechanismTests
{
    [Fact]
    public void The_replay_window_takes_each_counter_once_in_any_order_within_its_width()
    {
        ReplayWindow window = new();
        ulong width = ReplayWindow.Width;
        Assert.True(window.TryAccept(0));
        Assert.False(window.TryAccept(0));
        Assert.True(window.TryAccept(width));
        Assert.False(window.TryAccept(0));
        Assert.True(window.TryAccept(1));
        Assert.True(window.TryAccept(width + 1));
        Assert.True(window.TryAccept(2));
        Assert.False(window.TryAccept(1));
        Assert.True(window.TryAccept(1_000_000));
        Assert.False(window.TryAccept(width + 1));
        Assert.False(window.TryAccept(1_000_000 - width - 1));
        Assert.True(window.TryAccept(1_000_000 - width));
        Assert.True(window.TryAccept(Timing.RejectAfterMessages - 1));
        Assert.False(window.TryAccept(Timing.RejectAfterMessages));
        Assert.False(window.TryAccept(ulong.MaxValue));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_replay_window_agrees_with_a_set(int seed)
    {
        ReplayWindow window = new();
        HashSet<ulong> seen = [];
        Random random = new(seed);
        ulong greatest = 0;
        for (int i = 0; i < 50_000; i++)
        {
            ulong counter = (ulong)Math.Max(0, (long)greatest + random.Next(-12_000, random.Next(20) == 0 ? 20_000 : 40));
            bool isFresh = counter + ReplayWindow.Width >= greatest && !seen.Contains(counter);
            // What left the window by a word's width may be refused a little early, never taken twice.
            if (counter + ReplayWindow.Width - 64 < greatest && !window.TryAccept(counter)) continue;
            else if (counter + ReplayWindow.Width - 64 >= greatest) Assert.Equal(isFresh, window.TryAccept(counter));
            seen.Add(counter);
            greatest = Math.Max(greatest, counter);
        }
    }

    [Fact]
    public void Timestamps_grow_whatever_the_clock_does()
    {
        Tai64n now = Tai64n.From(DateTimeOffset.UnixEpoch.AddSeconds(1_000_000_000));
        Span<byte> bytes = stackalloc byte[Tai64n.Size];
        now.Write(bytes);
        Assert.Equal("400000003B9ACA0A00000000", Convert.ToHexString(bytes));
        Assert.Equal(now, Tai64n.Read(bytes));
        Tai64n last = now;
        for (int i = 0; i < 200; i++)
        {
            Tai64n next = last.Next();
            Assert.True(next.IsAfter(last));
            Assert.True(next.Nanoseconds < 1_000_000_000);
            last = next;
        }
    }

    [Fact]
    public void Allowed_addresses_go_by_the_longest_prefix_of_their_family()
    {
        object wide = new(), narrow = new(), six = new();
        AllowedIps<object> table = new();
        table.Set(wide, [IpPrefix.Parse("0.0.0.0/0"), IpPrefix.Parse("::/0")]);
        table.Set(narrow, [IpPrefix.Parse("10.1.0.0/16"), IpPrefix.Parse("10.1.2.3/32")]);
        table.Set(six, [IpPrefix.Parse("fd00::/8")]);
        Assert.Same(wide, table.Find(IpAddress.Parse("192.0.2.1")));
        Assert.Same(narrow, table.Find(IpAddress.Parse("10.1.2.3")));
        Assert.Same(narrow, table.Find(IpAddress.Parse("10.1.9.9")));
        Assert.Same(wide, table.Find(IpAddress.Parse("10.2.0.0")));
        Assert.Same(six, table.Find(IpAddress.Parse("fd01::1")));
        Assert.Same(wide, table.Find(IpAddress.Parse("2001:db8::1")));
        // A set replaces the previous one.
        table.Set(narrow, [IpPrefix.Parse("172.16.0.0/12")]);
        Assert.Same(wide, table.Find(IpAddress.Parse("10.1.2.3")));
        Assert.Same(narrow, table.Find(IpAddress.Parse("172.16.0.1")));
        // And takes from others what they had.
        table.Set(narrow, [IpPrefix.Parse("fd00::/8")]);
        Assert.Same(narrow, table.Find(IpAddress.Parse("fd01::1")));
        Assert.Empty(table.Of(six));
        table.Set(six, []);
        table.Set(narrow, []);
        table.Set(wide, []);
        Assert.Null(table.Find(IpAddress.Parse("10.0.0.1")));
    }

    [Fact]
    public void A_source_under_load_has_its_share_and_memory_is_bounded()
    {
        HandshakeLimiter limiter = new();
        Instant now = new(TimeSpan.TicksPerDay);
        for (int i = 0; i < 5; i++) Assert.True(limiter.TryTake(1, now));
        Assert.False(limiter.TryTake(1, now));
        Assert.True(limiter.TryTake(2, now));
        Assert.True(limiter.TryTake(1, now + TimeSpan.FromMilliseconds(50)));
        Assert.False(limiter.TryTake(1, now + TimeSpan.FromMilliseconds(51)));
        for (uint source = 10; source < 10 + HandshakeLimiter.MaxSources; source++) limiter.TryTake(source, now);
        Assert.False(limiter.TryTake(1_000_000, now));
        Assert.True(limiter.TryTake(1_000_000, now + TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void F1_sources_beyond_the_limit_do_not_make_each_message_a_search_of_the_table()
    {
        HandshakeLimiter limiter = new();
        Instant now = new(TimeSpan.TicksPerDay);
        for (uint source = 0; source < HandshakeLimiter.MaxSources; source++) Assert.True(limiter.TryTake(source, now));
        for (uint source = 0; source < 10_000; source++) Assert.False(limiter.TryTake(100_000 + source, now + TimeSpan.FromMicroseconds(source)));
        Assert.Equal(1, limiter.Searches);
        Assert.True(limiter.TryTake(100_000, now + TimeSpan.FromMilliseconds(100)));
        Assert.Equal(2, limiter.Searches);
    }

    [Fact]
    public void A_cookie_is_good_for_the_endpoint_that_it_was_sent_to_and_for_two_minutes()
    {
        byte[] key = new byte[32];
        new SeededEntropy(5).Fill(key);
        using StaticKey ourKey = new(key);
        CookieChecker checker = new(ourKey, new SeededEntropy(6));
        CookieJar jar = new(ourKey.PublicKey);
        Instant now = new(TimeSpan.TicksPerDay);
        UdpEndpoint here = new(System.Net.IPEndPoint.Parse("192.0.2.1:1")), elsewhere = new(System.Net.IPEndPoint.Parse("192.0.2.1:2"));
        byte[] message = new byte[Messages.InitiationSize];
        jar.AddMacs(message, now);
        Assert.True(checker.IsMac1Valid(message));
        Assert.False(checker.IsMac2Valid(message, here, now));
        byte[] reply = checker.CreateReply(message, 1, here, now);
        byte[] altered = [.. reply];
        altered[40] ^= 1;
        Assert.False(jar.TryTake(altered, now));
        Assert.True(jar.TryTake(reply, now));
        Assert.False(jar.TryTake(reply, now));
        jar.AddMacs(message, now);
        Assert.True(checker.IsMac2Valid(message, here, now));
        Assert.False(checker.IsMac2Valid(message, elsewhere, now));
        Instant later = now + TimeSpan.FromSeconds(121);
        Assert.False(checker.IsMac2Valid(message, here, later));
        // With the next reply comes another secret, for which the old cookie means nothing.
        checker.CreateReply(message, 1, here, later);
        Assert.False(checker.IsMac2Valid(message, here, later));
        // A reply to another message is none to this.
        CookieJar other = new(ourKey.PublicKey);
        byte[] second = new byte[Messages.InitiationSize];
        second[5] = 1;
        other.AddMacs(second, later);
        Assert.False(other.TryTake(checker.CreateReply(message, 1, here, later), later));
        Assert.True(other.TryTake(checker.CreateReply(second, 1, here, later), later));
        other.AddMacs(second, later);
        Assert.True(checker.IsMac2Valid(second, here, later));
        message.AsSpan().Clear();
        jar.AddMacs(message, later);
        Assert.Equal(new byte[16], message[^16..]);
    }

    [Fact]
    public void A_batch_takes_messages_of_one_size_and_field_and_one_shorter_last()
    {
        SealedBatch batch = new(3);
        UdpEndpoint here = new(System.Net.IPEndPoint.Parse("192.0.2.1:1")), there = new(System.Net.IPEndPoint.Parse("192.0.2.2:1"));
        Assert.True(batch.Fits(here, 100, EcnCodepoint.Ect0));
        batch.Add(here, 100, EcnCodepoint.Ect0);
        Assert.False(batch.Fits(there, 100, EcnCodepoint.Ect0));
        Assert.False(batch.Fits(here, 101, EcnCodepoint.Ect0));
        Assert.False(batch.Fits(here, 100, EcnCodepoint.NotEct));
        Assert.True(batch.Fits(new UdpEndpoint(System.Net.IPEndPoint.Parse("[::ffff:192.0.2.1]:1")), 60, EcnCodepoint.Ect0));
        batch.Add(here, 60, EcnCodepoint.Ect0);
        Assert.False(batch.Fits(here, 60, EcnCodepoint.Ect0));
        Assert.Equal((160, 100), (batch.Bytes.Length, batch.SegmentSize));
        batch.Clear();
        for (int i = 0; i < 3; i++) batch.Add(here, 10, EcnCodepoint.Ect0);
        Assert.False(batch.Fits(here, 10, EcnCodepoint.Ect0));
    }
}
