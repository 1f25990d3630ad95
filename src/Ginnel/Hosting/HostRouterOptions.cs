using System.Net;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>What an interface tells its link as an IPv6 router (RFC 4861 section 6.2): hosts there configure themselves by it.</summary>
public sealed class HostRouterOptions
{
    /// <summary>Prefixes that are on the link; in those of 64 bits hosts form addresses. At most 16.</summary>
    public IReadOnlyList<IPNetwork> Prefixes { get; init; } = [];

    /// <summary>How long the prefixes, and addresses formed from them, are valid.</summary>
    public TimeSpan ValidLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How long such addresses are used for new things; not above <see cref="ValidLifetime"/>.</summary>
    public TimeSpan PreferredLifetime { get; init; } = TimeSpan.FromDays(7);

    /// <summary>DNS servers (RFC 8106), IPv6 addresses; at most 8.</summary>
    public IReadOnlyList<IPAddress> NameServers { get; init; } = [];

    /// <summary>How long this is a default router for who hears it: zero for not at all, else from <see cref="MaxInterval"/> to 9,000 s.</summary>
    public TimeSpan RouterLifetime { get; init; } = TimeSpan.FromSeconds(1_800);

    /// <summary>How it compares with other routers (RFC 4191).</summary>
    public RouterPreference Preference { get; init; }

    /// <summary>The link's MTU, 1,280 bytes or more; 0 says nothing.</summary>
    public int Mtu { get; init; }

    /// <summary>The hop limit that hosts are to use; 0 says nothing.</summary>
    public byte HopLimit { get; init; } = 64;

    /// <summary>Most time between two advertisements that nobody asked for, 4–1,800 s.</summary>
    public TimeSpan MaxInterval { get; init; } = TimeSpan.FromSeconds(600);

    internal RouterAdvertisementOptions ToCore() => new()
    {
        Prefixes = [.. Prefixes.Select(IpPrefix.From)],
        ValidLifetime = ValidLifetime,
        PreferredLifetime = PreferredLifetime,
        NameServers = [.. NameServers.Select(IpAddress.From)],
        RouterLifetime = RouterLifetime,
        Preference = Preference,
        Mtu = Mtu,
        HopLimit = HopLimit,
        MaxInterval = MaxInterval,
    };
}
