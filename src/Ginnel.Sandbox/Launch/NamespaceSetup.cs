using Ginnel.Linux;
using Ginnel.Linux.Links;
using Ginnel.Linux.Netlink;
using Ginnel.Sandbox.Resolver;

namespace Ginnel.Sandbox.Launch;

/// <summary>What is made inside fresh namespaces with system calls alone, by a thread that is in them.</summary>
internal static class NamespaceSetup
{
    /// <summary>The way out: TUN, or a packet socket on the far end of a veth pair.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static Descriptor MakeDevice(LaunchSheet sheet, out TunOffloads offloads)
    {
        offloads = TunOffloads.None;
        if (!sheet.UsesTun) return PacketDevice.Create(sheet.InterfaceName, sheet.Mtu);
        TunDevice device = TunDevice.Create(TunDevice.Open(), sheet.InterfaceName);
        offloads = device.Offloads;
        return device.Descriptor;
    }

    /// <summary>Brings the interfaces up, with addresses and routes.</summary>
    /// <exception cref="IOException">The kernel refused.</exception>
    public static void Configure(LaunchSheet sheet)
    {
        using RouteSocket route = RouteSocket.Open();
        route.BringUp(RouteSocket.IndexOf("lo"));
        int index = RouteSocket.IndexOf(sheet.InterfaceName);
        if (NetworkScript.HasIpv6) route.DisableAddressGeneration(index);
        route.BringUp(index, sheet.Mtu);
        foreach (AddressPlan? plan in (AddressPlan?[])[sheet.V4, sheet.V6])
        {
            if (plan is null) continue;
            route.AddAddress(index, plan.Guest, plan.Prefix.Length);
            route.AddDefaultRoute(index, plan.Gateway);
        }
    }

    /// <summary>Covers the host's resolver.</summary>
    /// <exception cref="IOException">A step failed.</exception>
    public static void Cover(LaunchSheet sheet) => MountRunner.Run(sheet.Steps, sheet.ResolverText);

    /// <summary>What is not vital, and refused where /proc/sys is read-only.</summary>
    public static void Tune(LaunchSheet sheet)
    {
        TrySetting("/proc/sys/net/ipv4/ping_group_range", FormattableString.Invariant($"{sheet.PingFirst} {sheet.PingLast}"));
        if (sheet.OpensLoopback) TrySetting(NetworkScript.LoopbackSwitch(sheet.InterfaceName), "1");
    }

    /// <summary>
    /// Makes a device without carrier one without routes: who is left behind with it is told at once that there is no network. False where
    /// /proc/sys is read-only.
    /// </summary>
    public static bool TieRoutesToCarrier(LaunchSheet sheet) =>
        TrySetting($"/proc/sys/net/ipv4/conf/{sheet.InterfaceName}/ignore_routes_with_linkdown", "1")
        && (sheet.V6 is null || TrySetting($"/proc/sys/net/ipv6/conf/{sheet.InterfaceName}/ignore_routes_with_linkdown", "1"));

    private static bool TrySetting(string path, string value)
    {
        try
        {
            File.WriteAllText(path, value);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
