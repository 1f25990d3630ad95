using Ginnel.Netstack;

namespace Ginnel.Architecture.Allocations;

/// <summary>The ratchet that stands at zero: a connection in its steady state allocates nothing for a segment, sent or received.</summary>
public class AllocationTests
{
    // Long enough for slow start to end, rings to reach their full size, and the pool to have made every slab that it will need.
    const int WarmUp = 500;
    const int Measured = 500;

    [Theory]
    [InlineData(false, LinkOffloads.None, 1_500, true)]
    [InlineData(true, LinkOffloads.None, 1_500, true)]
    [InlineData(false, LinkOffloads.None, 1_500, false)]
    [InlineData(false, LinkOffloads.All, 1_500, true)]
    [InlineData(true, LinkOffloads.All, 1_500, true)]
    [InlineData(false, LinkOffloads.All, 65_520, true)]
    public void A_segment_costs_no_allocation(bool v6, LinkOffloads offloads, int mtu, bool bothWays)
    {
        SteadyFlow flow = new(v6, offloads, mtu);
        for (int step = 0; step < WarmUp; step++) flow.Step(bothWays);
        (long packets, long bytes) = (flow.Packets, flow.Bytes);

        long allocated = Allocated(() =>
        {
            for (int step = 0; step < Measured; step++) flow.Step(bothWays);
        });

        Assert.True(flow.Packets - packets > Measured, $"only {flow.Packets - packets} packets in {Measured} steps");
        Assert.True(flow.Bytes - bytes > Measured * 10_000L, $"only {flow.Bytes - bytes} bytes in {Measured} steps");
        Assert.Equal(0, flow.SlabsRented);
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void The_measure_sees_an_allocation() => Assert.InRange(Allocated(() => GC.KeepAlive(new byte[100])), 100, 200);

    // The shared array pool gives arrays up when another test's garbage is collected: a run with a collection in it says nothing.
    static long Allocated(Action action)
    {
        for (int tries = 0; ; tries++)
        {
            int collections = GC.CollectionCount(0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            action();
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            if (collections == GC.CollectionCount(0) || tries == 20) return allocated;
        }
    }
}
