using System.Net;

namespace Ginnel.Tests;

/// <summary>Alone in its collection, because it measures the process's memory.</summary>
[Collection(nameof(IdleHostTests))]
[CollectionDefinition(nameof(IdleHostTests), DisableParallelization = true)]
public sealed class IdleHostTests
{
    private const int Hosts = 10_000;
    private const int BytesPerHost = 16 << 10;

    [Fact]
    public async Task Ten_thousand_idle_hosts_cost_less_than_16_KiB_each_and_no_thread_or_timer()
    {
        CountingTime time = new();
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Time = time });
        await using (await CreateAsync(runtime, 0)) { } // What the first one costs, the process costs.
        int threads = Environment.ProcessId == 0 ? 0 : System.Diagnostics.Process.GetCurrentProcess().Threads.Count;
        long before = GC.GetTotalMemory(forceFullCollection: true);
        NetworkHost[] hosts = new NetworkHost[Hosts];
        for (int i = 0; i < Hosts; i++) hosts[i] = await CreateAsync(runtime, i);
        long after = GC.GetTotalMemory(forceFullCollection: true);
        TestContext.Current.TestOutputHelper?.WriteLine($"{(after - before) / Hosts} bytes per idle host");
        Assert.InRange((after - before) / Hosts, 1, BytesPerHost);
        Assert.Equal(1, time.Timers);
        Assert.InRange(System.Diagnostics.Process.GetCurrentProcess().Threads.Count, 1, threads + 16);
        foreach (NetworkHost host in hosts) await host.DisposeAsync();
    }

    // With an interface that is up, addresses, a listener and a port: idle, not empty.
    private static ValueTask<NetworkHost> CreateAsync(NetworkRuntime runtime, int index)
    {
        NetworkHost host = new(new NetworkHostOptions { Name = "idle", Runtime = runtime });
        IPAddress address = new([10, 1, (byte)(index >> 8), (byte)index]);
        HostInterface way = host.AddInterface(new HostInterfaceOptions { Addresses = [new(address, 8)], AnyIp = true });
        host.AddRoute(IPNetwork.Parse("0.0.0.0/0"), way);
        host.Attach(way, MemoryLink.CreatePair().A);
        host.Listen(new IPEndPoint(IPAddress.Any, 80));
        host.BindUdp(new IPEndPoint(IPAddress.Any, 53));
        return new(host);
    }

    private sealed class CountingTime : TimeProvider
    {
        internal int Timers;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Interlocked.Increment(ref Timers);
            return base.CreateTimer(callback, state, dueTime, period);
        }
    }
}
