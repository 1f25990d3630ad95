using Ginnel.Netstack;

namespace Ginnel.Architecture.Allocations;

/// <summary>Through the public API as well: reading, writing, waiting and datagrams allocate nothing in their steady state.</summary>
public class HostAllocationTests
{
    const int WarmUp = 500;
    const int Measured = 2_000;

    [Theory]
    [InlineData(LinkOffloads.None)]
    [InlineData(LinkOffloads.All)]
    public async Task A_stream_that_is_written_and_read(LinkOffloads offloads)
    {
        await using SteadyHosts hosts = new(offloads);
        (TcpStream client, TcpStream server) = hosts.Open();
        ExpectNothing(() =>
        {
            hosts.Transfer(client, server);
            hosts.Transfer(server, client);
        });
    }

    [Theory]
    [InlineData(LinkOffloads.None)]
    [InlineData(LinkOffloads.All)]
    public async Task A_round_trip_that_is_waited_for(LinkOffloads offloads)
    {
        await using SteadyHosts hosts = new(offloads);
        (TcpStream client, TcpStream server) = hosts.Open();
        ExpectNothing(() => hosts.RoundTrip(client, server));
    }

    [Theory]
    [InlineData(LinkOffloads.None)]
    [InlineData(LinkOffloads.All)]
    public async Task A_datagram_and_its_answer(LinkOffloads offloads)
    {
        await using SteadyHosts hosts = new(offloads);
        (IDatagramPort client, IDatagramPort server) = hosts.Bind();
        ExpectNothing(() => hosts.Datagrams(client, server));
    }

    // The shared array pool gives arrays up after another test's garbage was collected, during a run or just before it: such a run says nothing
    // about the steps. What allocates in its steady state does so in every run.
    static void ExpectNothing(Action step)
    {
        for (int i = 0; i < WarmUp; i++) step();
        long least = long.MaxValue;
        for (int tries = 0; tries < 20 && least > 0; tries++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Measured; i++) step();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }
        Assert.Equal(0, least);
    }
}
