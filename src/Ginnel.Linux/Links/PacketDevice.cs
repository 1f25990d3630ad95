using Ginnel.Linux.Native;
using Ginnel.Linux.Netlink;
using Ginnel.Wire;

namespace Ginnel.Linux.Links;

/// <summary>
/// A way out without TUN: a veth pair, one end in the calling namespace, the other in a second one where nothing is but our packet
/// socket. That namespace has no address and no IPv6, so no kernel answers beside the stack, and it lives only as long as the socket.
/// </summary>
internal static class PacketDevice
{
    private const ushort AllProtocols = 0x0300; // ETH_P_ALL in network order
    private const string FarName = "gateway";

    /// <summary>The stack's address on the link: locally administered, the same in every sandbox, for each is alone on its link.</summary>
    public static MacAddress GatewayAddress => new(0x02_67_69_6E_6E_01);

    private static MacAddress GuestAddress => new(0x02_67_69_6E_6E_02);

    /// <summary>Makes the pair; <paramref name="name"/> appears in the calling thread's namespace.</summary>
    /// <returns>The bound, non-blocking socket.</returns>
    /// <exception cref="LinuxException">The kernel refused: no veth, no packet sockets, or no privilege in this namespace.</exception>
    public static Descriptor Create(string name, int mtu)
    {
        int own = Descriptors.Open("/proc/thread-self/ns/net", Descriptors.ReadOnly);
        if (own < 0) throw LinuxException.Last("open", "/proc/thread-self/ns/net");
        using Descriptor here = new(own);
        Descriptor? socket = null;
        Exception? failure = null;
        // A thread that has left its network namespace is of no further use: it ends with its task.
        Thread maker = new(() =>
        {
            try
            {
                socket = CreateFar(name, mtu, here.Number);
            }
            catch (Exception caught)
            {
                failure = caught;
            }
        });
        maker.Start();
        maker.Join();
        if (failure is not null) throw failure;
        return socket!;
    }

    private static Descriptor CreateFar(string name, int mtu, int near)
    {
        if (Namespaces.unshare(Namespaces.NewNetwork) != 0) throw LinuxException.Last("unshare", "CLONE_NEWNET");
        DisableIpv6();
        using RouteSocket route = RouteSocket.Open();
        route.AddVeth(FarName, GatewayAddress, name, GuestAddress, near, mtu);
        int index = RouteSocket.IndexOf(FarName);
        Descriptor socket = PacketSocket.Open();
        try
        {
            if (Directory.Exists("/proc/sys/net/ipv6")) route.DisableAddressGeneration(index);
            PacketSocket.Bind(socket, index, AllProtocols);
            route.BringUp(index);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void DisableIpv6()
    {
        try
        {
            File.WriteAllText("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
            File.WriteAllText("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // No IPv6, or /proc/sys read-only as in containers: then the interface merely stays without an address.
        }
    }
}
