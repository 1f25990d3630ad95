using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// The host's side of router discovery: asks for routers and does what they say (RFC 4861 section 6.3, RFC 4862 section 5.5, RFC 4191,
/// RFC 8106). Theory of operation: an advertisement is a list of wishes, each with a lifetime. Each wish becomes an entry in a bounded
/// table; what finds no room is refused and counted, and never takes the place of what is known, so that a flood of false advertisements
/// (attack case C22) cannot push a true router out.
/// </summary>
internal sealed partial class Autoconfiguration(
    StackContext context, Router router, NeighborResolver neighbors, NeighborDiscovery discovery, AddressAssignment addresses)
{
    /// <summary>How often an identifier that is taken is formed anew (RFC 7217 section 7).</summary>
    private const int MaxConflicts = 3;

    // RFC 4861 section 10 and RFC 7559 section 2.
    private static readonly TimeSpan MaxSolicitationDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstSolicitInterval = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan LastSolicitInterval = TimeSpan.FromHours(1);

    private static readonly IpPrefix LinkLocal = new(IpAddress.FromV6(0xFE80_0000_0000_0000, 0), 64);
    private readonly StableIdentifiers _identifiers = new(context);

    /// <summary>The link came up: an address for it, and the question for routers (RFC 4861 section 6.3.7).</summary>
    internal void LinkCameUp(NetworkInterface on, Instant now)
    {
        if (on.Configuration is not { } configuration || !on.Speaks(v4: false)) return;
        EnsureLinkLocal(on, now);
        configuration.SolicitInterval = TimeSpan.Zero;
        configuration.SolicitAt = now + TimeSpan.FromMilliseconds(context.Entropy.Next((uint)MaxSolicitationDelay.TotalMilliseconds + 1));
        Arm(configuration);
    }

    /// <summary>Nobody can be asked while the link is down; what was learned ages on.</summary>
    internal void LinkWentDown(NetworkInterface on)
    {
        if (on.Configuration is not { } configuration) return;
        configuration.SolicitAt = Instant.Never;
        Arm(configuration);
    }

    /// <summary>Forms a link-local address if the interface has none: routers and hosts speak to each other by them.</summary>
    internal void EnsureLinkLocal(NetworkInterface on, Instant now)
    {
        if (on.Addresses.Exists(IsLinkLocal) || on.Unassigned.Exists(IsLinkLocal)) return;
        addresses.Add(Form(on, LinkLocal, AddressOrigin.LinkLocal, conflicts: 0), now);

        static bool IsLinkLocal(OwnAddress own) => own.Address.IsV6 && own.Address.IsLinkLocal;
    }

    /// <summary>A formed address is another station's: the next one is tried (RFC 7217 section 6), a few times.</summary>
    internal void AddressIsTaken(OwnAddress taken, Instant now)
    {
        if (taken.Origin == AddressOrigin.Configured || taken.Conflicts >= MaxConflicts) return;
        addresses.Drop(taken);
        IpPrefix prefix = taken.Origin == AddressOrigin.LinkLocal ? LinkLocal : taken.Prefix;
        OwnAddress next = Form(taken.On, prefix, taken.Origin, taken.Conflicts + 1);
        (next.PreferredUntil, next.ValidUntil) = (taken.PreferredUntil, taken.ValidUntil);
        addresses.Add(next, now);
    }

    internal void OnDeadline(LinkConfiguration configuration, Instant now)
    {
        Expire(configuration, now);
        if (configuration.SolicitAt <= now) Solicit(configuration, now);
        Arm(configuration);
    }

    /// <summary>What routers have taught an interface.</summary>
    internal static AdvertisedConfiguration Describe(NetworkInterface on) => on.Configuration is not { } known
        ? AdvertisedConfiguration.None
        : new([.. known.Routes], [.. known.NameServers], on.AdvertisedMtu, on.AdvertisedHopLimit, known.IsManaged, known.HasOtherConfiguration);

    private OwnAddress Form(NetworkInterface on, IpPrefix prefix, AddressOrigin origin, int conflicts)
    {
        IpAddress address = _identifiers.Form(prefix, on.Options.Name, conflicts);
        // Whether a prefix is on the link is told apart from whether addresses may be formed in it (RFC 5942 section 4).
        int length = origin == AddressOrigin.LinkLocal ? prefix.Length : address.BitCount;
        return new OwnAddress(addresses, on, address, length) { Origin = origin, Prefix = prefix, Conflicts = conflicts };
    }

    /// <summary>
    /// RFC 7559: the question is repeated, each time after about twice as long, until a router has answered; a link whose router comes
    /// late, or whose multicasts get lost, works in the end.
    /// </summary>
    private void Solicit(LinkConfiguration configuration, Instant now)
    {
        discovery.SolicitRouters(configuration.On, now);
        TimeSpan interval = configuration.SolicitInterval == TimeSpan.Zero ? FirstSolicitInterval : configuration.SolicitInterval * 2;
        configuration.SolicitInterval = interval < LastSolicitInterval ? interval : LastSolicitInterval;
        double jitter = 0.9 + 0.2 * context.Entropy.Next(1_001) / 1_000;
        configuration.SolicitAt = now + configuration.SolicitInterval * jitter;
    }

    private void Expire(LinkConfiguration configuration, Instant now)
    {
        for (int i = configuration.Routes.Count - 1; i >= 0; i--)
        {
            if (configuration.Routes[i].Until <= now) RemoveRoute(configuration, i);
        }
        if (configuration.NameServers.RemoveAll(server => server.Until <= now) > 0) context.ConfigurationChanged();
    }

    private void Arm(LinkConfiguration configuration) => context.Timers.Arm(configuration, configuration.Deadline());
}
