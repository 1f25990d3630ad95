using System.Net;
using Ginnel.Netstack;
using Ginnel.Testing;

namespace Ginnel.Tests;

/// <summary>A host that is a router for its link, and one that is configured by it.</summary>
public sealed class RouterTests
{
    private static readonly IPNetwork Prefix = IPNetwork.Parse("fd00:7::/64");
    private static readonly IPAddress NameServer = IPAddress.Parse("fd00:7::1");

    [Fact]
    public async Task A_host_is_configured_by_another_and_loses_its_router_when_that_stops()
    {
        SimulatedTime time = new();
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Time = time });
        await using NetworkHost router = new(new NetworkHostOptions { Runtime = runtime }), host = new(new NetworkHostOptions { Runtime = runtime });
        HostInterface inside = router.AddInterface(new HostInterfaceOptions
        {
            Addresses = [InterfaceAddress.Parse("fd00:7::1/64")],
            Router = new HostRouterOptions { Prefixes = [Prefix], NameServers = [NameServer] },
        });
        HostInterface outside = host.AddInterface(new HostInterfaceOptions { AcceptRouterAdvertisements = true });
        int changes = 0;
        host.ConfigurationChanged += (_, _) => Interlocked.Increment(ref changes);
        (MemoryLink a, MemoryLink b) = MemoryLink.CreatePair(1500, LinkMedium.Ethernet);
        router.Attach(inside, a);
        host.Attach(outside, b);

        await UntilAsync(time, () => outside.AddressStates.Any(one => Prefix.Contains(one.Key) && one.Value == AddressState.Preferred) && outside.DefaultRouters.Count == 1);
        Assert.Equal([NameServer], outside.AdvertisedNameServers);
        await UntilAsync(time, () => Volatile.Read(ref changes) > 0);
        Assert.Throws<InvalidOperationException>(() => outside.SetRouter(new HostRouterOptions()));
        Assert.Throws<ArgumentException>(() => inside.SetRouter(new HostRouterOptions { Mtu = 100 }));

        await router.StopAsync(TestContext.Current.CancellationToken);
        await UntilAsync(time, () => outside.DefaultRouters.Count == 0 && outside.AdvertisedNameServers.Count == 0);
    }

    [Fact]
    public void An_interface_cannot_be_both()
    {
        using NetworkRuntime runtime = new(new NetworkRuntimeOptions { Time = new SimulatedTime() });
        NetworkHost host = new(new NetworkHostOptions { Runtime = runtime });
        Assert.Throws<ArgumentException>(() => host.AddInterface(new HostInterfaceOptions { AcceptRouterAdvertisements = true, Router = new HostRouterOptions() }));
        Assert.Null(host.Failed.IsCompleted ? host : null);
    }

    private static async Task UntilAsync(SimulatedTime time, Func<bool> condition)
    {
        while (!condition())
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }
    }
}
