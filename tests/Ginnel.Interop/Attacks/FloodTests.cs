using System.Net.Sockets;
using Ginnel.Attacks.Device;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.Attacks;

/// <summary>A SYN flood from a real kernel over a real device: what it may not cost the honest (attack cases D1, D16). How fast anything is, is not judged.</summary>
public sealed class FloodTests
{
    private const int Rate = 20_000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task At_a_listener_the_flood_gets_cookies_and_a_new_connection_is_made()
    {
        await using DeviceField field = Begin(anyIp: false, isSilent: false);
        using Socket? earlier = await field.ConnectAsync(Patience);
        using RawFlood flood = new(field.Space, field.Target, Rate);
        // A backlog is remembered, and nothing beyond it.
        await UntilAsync(() => flood.Sent > 10_000 && field.Host.Snapshot().Sockets >= DeviceField.Backlog);
        Assert.NotNull(await field.TryAsync(Patience));
        HostSnapshot now = field.Host.Snapshot();
        Assert.InRange(now.Sockets, DeviceField.Backlog, DeviceField.Backlog + 10);
        Assert.InRange(now.BufferBytes, 0, DeviceField.MemoryLimit);
        await AssertMovesAsync(field, earlier);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task In_any_IP_mode_dials_stay_within_their_limit_and_a_new_connection_is_made(bool isSilent)
    {
        await using DeviceField field = Begin(anyIp: true, isSilent);
        using Socket? earlier = await field.ConnectAsync(Patience);
        using RawFlood flood = new(field.Space, field.Target, Rate);
        // The first SYN of an attempt is turned away from now on.
        await UntilAsync(() => field.Host.Snapshot().Drops.GetValueOrDefault("BacklogFull") > 1_000);
        Assert.NotNull(await field.TryAsync(Patience));
        Assert.InRange(field.Dialer!.Most, 1, new RelayOptions().MaxPendingDials);
        HostSnapshot now = field.Host.Snapshot();
        int pending = new NetworkHostOptions().MaxPending;
        Assert.InRange(now.Sockets, pending, (5 * pending) + 10);
        Assert.InRange(now.BufferBytes, 0, DeviceField.MemoryLimit);
        await AssertMovesAsync(field, earlier);
    }

    private static DeviceField Begin(bool anyIp, bool isSilent)
    {
        Caller.RequireRoot();
        Assert.SkipUnless(File.Exists("/dev/net/tun"), "there is no /dev/net/tun");
        return new DeviceField(anyIp, isSilent);
    }

    // What was connected before the flood goes on.
    private static async Task AssertMovesAsync(DeviceField field, Socket? earlier)
    {
        Assert.NotNull(earlier);
        long before = field.Sink.Received;
        await earlier.SendAsync(new byte[100_000], TestContext.Current.CancellationToken);
        await UntilAsync(() => field.Sink.Received >= before + 100_000);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using CancellationTokenSource late = new(Patience);
        while (!condition()) await Task.Delay(20, late.Token);
    }
}
