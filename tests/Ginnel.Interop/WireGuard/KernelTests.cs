using System.Globalization;
using Ginnel.Interop.Guests;
using Ginnel.Interop.Running;
using Ginnel.Interop.Sandboxes;

namespace Ginnel.Interop.WireGuard;

/// <summary>F13: our WireGuard against that of the Linux kernel, which runs in a guest, in both roles.</summary>
[Collection<GuestCollection>]
public sealed class KernelTests(GuestNetwork network)
{
    private const int Size = 512 << 10;

    [Theory]
    [InlineData(false, false, false, 1_420, false)]
    [InlineData(false, true, true, 1_420, false)]
    [InlineData(false, false, true, 1_280, true)]
    [InlineData(false, false, false, 4_000, false)]
    [InlineData(false, true, true, 4_000, false)]
    [InlineData(true, false, true, 1_420, false)]
    [InlineData(true, true, false, 1_280, false)]
    public async Task F13_EverythingPassesBothWays(bool theyBegin, bool outsideV6, bool hasPresharedKey, int mtu, bool portable)
    {
        await network.RequireAsync();
        await using KernelTunnel tunnel = await KernelTunnel.StartAsync(network, new KernelTunnelOptions(theyBegin, outsideV6, hasPresharedKey, mtu, portable));
        int before = await FragmentsAsync();
        if (theyBegin) await TheyPingAsync(tunnel);
        await WeCallAsync(tunnel, mtu);
        await TheyCallAsync(tunnel);
        if (!theyBegin) await TheyPingAsync(tunnel);
        // The outside is fragmented when it has to be: a few packets are inside in any case.
        if (mtu > 1_500) Assert.InRange(await FragmentsAsync() - before, 500, int.MaxValue);
        else Assert.InRange(await FragmentsAsync() - before, 0, 50);
        string our = outsideV6 ? $"[{GuestNetwork.OurAddressV6}]" : GuestNetwork.OurAddress;
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{our}:{tunnel.Port}"), await tunnel.ShowAsync("endpoints"));
        string their = outsideV6 ? $"[{GuestNetwork.GuestAddressV6}]" : GuestNetwork.GuestAddress;
        Assert.Contains(string.Create(CultureInfo.InvariantCulture, $"{their}:{tunnel.Port + 1_000}"), await tunnel.End.AskAsync("peer"));
        Assert.Contains("BadTransport = 0, BadPacket = 0, NoPeer = 0", await tunnel.End.AskAsync("counters"));
        await tunnel.End.EndAsync();
    }

    private static async Task WeCallAsync(KernelTunnel tunnel, int mtu)
    {
        foreach (string address in (string[])[tunnel.TheirV4, $"[{tunnel.TheirV6}]"])
        {
            Assert.Equal(PeerServer.HashOf(Size), await tunnel.End.AskAsync($"tell {address}:{GuestServers.Hash} {Size}"));
            Assert.Equal(GuestServers.HashOfFile, await tunnel.End.AskAsync($"fetch {address}:{GuestServers.Source}"));
            // As large as fits, and one that is fragmented inside.
            foreach (int size in (int[])[1, mtu - 48, mtu + 1_000])
                Assert.Equal("same", await tunnel.End.AskAsync(string.Create(CultureInfo.InvariantCulture, $"datagram {address}:{GuestServers.Echo} {size}")));
            Assert.Equal("3 of 3", await tunnel.End.AskAsync($"ping {address.Trim('[', ']')} 3"));
        }
    }

    private async Task TheyCallAsync(KernelTunnel tunnel)
    {
        foreach (string address in (string[])[tunnel.OurV4, $"[{tunnel.OurV6}]"])
        {
            string echoed = await network.Guest.DoAsync($"socat -t 20 - TCP:{address}:7 <{GuestServers.File} | sha256sum");
            Assert.StartsWith(GuestServers.HashOfFile, echoed);
        }
    }

    private async Task TheyPingAsync(KernelTunnel tunnel)
    {
        foreach (string address in (string[])[tunnel.OurV4, tunnel.OurV6])
            Assert.Contains(" 0% packet loss", await network.Guest.DoAsync($"ping -c 3 -i 0.1 -W 20 {address}"));
    }

    /// <summary>Datagrams that the guest has put together, and fragments that it has made.</summary>
    private async Task<int> FragmentsAsync() => int.Parse(await network.Guest.DoAsync("""
        { awk '/^Ip: [0-9]/ { print $16 + $20 }' /proc/net/snmp; awk '/^Ip6(ReasmOKs|FragCreates)/ { print $2 }' /proc/net/snmp6; } | awk '{ n += $1 } END { print n }'
        """), CultureInfo.InvariantCulture);
}
