using System.Net;
using Ginnel.Netstack;

namespace Ginnel.Interop.Links;

/// <summary>Our neighbor discovery and the kernel's, on one Ethernet segment: each as host, as router, and as owner of an address.</summary>
public sealed class NeighborhoodTests
{
    private static readonly IPNetwork Prefix = IPNetwork.Parse("fd99::/64");
    private static readonly IPAddress Own = IPAddress.Parse("fd99::1");

    [Fact]
    public async Task The_kernel_configures_itself_by_our_advertisements_and_forgets_us_when_we_go()
    {
        await using TapNetwork network = await TapNetwork.CreateAsync("ping");
        await using NetworkHost router = new();
        HostInterface way = router.AddInterface(new HostInterfaceOptions
        {
            Addresses = [InterfaceAddress.Parse("fd99::1/64")],
            Router = new HostRouterOptions { Prefixes = [Prefix], NameServers = [Own], Mtu = 1_400, HopLimit = 77 },
        });
        router.Attach(way, network.Link, ownsLink: false);
        await network.RunAsync("sysctl -qw net.ipv6.conf.tap0.accept_ra=1 net.ipv6.conf.tap0.router_solicitation_delay=0; ip link set tap0 up");
        await network.UntilAsync("ip -6 addr show dev tap0 scope global -tentative", output => output.Contains("inet6 fd99:", StringComparison.Ordinal));
        string routes = await network.RunAsync("ip -6 route show");
        Assert.Contains("default via fe80", routes, StringComparison.Ordinal);
        Assert.Contains("hoplimit 77", routes, StringComparison.Ordinal);
        Assert.Equal("1400", (await network.RunAsync("cat /proc/sys/net/ipv6/conf/tap0/mtu")).Trim());
        await network.RunAsync("ping -6 -c 3 -i 0.2 -W 5 fd99::1");
        await router.StopAsync(TestContext.Current.CancellationToken);
        await network.UntilAsync("ip -6 route show default", output => output.Trim().Length == 0);
    }

    [Fact]
    public async Task We_configure_ourselves_by_dnsmasq_and_the_kernel_reaches_the_address_that_we_formed()
    {
        await using TapNetwork network = await TapNetwork.CreateAsync("dnsmasq", "ping");
        await network.RunAsync("sysctl -qw net.ipv6.conf.tap0.accept_dad=0; ip link set tap0 up; ip -6 addr add fd98::1/64 dev tap0 nodad");
        await using NetworkHost host = new();
        HostInterface way = host.AddInterface(new HostInterfaceOptions { AcceptRouterAdvertisements = true });
        host.Attach(way, network.Link, ownsLink: false);
        network.Serve("/usr/sbin/dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--interface=tap0", "--enable-ra", "--leasefile-ro",
            "--user=root", "--pid-file=", "--dhcp-range=fd98::,ra-only,64,3600", "--dhcp-option=option6:dns-server,[fd98::1]", "--ra-param=tap0,10,1800");
        IPNetwork advertised = IPNetwork.Parse("fd98::/64");
        await TapNetwork.UntilAsync(() => way.AddressStates.Any(one => advertised.Contains(one.Key) && one.Value == AddressState.Preferred), "an address of ours in fd98::/64");
        await TapNetwork.UntilAsync(() => way.DefaultRouters.Count == 1, "a default router");
        Assert.Equal([IPAddress.Parse("fd98::1")], way.AdvertisedNameServers);
        IPAddress formed = way.AddressStates.Keys.Single(advertised.Contains);
        await network.RunAsync($"ping -6 -c 3 -i 0.2 -W 5 {formed}");
    }

    [Fact]
    public async Task The_kernels_probes_of_our_reachability_are_answered()
    {
        await using TapNetwork network = await TapNetwork.CreateAsync("ping");
        await using NetworkHost host = new();
        HostInterface way = host.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse("fd99::1/64"), InterfaceAddress.Parse("10.99.0.1/24")] });
        host.Attach(way, network.Link, ownsLink: false);
        await network.RunAsync("""
            for family in ipv4 ipv6; do
              sysctl -qw net.$family.neigh.tap0.base_reachable_time_ms=500 net.$family.neigh.tap0.delay_first_probe_time=1 net.$family.neigh.tap0.gc_stale_time=60
            done
            ip link set tap0 up
            ip addr add 10.99.0.2/24 dev tap0
            ip -6 addr add fd99::2/64 dev tap0 nodad
            """);
        await TapNetwork.UntilAsync(() => way.AddressStates.GetValueOrDefault(Own) == AddressState.Preferred, "our address to be in use");
        // The answers to pings confirm nothing for the kernel: it probes us every few seconds, and would lose us if we kept silent.
        await network.RunAsync("ping -6 -c 20 -i 0.3 -W 5 fd99::1 && ping -c 20 -i 0.3 -W 5 10.99.0.1");
        await network.UntilAsync("ip neigh show dev tap0; ping -6 -c 1 -W 5 fd99::1 > /dev/null; ping -c 1 -W 5 10.99.0.1 > /dev/null", output =>
        {
            Assert.DoesNotContain("FAILED", output, StringComparison.Ordinal);
            return Lines(output, "fd99::1 ").Contains("REACHABLE", StringComparison.Ordinal) && Lines(output, "10.99.0.1 ").Contains("REACHABLE", StringComparison.Ordinal);
        });
    }

    [Fact]
    public async Task An_address_has_one_owner_whoever_came_first()
    {
        await using TapNetwork network = await TapNetwork.CreateAsync();
        await using NetworkHost host = new();
        HostInterface way = host.AddInterface(new HostInterfaceOptions { Addresses = [InterfaceAddress.Parse("fd99::1/64")] });
        host.Attach(way, network.Link, ownsLink: false);
        await network.RunAsync("ip link set tap0 up; ip -6 addr add fd99::2/64 dev tap0 nodad");
        await TapNetwork.UntilAsync(() => way.AddressStates.GetValueOrDefault(Own) == AddressState.Preferred, "our address to be in use");

        await network.RunAsync("ip -6 addr add fd99::1/64 dev tap0");
        await network.UntilAsync("ip -6 addr show dev tap0", output => Lines(output, "fd99::1/64").Contains("dadfailed", StringComparison.Ordinal));
        way.AddAddress(InterfaceAddress.Parse("fd99::2/64"));
        IPAddress theirs = IPAddress.Parse("fd99::2");
        await TapNetwork.UntilAsync(() => way.AddressStates[theirs] != AddressState.Tentative, "our check of the kernel's address");
        Assert.Equal((AddressState.Duplicate, AddressState.Preferred), (way.AddressStates[theirs], way.AddressStates[Own]));
    }

    private static string Lines(string output, string with) =>
        string.Join('\n', output.Split('\n').Where(line => line.Contains(with, StringComparison.Ordinal)));
}
