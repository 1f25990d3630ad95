using System.Net;
using System.Net.Sockets;

namespace Ginnel.Sandbox;

/// <summary>
/// The addresses of one family inside a sandbox, cut from one subnet: the program's own, the gateway that is its default route
/// and the name server. All belong to the stack but the program's.
/// </summary>
public sealed record AddressPlan
{
    private const int LongestV4 = 29, LongestV6 = 125;

    private AddressPlan(IPNetwork subnet, IPAddress guest, IPAddress gateway, IPAddress nameServer, IPAddress host)
    {
        Subnet = subnet;
        Guest = guest;
        Gateway = gateway;
        NameServer = nameServer;
        Host = host;
    }

    /// <summary>The subnet that is on the link.</summary>
    public IPNetwork Subnet { get; }

    /// <summary>The program's address.</summary>
    public IPAddress Guest { get; }

    /// <summary>The default route; the stack's own address, where the status page lives.</summary>
    public IPAddress Gateway { get; }

    /// <summary>The name server that resolv.conf names.</summary>
    public IPAddress NameServer { get; }

    /// <summary>Stands for the host's loopback where that is allowed (<c>host.ginnel.internal</c>).</summary>
    public IPAddress Host { get; }

    /// <summary>The default for IPv4: 10.0.2.0/24.</summary>
    public static AddressPlan DefaultV4 { get; } = For(IPNetwork.Parse("10.0.2.0/24"));

    /// <summary>The default for IPv6: fd00:2::/64.</summary>
    public static AddressPlan DefaultV6 { get; } = For(IPNetwork.Parse("fd00:2::/64"));

    /// <summary>
    /// Cuts a subnet. With room for more than a hundred addresses the gateway is .2, the name server .3, the host .4 and the program .100;
    /// in a smaller one they are .1, .2, .3 and .4.
    /// </summary>
    /// <param name="subnet">At most 29 bits of prefix for IPv4, 125 for IPv6.</param>
    /// <exception cref="ArgumentException">The subnet is too small for four addresses.</exception>
    public static AddressPlan For(IPNetwork subnet)
    {
        bool isV4 = subnet.BaseAddress.AddressFamily == AddressFamily.InterNetwork;
        int bits = isV4 ? 32 : 128;
        if (subnet.PrefixLength > (isV4 ? LongestV4 : LongestV6))
        {
            throw new ArgumentException($"The subnet {subnet} is too small: a prefix of at most {(isV4 ? LongestV4 : LongestV6)} bits is needed.", nameof(subnet));
        }
        bool isRoomy = bits - subnet.PrefixLength >= 7;
        return isRoomy
            ? new AddressPlan(subnet, At(subnet, 100), At(subnet, 2), At(subnet, 3), At(subnet, 4))
            : new AddressPlan(subnet, At(subnet, 4), At(subnet, 1), At(subnet, 2), At(subnet, 3));
    }

    /// <summary>
    /// The subnets that are tried in turn when the host has a route to the default one: from several private ranges, since a company's
    /// tunnel often takes the whole of one (10.0.0.0/8, say).
    /// </summary>
    public static IEnumerable<IPNetwork> Candidates(AddressFamily family)
    {
        const int FromEach = 16;
        string[] first = family == AddressFamily.InterNetwork ? ["10.0.2.0", "172.31.200.0", "192.168.200.0", "198.19.0.0"] : ["fd00:2::", "fd67:696e:6e65:100::"];
        foreach (string start in first)
        {
            for (int i = 0; i < FromEach; i++)
            {
                byte[] bytes = IPAddress.Parse(start).GetAddressBytes();
                // The third part of an IPv4 address; of IPv6 the part that differs within each range.
                int part = bytes.Length == 4 ? 2 : start == first[0] ? 3 : 7;
                bytes[part] += (byte)i;
                yield return new IPNetwork(new IPAddress(bytes), bytes.Length == 4 ? 24 : 64);
            }
        }
    }

    private static IPAddress At(IPNetwork subnet, byte offset)
    {
        byte[] bytes = subnet.BaseAddress.GetAddressBytes();
        bytes[^1] += offset;
        return new IPAddress(bytes);
    }
}
