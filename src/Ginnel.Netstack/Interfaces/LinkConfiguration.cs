using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>A route that a router has advertised.</summary>
/// <param name="Destination">The network; <c>::/0</c> for a default router.</param>
/// <param name="Gateway">The router; null for a prefix that is on the link.</param>
/// <param name="Preference">How it compares with others to the same network.</param>
/// <param name="Until">When it ends, unless it is advertised again.</param>
public readonly record struct AdvertisedRoute(IpPrefix Destination, IpAddress? Gateway, RouterPreference Preference, Instant Until);

/// <summary>A DNS server that a router has advertised (RFC 8106).</summary>
/// <param name="Address">Its address; a link-local one is meant on this interface.</param>
/// <param name="Until">When it is to be used no longer, unless it is advertised again.</param>
public readonly record struct AdvertisedNameServer(IpAddress Address, Instant Until);

/// <summary>What routers have said about the link of an interface. Addresses: <see cref="NetworkStack.AddressesOf"/>.</summary>
/// <param name="Routes">Routes and on-link prefixes.</param>
/// <param name="NameServers">DNS servers, in the order in which they were learned.</param>
/// <param name="Mtu">Longest IPv6 packet; 0 where no router has said.</param>
/// <param name="HopLimit">The hop limit to use; 0 likewise.</param>
/// <param name="IsManaged">Addresses are to be had by DHCPv6.</param>
/// <param name="HasOtherConfiguration">Other configuration is to be had by DHCPv6.</param>
public sealed record AdvertisedConfiguration(
    IReadOnlyList<AdvertisedRoute> Routes, IReadOnlyList<AdvertisedNameServer> NameServers, int Mtu, byte HopLimit, bool IsManaged,
    bool HasOtherConfiguration)
{
    /// <summary>Nothing was said.</summary>
    public static AdvertisedConfiguration None { get; } = new([], [], 0, 0, false, false);
}

/// <summary>What routers have taught one interface, and its questions for routers; one deadline for all of it.</summary>
internal sealed class LinkConfiguration(Autoconfiguration owner, NetworkInterface on) : Timed
{
    internal NetworkInterface On { get; } = on;
    internal List<AdvertisedRoute> Routes { get; } = [];
    internal List<AdvertisedNameServer> NameServers { get; } = [];
    internal bool IsManaged;
    internal bool HasOtherConfiguration;

    /// <summary>When to ask for routers next, and the time between the last two questions (RFC 7559).</summary>
    internal Instant SolicitAt = Instant.Never;
    internal TimeSpan SolicitInterval;

    /// <summary>How many entries are default routers, or are not.</summary>
    internal int Count(bool isDefault)
    {
        int count = 0;
        foreach (AdvertisedRoute route in Routes)
        {
            if (route.Destination.Length == 0 == isDefault) count++;
        }
        return count;
    }

    internal Instant Deadline()
    {
        Instant earliest = SolicitAt;
        foreach (AdvertisedRoute route in Routes) earliest = Instant.Min(earliest, route.Until);
        foreach (AdvertisedNameServer server in NameServers) earliest = Instant.Min(earliest, server.Until);
        return earliest;
    }

    internal override void OnDeadline(Instant now) => owner.OnDeadline(this, now);
}
