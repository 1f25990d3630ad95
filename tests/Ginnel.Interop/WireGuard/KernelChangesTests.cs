using System.Globalization;
using Ginnel.Interop.Guests;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>A tunnel between the Linux kernel and us while addresses, keys and the network change.</summary>
[Collection<GuestCollection>]
public sealed class KernelChangesTests(GuestNetwork network)
{
    private const string OtherAddress = "198.18.4.3", OtherGuestAddress = "198.18.4.4", Subnet = "198.18.4.0/24", Restarted = "restarted", Crossing = "restarted, while we begin as well";

    /// <summary>How many times as fast our clock runs while handshakes are renewed; 1 only where there is time.</summary>
    public static TheoryData<int> Scales => Environment.GetEnvironmentVariable("GINNEL_LONG") is null ? [30] : [30, 1];

    /// <summary>Why the kernel begins a session: after two minutes of its own only where there is time.</summary>
    public static TheoryData<string> Beginnings => Environment.GetEnvironmentVariable("GINNEL_LONG") is null ? [Restarted, Crossing] : [Restarted, Crossing, "it is time"];

    [Fact]
    public async Task TheyFollowUsWhenWeMove()
    {
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, new KernelTunnelOptions());
        Assert.Equal("1 of 1", await tunnel.End.AskAsync($"ping {tunnel.TheirV4} 1"));
        string handshake = await tunnel.ShowAsync("latest-handshakes");
        await tunnel.End.AskAsync($"begin drip {tunnel.TheirV4}:{GuestServers.Echo} 3");
        int port = tunnel.Port + 500;
        await tunnel.End.AskAsync(Text($"move {port}"));
        await TheyHaveUsAtAsync(tunnel, Text($"{GuestNetwork.OurAddress}:{port}"));
        await InNamespaceAsync($"ip addr add {OtherAddress}/32 dev {GuestNetwork.Tap} && ip route replace {Subnet} dev {GuestNetwork.Tap} src {OtherAddress}");
        try
        {
            await TheyHaveUsAtAsync(tunnel, Text($"{OtherAddress}:{port}"));
            Assert.StartsWith("intact", await tunnel.End.AskAsync("await"));
            Assert.Contains(" 0% packet loss", await network.Guest.DoAsync($"ping -c 2 -i 0.1 -W 20 {tunnel.OurV6}"));
        }
        finally
        {
            await InNamespaceAsync($"ip route replace {Subnet} dev {GuestNetwork.Tap} src {GuestNetwork.OurAddress} && ip addr del {OtherAddress}/32 dev {GuestNetwork.Tap}");
        }
        // Any genuine message moves us; no handshake was needed.
        Assert.Equal(handshake, await tunnel.ShowAsync("latest-handshakes"));
        await tunnel.End.EndAsync();
    }

    [Fact]
    public async Task WeFollowThemWhenTheyMove()
    {
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, new KernelTunnelOptions());
        Assert.Equal("1 of 1", await tunnel.End.AskAsync($"ping {tunnel.TheirV4} 1"));
        string handshake = await tunnel.ShowAsync("latest-handshakes");
        await tunnel.End.AskAsync($"begin drip {tunnel.TheirV4}:{GuestServers.Echo} 3");
        int port = tunnel.Port + 1_500;
        // Who moves has to say something, or nobody would know.
        string speak = $"ping -c 3 -i 0.1 -W 20 {tunnel.OurV4}";
        await network.Guest.DoAsync(Text($"wg set {tunnel.Name} listen-port {port}\n{speak}"));
        Assert.Contains(Text($"{GuestNetwork.GuestAddress}:{port}"), await tunnel.End.AskAsync("peer"));
        await network.Guest.DoAsync($"""
            echo 1 >/proc/sys/net/ipv4/conf/eth0/promote_secondaries
            ip addr add {OtherGuestAddress}/24 dev eth0
            ip addr del {GuestNetwork.GuestAddress}/24 dev eth0
            {speak}
            """);
        try
        {
            Assert.Contains(Text($"{OtherGuestAddress}:{port}"), await tunnel.End.AskAsync("peer"));
            Assert.StartsWith("intact", await tunnel.End.AskAsync("await"));
        }
        finally
        {
            await network.Guest.DoAsync($"ip addr add {GuestNetwork.GuestAddress}/24 dev eth0; ip addr del {OtherGuestAddress}/24 dev eth0");
        }
        Assert.Equal(handshake, await tunnel.ShowAsync("latest-handshakes"));
        await tunnel.End.EndAsync();
    }

    [Theory]
    [MemberData(nameof(Scales))]
    public async Task NothingIsLostWhileWeRenewTheSession(int scale)
    {
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, new KernelTunnelOptions(HasPresharedKey: true, Scale: scale));
        // Four renewals, of which each takes place after two minutes of ours, and time for a fifth; a clock that is faster yet would leave a loaded
        // machine too little of the minute between the end of one session and what the next has to begin in.
        int seconds = (600 / scale) + 2;
        await tunnel.End.AskAsync($"begin drip {tunnel.TheirV4}:{GuestServers.Echo} {seconds}");
        await WatchHandshakesAsync(tunnel, seconds);
        string pings = Text($"ping -c {seconds * 5} -i 0.2 -W 20 {tunnel.OurV6}");
        Assert.Contains(" 0% packet loss", await network.Guest.DoAsync(pings, seconds + 90));
        Assert.StartsWith("intact", await tunnel.End.AskAsync("await", seconds + 90));
        Assert.InRange(await HandshakesAsync(tunnel), 5, int.MaxValue);
        Assert.Contains("BadTransport = 0", await tunnel.End.AskAsync("counters"));
        await tunnel.End.EndAsync();
    }

    [Theory]
    [MemberData(nameof(Beginnings))]
    public async Task NothingIsLostWhileTheyRenewTheSession(string why)
    {
        await network.RequireAsync();
        // With a fast clock we renew sessions as well, and miss answers at once: handshakes of both are under way at the same time.
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network,
            why == Crossing ? new KernelTunnelOptions(TheyBegin: true, BothKnow: true, Scale: 45, OurKeepalive: 5) : new KernelTunnelOptions(TheyBegin: true));
        await network.Guest.DoAsync($"ping -c 1 -W 20 {tunnel.OurV4}");
        bool isRestarted = why is Restarted or Crossing;
        int seconds = isRestarted ? 7 : 380;
        await tunnel.End.AskAsync($"begin drip {tunnel.TheirV4}:{GuestServers.Echo} {seconds}");
        await WatchHandshakesAsync(tunnel, seconds);
        // An interface that goes down forgets its sessions, and our packets until it has begun another.
        string restarts = $"""
            for i in 1 2 3 4; do
              sleep 1.2
              ip link set {tunnel.Name} down
              ip link set {tunnel.Name} up
              ping -c 1 -W 20 {tunnel.OurV4}
            done
            """;
        string said = await network.Guest.DoAsync(isRestarted ? restarts : $"ping -c {seconds} -i 1 -W 20 {tunnel.OurV6}", seconds + 90);
        Assert.DoesNotMatch("[1-9]0*% packet loss", said);
        Assert.StartsWith("intact", await tunnel.End.AskAsync("await", seconds + 90));
        Assert.InRange(await HandshakesAsync(tunnel), isRestarted ? 5 : 4, int.MaxValue);
        await tunnel.End.EndAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task PersistentKeepalivesKeepComing(bool ours)
    {
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(
            network, new KernelTunnelOptions(TheyBegin: !ours, OurKeepalive: ours ? 1 : 0, TheirKeepalive: ours ? 0 : 1));
        // Nobody has said anything; a handshake and two empty messages have come from whom it was told to.
        const int Expected = 148 + (3 * 32);
        await EventuallyAsync(async () => ours
            ? int.Parse((await tunnel.ShowAsync("transfer")).Split('\t')[0], CultureInfo.InvariantCulture) >= Expected
            : NumberAfter("ReceivedBytes = ", await tunnel.End.AskAsync("peer")) >= Expected);
        await tunnel.End.EndAsync();
    }

    [Fact]
    public async Task NothingPassesWithAnotherPresharedKey()
    {
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, new KernelTunnelOptions(HasPresharedKey: true, Scale: 20));
        string peer = (await network.Guest.DoAsync($"wg show {tunnel.Name} peers")).Trim();
        await network.Guest.DoAsync($"wg genpsk >/tmp/other && wg set {tunnel.Name} peer {peer} preshared-key /tmp/other");
        Assert.Equal("0 of 1", await tunnel.End.AskAsync($"ping {tunnel.TheirV4} 1 1"));
        Assert.InRange(NumberAfter("BadHandshake = ", await tunnel.End.AskAsync("counters")), 1, int.MaxValue);
        Assert.Equal("0", await tunnel.ShowAsync("latest-handshakes"));
        await network.Guest.DoAsync($"echo {tunnel.Keys.Preshared} >/tmp/other && wg set {tunnel.Name} peer {peer} preshared-key /tmp/other");
        Assert.Equal("1 of 1", await tunnel.End.AskAsync($"ping {tunnel.TheirV4} 1"));
        await tunnel.End.EndAsync();
    }

    [Fact]
    public async Task TransfersArriveWholeOverABadNetwork()
    {
        const int Size = 1 << 20;
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, new KernelTunnelOptions());
        // What comes in is led through a queue of its own, as only what goes out can be treated badly.
        await network.Guest.DoAsync("""
            tc qdisc add dev eth0 root netem delay 10ms 4ms loss 1% reorder 5% 25%
            ip link set ifb0 up
            tc qdisc add dev eth0 ingress
            tc filter add dev eth0 parent ffff: matchall action mirred egress redirect dev ifb0
            tc qdisc add dev ifb0 root netem delay 10ms 4ms loss 1% reorder 5% 25%
            """);
        try
        {
            Assert.Equal(PeerServer.HashOf(Size), await tunnel.End.AskAsync($"tell {tunnel.TheirV4}:{GuestServers.Hash} {Size}"));
            Assert.Equal(GuestServers.HashOfFile, await tunnel.End.AskAsync($"fetch [{tunnel.TheirV6}]:{GuestServers.Source}"));
            Assert.StartsWith(GuestServers.HashOfFile, await network.Guest.DoAsync($"socat -t 30 - TCP:{tunnel.OurV4}:7 <{GuestServers.File} | sha256sum"));
            foreach (string device in (string[])["eth0", "ifb0"])
                Assert.Matches("dropped [1-9]", await network.Guest.DoAsync($"tc -s qdisc show dev {device} | grep -A 1 netem"));
        }
        finally
        {
            await network.Guest.DoAsync("tc qdisc del dev eth0 root; tc qdisc del dev eth0 ingress; tc qdisc del dev ifb0 root");
        }
        await tunnel.End.EndAsync();
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static int NumberAfter(string name, string text) =>
        int.Parse(text[(text.IndexOf(name, StringComparison.Ordinal) + name.Length)..].Split(',')[0], CultureInfo.InvariantCulture);

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        while (!await condition()) await Task.Delay(100, patience.Token);
    }

    private static Task TheyHaveUsAtAsync(KernelTunnel tunnel, string endpoint) => EventuallyAsync(async () =>
    {
        // They learn it from what we say, and what is under way beside may have ended by now.
        await tunnel.End.AskAsync($"ping {tunnel.TheirV4} 1 1");
        return await tunnel.ShowAsync("endpoints") == endpoint;
    });

    private async Task InNamespaceAsync(string script)
    {
        Outcome outcome = await Caller.RunAsync(Who.Root, ["sh", "-c", script], network.Enter);
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
    }

    /// <summary>Notes the times of the handshakes that the kernel has seen.</summary>
    private Task<string> WatchHandshakesAsync(KernelTunnel tunnel, int seconds) => network.Guest.DoAsync(Text(
        $"for i in $(seq {seconds * 4}); do wg show {tunnel.Name} latest-handshakes; sleep 0.25; done >/tmp/handshakes 2>/dev/null &"));

    private async Task<int> HandshakesAsync(KernelTunnel tunnel) => int.Parse(
        await network.Guest.DoAsync($"wg show {tunnel.Name} latest-handshakes >>/tmp/handshakes; sort -u /tmp/handshakes | wc -l"), CultureInfo.InvariantCulture);
}
