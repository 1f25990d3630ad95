using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>What an interface advertises as a router of its link (RFC 4861 section 6.2.1). The interface forms a link-local address to do it.</summary>
public sealed class RouterAdvertisementOptions
{
    /// <summary>Prefixes that are on the link; in those of 64 bits hosts form addresses. At most 16.</summary>
    public IReadOnlyList<IpPrefix> Prefixes { get; init; } = [];

    /// <summary>How long the prefixes, and addresses formed from them, are valid; up to 2³² − 2 seconds.</summary>
    public TimeSpan ValidLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>How long such addresses are used for new things; not above <see cref="ValidLifetime"/>.</summary>
    public TimeSpan PreferredLifetime { get; init; } = TimeSpan.FromDays(7);

    /// <summary>DNS servers (RFC 8106), IPv6 addresses; at most 8.</summary>
    public IReadOnlyList<IpAddress> NameServers { get; init; } = [];

    /// <summary>How long the interface is a default router for who hears it: zero for not at all, else from <see cref="MaxInterval"/> to 9,000 s.</summary>
    public TimeSpan RouterLifetime { get; init; } = TimeSpan.FromSeconds(1_800);

    /// <summary>How it compares with other routers (RFC 4191).</summary>
    public RouterPreference Preference { get; init; }

    /// <summary>The link's MTU, 1,280 bytes or more; 0 says nothing, which leaves hosts with what they know of the link.</summary>
    public int Mtu { get; init; }

    /// <summary>The hop limit that hosts are to use; 0 says nothing.</summary>
    public byte HopLimit { get; init; } = 64;

    /// <summary>Most time between two advertisements that nobody asked for, 4–1,800 s; the least is a third of it (RFC 4861 section 6.2.1).</summary>
    public TimeSpan MaxInterval { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>Whether addresses are to be had by DHCPv6.</summary>
    public bool IsManaged { get; init; }

    /// <summary>Whether other configuration is to be had by DHCPv6.</summary>
    public bool HasOtherConfiguration { get; init; }

    /// <summary>Refuses what cannot be meant.</summary>
    /// <exception cref="ArgumentException">It says what, and what would be accepted.</exception>
    /// <param name="linkMtu">The MTU of the link, which an advertised one may not exceed.</param>
    public void Check(int linkMtu)
    {
        Require(Prefixes.Count <= 16, $"{Prefixes.Count} prefixes; at most 16 fit into one advertisement.");
        foreach (IpPrefix prefix in Prefixes)
            Require(!prefix.Address.IsV4 && !prefix.Address.IsLinkLocal && !prefix.Address.IsMulticast && prefix.Length > 0, $"{prefix} cannot be advertised: it must be IPv6 and unicast.");
        Require(NameServers.Count <= 8, $"{NameServers.Count} DNS servers; at most 8 are possible.");
        foreach (IpAddress server in NameServers) Require(server.IsV6 && server.IsHost, $"{server} cannot be advertised as a DNS server: it must be IPv6 and unicast.");
        Require(MaxInterval.TotalSeconds is >= 4 and <= 1_800, $"{nameof(MaxInterval)} is {MaxInterval.TotalSeconds} s; 4 to 1,800 are possible.");
        Require(RouterLifetime == TimeSpan.Zero || RouterLifetime >= MaxInterval && RouterLifetime.TotalSeconds <= 9_000,
            $"{nameof(RouterLifetime)} is {RouterLifetime.TotalSeconds} s; 0, or {nameof(MaxInterval)} to 9,000, are possible.");
        Require(ValidLifetime >= TimeSpan.Zero && ValidLifetime.TotalSeconds < uint.MaxValue, $"{nameof(ValidLifetime)} is {ValidLifetime}; 0 to 2³² − 2 seconds are possible.");
        Require(PreferredLifetime >= TimeSpan.Zero && PreferredLifetime <= ValidLifetime,
            $"{nameof(PreferredLifetime)} is {PreferredLifetime}; 0 to {nameof(ValidLifetime)} are possible.");
        Require(Mtu == 0 || Mtu >= IpV6Header.MinimumMtu && Mtu <= linkMtu, $"{nameof(Mtu)} is {Mtu}; 0, or {IpV6Header.MinimumMtu} to the link's {linkMtu}, are possible.");
        Require(Preference is RouterPreference.Low or RouterPreference.Medium or RouterPreference.High, $"{nameof(Preference)} {(int)Preference} is reserved.");
    }

    private static void Require(bool holds, string complaint)
    {
        if (!holds) throw new ArgumentException($"Router advertisements: {complaint}");
    }
}
