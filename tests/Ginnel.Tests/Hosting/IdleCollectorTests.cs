using Ginnel.Testing;

namespace Ginnel.Tests;

public sealed class IdleCollectorTests
{
    [Fact]
    public void After_a_burst_it_collects_once_and_never_while_there_is_work()
    {
        SimulatedTime time = new();
        long allocated = 1_000;
        TimeSpan worked = default, busy = 2 * IdleCollector.Little;
        int collections = 0;
        using (new IdleCollector(time, () => allocated, () => worked, () => collections++))
        {
            for (int second = 0; second < 10; second++) Pass(IdleCollector.Much, busy);
            // Work without allocation is work.
            for (int second = 0; second < 10; second++) Pass(0, busy);
            Assert.Equal(0, collections);
            Pass(0, IdleCollector.Little);
            Assert.Equal(1, collections);
            for (int second = 0; second < 5; second++) Pass(IdleCollector.Much / 10, default);
            Assert.Equal(1, collections);
            Pass(IdleCollector.Much, default);
            Assert.Equal(2, collections);
        }
        Pass(IdleCollector.Much, default);
        Assert.Equal(2, collections);

        void Pass(long bytes, TimeSpan work)
        {
            (allocated, worked) = (allocated + bytes, worked + work);
            time.Advance(IdleCollector.Interval);
        }
    }
}
