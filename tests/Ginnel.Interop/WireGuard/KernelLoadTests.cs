using Ginnel.Interop.Guests;

namespace Ginnel.Interop.WireGuard;

/// <summary>Cookies (paper, section 5.3) between the Linux kernel and us: who is under load wants to see that the other is where it says.</summary>
[Collection<GuestCollection>]
public sealed class KernelLoadTests(GuestNetwork network)
{
    [Fact]
    public async Task ACookieOfTheKernelsLetsUsIn()
    {
        await network.RequireAsync();
        // Half a second, not five, until we try again with the cookie.
        KernelTunnelOptions options = new(Scale: 10);
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, options);
        Assert.Equal("1 of 1", await tunnel.End.AskAsync($"ping {tunnel.TheirV4} 1"));
        await tunnel.End.AskAsync("begin flood 4");
        await EventuallyAsync(async () => !(await tunnel.End.AskAsync("notes")).StartsWith("Cookies = 0,", StringComparison.Ordinal));
        await using EndProcess newcomer = await tunnel.StartEndAsync(network, options, tunnel.Port + 500);
        Assert.Equal("1 of 1", await newcomer.AskAsync($"ping {tunnel.TheirV4} 1"));
        Assert.DoesNotContain("Cookies = 0,", await newcomer.AskAsync("notes"));
        Assert.StartsWith("Cookies = ", await tunnel.End.AskAsync("await"));
    }

    [Fact]
    public async Task ACookieOfOursLetsTheKernelIn()
    {
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, new KernelTunnelOptions(TheyBegin: true));
        Assert.Contains(" 0% packet loss", await network.Guest.DoAsync($"ping -c 1 -W 5 {tunnel.OurV4}"));
        await tunnel.End.AskAsync("begin flooded 7");
        // The kernel's second attempt comes after five seconds.
        Assert.Contains(" 0% packet loss", await network.Guest.DoAsync($"""
            ip link set {tunnel.Name} down
            ip link set {tunnel.Name} up
            ping -c 1 -W 12 {tunnel.OurV4}
            """));
        Assert.DoesNotContain("InitiationsWithCookie = 0", await tunnel.End.AskAsync("notes"));
        Assert.DoesNotContain("CookiesSent = 0,", await tunnel.End.AskAsync("await"));
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(15));
        while (!await condition()) await Task.Delay(100, patience.Token);
    }
}
