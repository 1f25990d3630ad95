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
        // Half of five seconds until we try again with the cookie: a kernel under load may need one for its answer.
        KernelTunnelOptions options = new(Scale: 2);
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, options);
        Assert.Equal("1 of 1", await tunnel.End.AskAsync($"ping {tunnel.TheirV4} 1"));
        // Busy with other things as well, so that the queue stays long.
        await network.Guest.DoAsync("rm -f /tmp/busy; for i in 1 2 3; do sh -c 'while :; do :; done' & echo $! >>/tmp/busy; done");
        try
        {
            Assert.Equal("begun", await tunnel.End.AskAsync("flood"));
            await EventuallyAsync(async () => !(await tunnel.End.AskAsync("notes")).StartsWith("Cookies = 0,", StringComparison.Ordinal));
            await using EndProcess newcomer = await tunnel.StartEndAsync(network, options, tunnel.Port + 500);
            // In a flood any one packet may be lost before the kernel has looked at it.
            await EventuallyAsync(async () => await newcomer.AskAsync($"ping {tunnel.TheirV4} 1 1") == "1 of 1");
            string notes = await newcomer.AskAsync("notes");
            Assert.DoesNotContain("Cookies = 0,", notes);
            Assert.DoesNotContain("SentWithCookie = 0,", notes);
            await tunnel.End.AskAsync("calm");
        }
        finally
        {
            await network.Guest.DoAsync("kill $(cat /tmp/busy)");
        }
    }

    [Fact]
    public async Task ACookieOfOursLetsTheKernelIn()
    {
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, new KernelTunnelOptions(TheyBegin: true));
        // The kernel counts load over all its interfaces and remembers it for a second: after another flood it answers our response with a cookie.
        Assert.Contains(" 0% packet loss", await network.Guest.DoAsync($"ping -c 1 -W 20 {tunnel.OurV4}"));
        Assert.Equal("begun", await tunnel.End.AskAsync("flooded"));
        // From the first cookie on every initiation needs one.
        await EventuallyAsync(async () => !(await tunnel.End.AskAsync("counters")).Contains("CookiesSent = 0,", StringComparison.Ordinal));
        // The kernel's second attempt comes after five seconds, its third after ten.
        Assert.Contains(" 0% packet loss", await network.Guest.DoAsync($"""
            ip link set {tunnel.Name} down
            ip link set {tunnel.Name} up
            ping -c 1 -W 20 {tunnel.OurV4}
            """));
        Assert.DoesNotContain("ReceivedWithCookie = 0", await tunnel.End.AskAsync("calm"));
        Assert.DoesNotContain("CookiesSent = 0,", await tunnel.End.AskAsync("counters"));
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(90));
        while (!await condition()) await Task.Delay(100, patience.Token);
    }
}
