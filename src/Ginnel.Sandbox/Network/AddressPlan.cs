using System.Net;
using System.Net.Sockets;
using Ginnel.Wire;

namespace Ginnel.Sandbox;

/// <summary>
/// The addresses of one family inside a sandbox, cut from one subnet: the program's own, the gateway that is its default route
/// and the name server. All belong to the stack but the program's.
/// </summary>
public sealed record AddressPlan
{
    private const int LongestV4 = 29, LongestV6 = 125;

    private AddressPlan(IpPrefix prefix, byte guest, byte gateway)
    {
        Prefix = prefix;
        Guest = At(prefix, guest);
        Gateway = At(prefix, gateway);
        NameServer = At(prefix, (byte)(gateway + 1));
        Host = At(prefix, (byte)(gateway + 2));
    }

    /// <summary>The subnet that is on the link.</summary>
    public IPNetwork Subnet => Prefix.ToIPNetwork();

    /// <summary>The same as the stack has it; every start uses it, and the framework's type costs it milliseconds of compilation.</summary>
    internal IpPrefix Prefix { get; }

    /// <summary>The program's address.</summary>
    public IPAddress Guest { get; }

    /// <summary>The default route; the stack's own address, where the status page lives.</summary>
    public IPAddress Gateway { get; }

    /// <summary>The name server that resolv.conf names.</summary>
    public IPAddress NameServer { get; }

    /// <summary>Stands for the host's loopback where that is allowed (<c>host.ginnel.internal</c>).</summary>
    public IPAddress Host { get; }

    /// <summary>The default for IPv4: 10.0.2.0/24.</summary>
    public static AddressPlan DefaultV4 { get; } = For(new IpPrefix(IpAddress.FromV4(0x0A00_0200), 24));

    /// <summary>The default for IPv6: fd00:2::/64.</summary>
    public static AddressPlan DefaultV6 { get; } = For(new IpPrefix(IpAddress.FromV6(0xFD00_0002_0000_0000, 0), 64));

    /// <summary>
    /// Cuts a subnet. With room for more than a hundred addresses the gateway is .2, the name server .3, the host .4 and the program .100;
    /// in a smaller one they are .1, .2, .3 and .4.
    /// </summary>
    /// <param name="subnet">At most 29 bits of prefix for IPv4, 125 for IPv6.</param>
    /// <exception cref="ArgumentException">The subnet is too small for four addresses.</exception>
    public static AddressPlan For(IPNetwork subnet) => For(IpPrefix.From(subnet));

    internal static AddressPlan For(IpPrefix prefix)
    {
        int longest = prefix.Address.IsV4 ? LongestV4 : LongestV6;
        if (prefix.Length > longest) throw new ArgumentException($"The subnet {prefix} is too small: a prefix of at most {longest} bits is needed.", nameof(prefix));
        bool isRoomy = prefix.Address.BitCount - prefix.Length >= 7;
        return isRoomy ? new AddressPlan(prefix, guest: 100, gateway: 2) : new AddressPlan(prefix, guest: 4, gateway: 1);
    }

    /// <summary>
    /// The subnets that are tried in turn when the host has a route to the default one: from several private ranges, since a company's
    /// tunnel often takes the whole of one (10.0.0.0/8, say).
    /// </summary>
    public static IEnumerable<IPNetwork> Candidates(AddressFamily family)
    {
        for (int i = 0; Candidate(family == AddressFamily.InterNetwork, i) is { } prefix; i++) yield return prefix.ToIPNetwork();
    }

    /// <summary>The candidate of this number, or null behind the last.</summary>
    internal static IpPrefix? Candidate(bool v4, int number)
    {
        const int FromEach = 16;
        int range = number / FromEach;
        uint step = (uint)(number % FromEach);
        if (range >= (v4 ? FirstV4.Length : FirstV6.Length)) return null;
        if (v4) return new IpPrefix(IpAddress.FromV4(FirstV4[range] + (step << 8)), 24);
        // The part that differs within each range: the second group of the first, the fourth of the other.
        return new IpPrefix(IpAddress.FromV6(FirstV6[range] + ((ulong)step << (range == 0 ? 32 : 0)), 0), 64);
    }

    // 10.0.2.0, 172.31.200.0, 192.168.200.0, 198.19.0.0
    private static ReadOnlySpan<uint> FirstV4 => [0x0A00_0200, 0xAC1F_C800, 0xC0A8_C800, 0xC613_0000];

    // fd00:2::, fd67:696e:6e65:100::
    private static ReadOnlySpan<ulong> FirstV6 => [0xFD00_0002_0000_0000, 0xFD67_696E_6E65_0100];

    private static IPAddress At(IpPrefix prefix, byte offset) => (prefix.Address.IsV4
        ? IpAddress.FromV4(prefix.Address.V4 + offset)
        : IpAddress.FromV6(prefix.Address.High, prefix.Address.Low + offset)).ToIPAddress();
}
