using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>What a router advertisement says, item by item.</content>
internal sealed partial class Autoconfiguration
{
    private const uint Forever = uint.MaxValue;
    private static readonly TimeSpan TwoHours = TimeSpan.FromHours(2);

    // RFC 4861 section 6.2.1: no router may advertise more than an hour. Below a tenth of a second probes would be a flood of our own.
    private static readonly TimeSpan MaxReachableTime = TimeSpan.FromHours(1);
    private static readonly TimeSpan MinRetransmitTime = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxRetransmitTime = TimeSpan.FromMinutes(1);

    /// <summary>A message that has passed RFC 4861's checks (section 6.1.2): from a link-local address, hop limit 255, in one piece.</summary>
    internal DropReason Receive(in NeighborView message, in ReceivedPacket packet, Instant now)
    {
        NetworkInterface from = packet.Interface;
        if (from.Configuration is not { } configuration) return DropReason.Ignored;
        // RFC 7559 section 2.1: only who offers to be a default router has answered the question.
        if (message.RouterLifetimeSeconds > 0) configuration.SolicitAt = Instant.Never;
        SetParameters(configuration, message);
        if (message.TryGetLinkLayer(NeighborOptionType.SourceLinkLayer, out MacAddress station) && from.Link.Medium == LinkMedium.Ethernet)
            neighbors.Hint(from, packet.Source, station, create: true);
        neighbors.MarkRouter(from, packet.Source);
        SetRoute(configuration, new IpPrefix(IpAddress.AnyV6, 0), packet.Source, message.RouterPreference, message.RouterLifetimeSeconds, now);
        foreach (NeighborOption option in message.Options)
        {
            if (option.TryGetMtu(out uint mtu)) SetMtu(from, mtu);
            else if (option.TryGetPrefix(out PrefixInformation prefix)) ReceivePrefix(configuration, prefix, now);
            else if (option.TryGetRoute(out IpPrefix target, out RouterPreference preference, out uint seconds))
                SetRoute(configuration, target, packet.Source, preference, seconds, now);
            else if (option.TryGetDnsServers(out uint lifetime, out ReadOnlySpan<byte> servers))
                ReceiveNameServers(configuration, servers, lifetime, now);
        }
        Arm(configuration);
        return DropReason.None;
    }

    /// <summary>A neighbor says that it is a router no more (RFC 4861 section 7.2.5).</summary>
    internal void ForgetRouter(NetworkInterface on, IpAddress gone)
    {
        if (on.Configuration is not { } configuration) return;
        for (int i = configuration.Routes.Count - 1; i >= 0; i--)
        {
            if (configuration.Routes[i].Gateway == gone) RemoveRoute(configuration, i);
        }
        Arm(configuration);
    }

    private static void SetParameters(LinkConfiguration configuration, in NeighborView message)
    {
        NetworkInterface on = configuration.On;
        if (message.CurrentHopLimit != 0) on.AdvertisedHopLimit = message.CurrentHopLimit;
        TimeSpan reachable = TimeSpan.FromMilliseconds(message.ReachableMilliseconds), retransmit = TimeSpan.FromMilliseconds(message.RetransmitMilliseconds);
        if (reachable > TimeSpan.Zero && reachable <= MaxReachableTime) on.ReachableTime = reachable;
        if (retransmit >= MinRetransmitTime && retransmit <= MaxRetransmitTime) on.RetransmitTime = retransmit;
        (configuration.IsManaged, configuration.HasOtherConfiguration) = (message.IsManaged, message.HasOtherConfiguration);
    }

    /// <summary>RFC 4861 section 6.3.4: between IPv6's least and what the link can do; anything else is not believed.</summary>
    private void SetMtu(NetworkInterface on, uint mtu)
    {
        if (mtu < IpV6Header.MinimumMtu || mtu > on.Link.Mtu || on.AdvertisedMtu == mtu) return;
        on.AdvertisedMtu = (int)mtu;
        context.ConfigurationChanged();
    }

    /// <summary>Adds, refreshes or, with a lifetime of 0, removes a route (RFC 4861 section 6.3.4, RFC 4191 section 3.1).</summary>
    private void SetRoute(
        LinkConfiguration configuration, IpPrefix destination, IpAddress? gateway, RouterPreference preference, uint seconds, Instant now)
    {
        int index = configuration.Routes.FindIndex(route => route.Destination == destination && route.Gateway == gateway);
        if (index < 0 && seconds == 0) return;
        if (index >= 0 && (seconds == 0 || configuration.Routes[index].Preference != preference))
        {
            RemoveRoute(configuration, index);
            index = -1;
        }
        if (seconds == 0) return;
        AdvertisedRoute route = new(destination, gateway, preference, After(seconds, now));
        if (index >= 0)
        {
            configuration.Routes[index] = route;
            return;
        }
        bool isDefault = destination.Length == 0;
        if (configuration.Count(isDefault) >= (isDefault ? context.Options.MaxAdvertisedRouters : context.Options.MaxAdvertisedRoutes))
        {
            context.Counters.AdvertisementsRefused++;
            return;
        }
        configuration.Routes.Add(route);
        router.Routes.AddAdvertised(ToRoute(configuration.On, route));
        context.ConfigurationChanged();
    }

    private void RemoveRoute(LinkConfiguration configuration, int index)
    {
        router.Routes.RemoveAdvertised(ToRoute(configuration.On, configuration.Routes[index]));
        configuration.Routes.RemoveAt(index);
        context.ConfigurationChanged();
    }

    /// <summary>Routes that were configured have lower metrics unless their owner wanted otherwise.</summary>
    private static Route ToRoute(NetworkInterface on, AdvertisedRoute route) => new(route.Destination, on.Id, route.Gateway, route.Preference switch
    {
        RouterPreference.High => 512,
        RouterPreference.Low => 1_536,
        _ => 1_024,
    });

    private void ReceivePrefix(LinkConfiguration configuration, PrefixInformation information, Instant now)
    {
        IpPrefix prefix = information.Prefix;
        // RFC 4861 section 6.3.4. A default "prefix" on the link would make the whole world neighbors.
        if (information.OnLink && prefix.Length > 0)
            SetRoute(configuration, prefix, null, RouterPreference.Medium, information.ValidSeconds, now);
        // RFC 4862 section 5.5.3: a to d.
        if (!information.Autonomous || prefix.Length != 64 || information.PreferredSeconds > information.ValidSeconds) return;
        NetworkInterface on = configuration.On;
        OwnAddress? own = on.Addresses.Find(IsFormed) ?? on.Unassigned.Find(IsFormed);
        Instant preferred = After(information.PreferredSeconds, now), valid = After(information.ValidSeconds, now);
        if (own is not null)
        {
            addresses.SetLifetimes(own, preferred, JudgeLifetime(own, valid, now), now);
            return;
        }
        if (information.ValidSeconds == 0) return;
        if (CountFormed(on) >= context.Options.MaxAdvertisedAddresses)
        {
            context.Counters.AdvertisementsRefused++;
            return;
        }
        own = Form(on, prefix, AddressOrigin.Advertised, conflicts: 0);
        (own.PreferredUntil, own.ValidUntil) = (preferred, valid);
        if (addresses.Add(own, now) != OpStatus.Ok) context.Counters.AdvertisementsRefused++;

        bool IsFormed(OwnAddress each) => each.Origin == AddressOrigin.Advertised && each.Prefix == prefix;
    }

    /// <summary>
    /// RFC 4862 section 5.5.3 e: an advertisement, which anybody could have sent, shortens an address's life to no less than two hours.
    /// </summary>
    private static Instant JudgeLifetime(OwnAddress own, Instant valid, Instant now)
    {
        if (valid > now + TwoHours || valid > own.ValidUntil) return valid;
        return own.ValidUntil <= now + TwoHours ? own.ValidUntil : now + TwoHours;
    }

    private static int CountFormed(NetworkInterface on)
    {
        int count = 0;
        foreach (OwnAddress own in on.Addresses) count += own.Origin == AddressOrigin.Advertised ? 1 : 0;
        foreach (OwnAddress own in on.Unassigned) count += own.Origin == AddressOrigin.Advertised ? 1 : 0;
        return count;
    }

    /// <summary>RFC 8106 section 6.1: each server is added, refreshed or, with a lifetime of 0, removed.</summary>
    private void ReceiveNameServers(LinkConfiguration configuration, ReadOnlySpan<byte> servers, uint seconds, Instant now)
    {
        List<AdvertisedNameServer> known = configuration.NameServers;
        for (; servers.Length >= 16; servers = servers[16..])
        {
            IpAddress address = IpAddress.Read(servers[..16]);
            if (!address.IsV6 || !address.IsHost) continue;
            int index = known.FindIndex(server => server.Address == address);
            if (index >= 0 && seconds != 0)
            {
                known[index] = new AdvertisedNameServer(address, After(seconds, now));
                continue;
            }
            if (index < 0 && seconds == 0) continue;
            if (index < 0 && known.Count >= context.Options.MaxAdvertisedNameServers)
            {
                context.Counters.AdvertisementsRefused++;
                continue;
            }
            if (index >= 0) known.RemoveAt(index); else known.Add(new AdvertisedNameServer(address, After(seconds, now)));
            context.ConfigurationChanged();
        }
    }

    private static Instant After(uint seconds, Instant now) => seconds == Forever ? Instant.Never : now + TimeSpan.FromSeconds(seconds);
}
