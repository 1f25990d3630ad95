namespace Ginnel.Netstack.Tests;

public sealed class BoundTests
{
    [Fact]
    public void A_bucket_gives_its_burst_then_its_rate_and_no_more_after_a_long_pause()
    {
        TokenBucket bucket = new(10, new SeededEntropy());
        Instant now = new(0);
        int Take()
        {
            int taken = 0;
            while (bucket.TryTake(now)) taken++;
            return taken;
        }
        Assert.Equal(10, Take());
        now += TimeSpan.FromMilliseconds(250);
        Assert.Equal(2, Take());
        now += TimeSpan.FromMilliseconds(50);
        Assert.Equal(1, Take());
        now += TimeSpan.FromHours(5);
        Assert.Equal(10, Take());
        Assert.False(new TokenBucket(0, new SeededEntropy()).TryTake(now));
    }

    [Fact]
    public void The_size_of_a_large_bucket_is_not_to_be_counted_from_outside()
    {
        HashSet<int> sizes = [];
        TokenBucket bucket = new(1_000, new SeededEntropy());
        for (int second = 1; second <= 50; second++)
        {
            int taken = 0;
            while (bucket.TryTake(new Instant(second * 10 * TimeSpan.TicksPerSecond))) taken++;
            if (second > 1) sizes.Add(taken);
        }
        Assert.InRange(sizes.Min(), 937, 999);
        Assert.InRange(sizes.Max(), 938, 1_000);
        Assert.True(sizes.Count > 20);
    }

    [Fact]
    public void A_clock_that_stands_or_goes_back_gives_nothing()
    {
        TokenBucket bucket = new(1, new SeededEntropy());
        Assert.True(bucket.TryTake(new Instant(TimeSpan.TicksPerDay)));
        Assert.False(bucket.TryTake(new Instant(TimeSpan.TicksPerDay)));
        Assert.False(bucket.TryTake(new Instant(0)));
        Assert.True(bucket.TryTake(new Instant(TimeSpan.TicksPerDay + TimeSpan.TicksPerSecond)));
    }

    [Fact]
    public void Options_that_cannot_be_meant_are_refused_by_name()
    {
        Ginnel.Wire.PacketPool pool = new();
        SeededEntropy entropy = new();
        StackOptions[] bad =
        [
            new() { Pool = pool, Entropy = entropy, MaxSockets = 0 }, new() { Pool = pool, Entropy = entropy, MaxNeighbors = 0 },
            new() { Pool = pool, Entropy = entropy, HopLimit = 0 }, new() { Pool = pool, Entropy = entropy, MaxTransmitQueue = -1 },
            new() { Pool = pool, Entropy = entropy, ReassemblyTimeout = TimeSpan.Zero },
        ];
        string[] names = ["MaxSockets", "MaxNeighbors", "HopLimit", "MaxTransmitQueue", "ReassemblyTimeout"];
        for (int i = 0; i < bad.Length; i++)
            Assert.Equal(names[i], Assert.Throws<ArgumentOutOfRangeException>(() => new NetworkStack(bad[i])).ParamName);
    }

    [Fact]
    public void A_bounded_table_keeps_order_through_random_use()
    {
        BoundedTable<int, string> table = new(limit: 20);
        List<int> model = [];
        Random random = new(3);
        for (int i = 0; i < 20_000; i++)
        {
            int key = random.Next(40);
            switch (random.Next(4))
            {
                case 0 when !model.Contains(key):
                    if (table.IsFull)
                    {
                        Assert.True(table.TryPeekOldest(out string? oldest));
                        Assert.Equal(model[0].ToString(), oldest);
                        Assert.True(table.Remove(model[0]));
                        model.RemoveAt(0);
                    }
                    table.Add(key, key.ToString());
                    model.Add(key);
                    break;
                case 1:
                    Assert.Equal(model.Remove(key), table.Remove(key));
                    break;
                case 2:
                    Assert.Equal(model.Contains(key), table.TryTouch(key, out _));
                    if (model.Remove(key)) model.Add(key);
                    break;
                default:
                    Assert.Equal(model.Contains(key), table.TryGet(key, out string? value));
                    if (value is not null) Assert.Equal(key.ToString(), value);
                    break;
            }
            Assert.Equal(model.Count, table.Count);
            Assert.Equal(model.Count > 0 ? model[0].ToString() : null, table.TryPeekOldest(out string? first) ? first : null);
        }
    }
}
