using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Fuzz;

/// <summary>
/// Level 6: a whole stack fed raw packets and frames, 100,000 in all, a million with GINNEL_LONG=1. No input throws, no limit is
/// passed, and at the end nothing is held. A failure prints seed, step and input.
/// </summary>
public sealed class StackFuzzTests
{
    private const int Seed = 20261121;
    private static readonly int Total = Environment.GetEnvironmentVariable("GINNEL_LONG") == "1" ? 1_000_000 : 100_000;

    public static TheoryData<LinkMedium, bool, LinkOffloads> Stacks => new()
    {
        { LinkMedium.Ip, true, LinkOffloads.All },
        { LinkMedium.Ip, false, LinkOffloads.None },
        { LinkMedium.Ethernet, true, LinkOffloads.None },
        { LinkMedium.Ethernet, false, LinkOffloads.All },
    };

    [Theory]
    [MemberData(nameof(Stacks))]
    public void NoFrameThrowsOrGrowsAnything(LinkMedium medium, bool anyIp, LinkOffloads offloads)
    {
        int seed = Seed + (int)medium * 2 + (anyIp ? 1 : 0);
        StackDriver driver = new(seed, medium, anyIp, offloads);
        long before = 0;
        int steps = Total / Stacks.Count;
        for (int step = 0; step < steps; step++)
        {
            // What grows with use and then stays, such as tables at their size, has grown by then.
            if (step == steps / 5) before = GC.GetTotalMemory(forceFullCollection: true);
            Run(driver, seed, step, driver.Step);
            CheckLimits(driver);
        }
        long grown = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(grown < 4 << 20, $"the heap grew by {grown} bytes");
        Assert.True(driver.Stack.Counters.PacketsSent > steps / 100, "the stack hardly ever answered");
        Run(driver, seed, steps, driver.Finish);
        Assert.Equal(0, driver.Pool.Rented);
        Assert.Equal((0, 0L), (driver.Stack.SocketCount, driver.Stack.MemoryInUse));
        Assert.Equal(Instant.Never, driver.Stack.NextDeadline);
    }

    private static void CheckLimits(StackDriver driver)
    {
        // Output, neighbors' queues and nothing else hold packets between two calls.
        Assert.InRange(driver.Pool.Rented, 0, 64 + 16 * 8 + 64);
        Assert.InRange(driver.Stack.SocketCount, 0, 256);
        Assert.InRange(driver.Stack.MemoryInUse, 0, 4 << 20);
    }

    private static void Run(StackDriver driver, int seed, int step, Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            string input = Convert.ToHexString(driver.LastInput);
            throw new InvalidOperationException($"seed {seed}, step {step}, input {input}: {exception.Message}", exception);
        }
    }
}
