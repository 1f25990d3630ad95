using Ginnel.Wire;
using Station = Ginnel.Netstack.Tests.EthernetSegment.Station;

namespace Ginnel.Netstack.Tests;

/// <summary>Routers and hosts on one segment (RFC 4861 section 6, RFC 4862 section 5.5, RFC 4191, RFC 7217, RFC 8106).</summary>
public sealed class RouterDiscoveryTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly IpPrefix Prefix = IpPrefix.Parse("fd00:7::/64");
    private static readonly IpAddress NameServer = IpAddress.Parse("fd00:7::53");
    private static readonly MacAddress AllNodesMac = MacAddress.ForMulticast(IpAddress.AllNodesV6), EvilMac = new(0x0200_0000_0066);
    private static readonly IpAddress Evil = IpAddress.Parse("fe80::66");

    private static Station Host(EthernetSegment segment, Func<StackOptions, StackOptions>? options = null, string name = "net") =>
        segment.Add(plain => new() { Name = name, Link = plain.Link, Mac = plain.Mac, AcceptRouterAdvertisements = true }, options: options);

    private static Station Router(EthernetSegment segment, RouterAdvertisementOptions? options = null) => segment.Add(plain => new()
    {
        Link = plain.Link, Mac = plain.Mac, RouterAdvertisements = options ?? new() { Prefixes = [Prefix], NameServers = [NameServer], Mtu = 1400, HopLimit = 77 },
    });

    private static AddressInfo[] Formed(Station host) =>
        [.. host.Stack.AddressesOf(host.Interface).Where(info => info.Origin == AddressOrigin.Advertised)];

    private static IpAddress LinkLocalOf(Station station) =>
        station.Stack.AddressesOf(station.Interface).Single(info => info.Origin == AddressOrigin.LinkLocal).Address;

    private static AdvertisedConfiguration Advertised(Station host) => host.Stack.AdvertisedTo(host.Interface);

    private static IpAddress[] DefaultRouters(Station host) =>
        [.. Advertised(host).Routes.Where(route => route.Destination.Length == 0).Select(route => route.Gateway!.Value)];

    private static byte[] Advertisement(RouterAdvertisement advertisement, IpAddress? source = null, byte hopLimit = 255)
    {
        IpAddress from = source ?? Evil;
        byte[] message = new byte[advertisement.Size];
        NeighborMessage.WriteRouterAdvertisement(message, from, IpAddress.AllNodesV6, advertisement);
        return Build.Frame(AllNodesMac, EvilMac, EtherType.IpV6, Build.IpV6(from, IpAddress.AllNodesV6, IpProtocol.IcmpV6, message, hopLimit));
    }

    private static byte[] WithPrefix(string prefix, uint valid, uint preferred, ushort lifetime = 1800) => Advertisement(new RouterAdvertisement
    {
        RouterLifetimeSeconds = lifetime,
        Prefixes = (PrefixInformation[])[new(IpPrefix.Parse(prefix), OnLink: true, Autonomous: true, valid, preferred)],
    });

    /// <summary>Where the next hop of a datagram to the world is looked for: the station that its frame goes to.</summary>
    private static MacAddress WayOut(EthernetSegment segment, Station host, TimeSpan patience)
    {
        MacAddress found = default;
        segment.Wire = (from, frame) =>
        {
            if (from == host && EthernetView.TryParse(frame, out EthernetView view) == DropReason.None && view.Type == EtherType.IpV6
                && view.Payload[6] == (byte)IpProtocol.Udp) found = view.Destination;
            return true;
        };
        IpAddress own = Formed(host)[0].Address;
        Assert.Equal(OpStatus.Ok, host.Stack.Bind(new DatagramPortOptions { Local = new IpEndpoint(own, 0) }, out SocketId port));
        Assert.Equal(OpStatus.Ok, host.Stack.Send(port, new DatagramSend(new IpEndpoint(TestStack.FarV6, 9)), [1], segment.Now));
        Assert.True(segment.Run(patience, () => !found.IsZero));
        host.Stack.Release(port, segment.Now);
        segment.Wire = null;
        return found;
    }

    [Fact]
    public void A_host_forms_addresses_and_routes_from_what_a_router_says()
    {
        using EthernetSegment segment = new();
        Station router = Router(segment), host = Host(segment);
        segment.Run(6 * Second);
        AdvertisedConfiguration known = Advertised(host);
        Assert.Equal([LinkLocalOf(router)], DefaultRouters(host));
        Assert.Contains(known.Routes, route => route.Destination == Prefix && route.Gateway is null);
        Assert.Equal([NameServer], known.NameServers.Select(server => server.Address));
        Assert.Equal((1400, (byte)77), (known.Mtu, known.HopLimit));
        AddressInfo formed = Assert.Single(Formed(host));
        Assert.Equal((AddressState.Preferred, 64, true), (formed.State, formed.PrefixLength, Prefix.Contains(formed.Address)));
        Assert.NotEqual(IpAddress.InterfaceId(host.Mac), formed.Address.Low);
        Assert.NotEqual(LinkLocalOf(host).Low, formed.Address.Low);
        Assert.Equal(router.Mac, WayOut(segment, host, 5 * Second));
    }

    [Fact]
    public void Identifiers_are_the_same_with_the_same_secret_and_differ_by_network_interface_and_conflict()
    {
        StableIdentifiers Identifiers(byte first) => new(new StackContext(new StackOptions
        {
            Pool = new PacketPool(), Entropy = new SeededEntropy(first), StableSecret = new byte[] { first, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
        }));
        IpPrefix other = IpPrefix.Parse("fd00:8::/64");
        Assert.Equal(Identifiers(1).Form(Prefix, "eth0", 0), Identifiers(1).Form(Prefix, "eth0", 0));
        StableIdentifiers one = Identifiers(1);
        ulong[] all = [one.Form(Prefix, "eth0", 0).Low, one.Form(Prefix, "eth1", 0).Low, one.Form(other, "eth0", 0).Low, one.Form(Prefix, "eth0", 1).Low,
            Identifiers(2).Form(Prefix, "eth0", 0).Low];
        Assert.Equal(all.Length, all.Distinct().Count());
    }

    [Fact]
    public void A_formed_address_that_is_taken_is_formed_anew()
    {
        byte[] secret = Build.Bytes(32);
        using EthernetSegment segment = new();
        StackOptions With(StackOptions plain) => new() { Pool = plain.Pool, Entropy = plain.Entropy, StableSecret = secret };
        Station first = Host(segment, With), second = Host(segment, With);
        Router(segment);
        segment.Run(30 * Second);
        Assert.Equal(AddressState.Preferred, Assert.Single(Formed(first)).State);
        Assert.Equal(AddressState.Preferred, Assert.Single(Formed(second)).State);
        Assert.NotEqual(Formed(first)[0].Address, Formed(second)[0].Address);
        Assert.True(first.Stack.Counters.AddressConflicts + second.Stack.Counters.AddressConflicts > 0);
    }

    [Fact]
    public void Routers_are_asked_for_until_one_answers_ever_more_rarely()
    {
        using EthernetSegment segment = new();
        List<double> asked = [];
        Instant start = segment.Now;
        segment.Wire = (_, frame) =>
        {
            if (frame[54] == (byte)IcmpV6Type.RouterSolicitation) asked.Add((segment.Now - start).TotalSeconds);
            return true;
        };
        Station host = Host(segment);
        segment.Run(TimeSpan.FromSeconds(300));
        Assert.InRange(asked.Count, 6, 8);
        Assert.InRange(asked[0], 0, 1);
        for (int i = 1; i < asked.Count; i++) Assert.InRange((asked[i] - asked[i - 1]) / (4 << (i - 1)), 0.8, 1.2);
        segment.Inject(Advertisement(new RouterAdvertisement { RouterLifetimeSeconds = 0 }));
        segment.Run(TimeSpan.FromHours(2));
        int count = asked.Count;
        Assert.True(count > 8);
        segment.Inject(Advertisement(new RouterAdvertisement { RouterLifetimeSeconds = 9000 }));
        segment.Run(TimeSpan.FromHours(2));
        Assert.Equal(count, asked.Count);
        Assert.NotNull(host);
    }

    [Fact]
    public void Lifetimes_end_and_addresses_are_deprecated_first()
    {
        using EthernetSegment segment = new();
        Station host = Host(segment);
        segment.Run(3 * Second);
        segment.Inject(WithPrefix("fd00:9::/64", valid: 9_000, preferred: 60, lifetime: 120));
        segment.Run(3 * Second);
        Assert.Equal(AddressState.Preferred, Formed(host)[0].State);
        segment.Run(58 * Second);
        Assert.Equal(AddressState.Deprecated, Formed(host)[0].State);
        Assert.Single(DefaultRouters(host));
        segment.Run(60 * Second);
        Assert.Empty(DefaultRouters(host));
        segment.Run(TimeSpan.FromSeconds(9_000));
        Assert.Empty(Formed(host));
        Assert.Empty(Advertised(host).Routes);
    }

    [Fact]
    public void C22_a_false_advertisement_shortens_an_addresss_life_to_two_hours_at_least()
    {
        using EthernetSegment segment = new();
        Station host = Host(segment);
        segment.Run(3 * Second);
        segment.Inject(WithPrefix("fd00:9::/64", valid: 86_400, preferred: 3_600));
        segment.Run(3 * Second);
        segment.Inject(WithPrefix("fd00:9::/64", valid: 1, preferred: 1));
        Assert.Equal(TimeSpan.FromHours(2), Formed(host)[0].ValidUntil - segment.Now);
        segment.Run(TimeSpan.FromHours(1));
        segment.Inject(WithPrefix("fd00:9::/64", valid: 0, preferred: 0));
        Assert.Equal(TimeSpan.FromHours(1), Formed(host)[0].ValidUntil - segment.Now);
    }

    [Fact]
    public void C22_thousands_of_routers_prefixes_and_servers_fill_bounded_tables_and_push_nothing_out()
    {
        using EthernetSegment segment = new();
        Station router = Router(segment), host = Host(segment);
        segment.Run(6 * Second);
        for (uint i = 0; i < 3_000; i++)
        {
            segment.Inject(Advertisement(new RouterAdvertisement
            {
                RouterLifetimeSeconds = 1800, SourceLinkLayer = EvilMac, DnsLifetimeSeconds = 600, DnsServers = (IpAddress[])[IpAddress.FromV6(Prefix.Address.High, 0x1000 + i)],
                Prefixes = (PrefixInformation[])[new(new IpPrefix(IpAddress.FromV6(0xFD01_0000_0000_0000 + i, 0), 64), true, true, 86_400, 86_400)],
            }, IpAddress.FromV6(0xFE80_0000_0000_0000, 0x6600 + i)));
        }
        segment.Run(5 * Second);
        AdvertisedConfiguration known = Advertised(host);
        Assert.Equal((8, 8, 8 + 32, 16), (DefaultRouters(host).Length, known.NameServers.Count, known.Routes.Count, Formed(host).Length));
        Assert.Contains(LinkLocalOf(router), DefaultRouters(host));
        Assert.Contains(NameServer, known.NameServers.Select(server => server.Address));
        Assert.Contains(Formed(host), info => Prefix.Contains(info.Address));
        Assert.InRange(host.Stack.Counters.AdvertisementsRefused, 10_000, long.MaxValue);
    }

    [Fact]
    public void C22_who_has_not_asked_for_configuration_gets_none()
    {
        using EthernetSegment segment = new();
        Station plain = segment.Add();
        Router(segment);
        segment.Inject(WithPrefix("fd00:9::/64", 86_400, 86_400));
        segment.Run(30 * Second);
        Assert.Empty(plain.Stack.AddressesOf(plain.Interface));
        Assert.Empty(Advertised(plain).Routes);
    }

    [Fact]
    public void C22_what_cannot_come_from_a_router_of_the_link_is_refused()
    {
        using EthernetSegment segment = new();
        Station host = Host(segment);
        segment.Run(3 * Second);
        RouterAdvertisement advertisement = new() { RouterLifetimeSeconds = 1800 };
        segment.Inject(Advertisement(advertisement, hopLimit: 254));
        segment.Inject(Advertisement(advertisement, source: IpAddress.Parse("fd00:7::66")));
        Assert.Equal(2, host.Stack.Counters.Drops(DropReason.BadNeighborMessage));
        segment.Inject(Advertisement(new RouterAdvertisement { RouterLifetimeSeconds = 1800, Mtu = 1279 }));
        segment.Inject(Advertisement(new RouterAdvertisement { RouterLifetimeSeconds = 1800, Mtu = 9000, ReachableMilliseconds = uint.MaxValue, RetransmitMilliseconds = 1 }));
        segment.Inject(WithPrefix("fd00:a::/48", 86_400, 86_400));
        segment.Inject(WithPrefix("fd00:b::/64", 10, 20));
        Assert.Equal(0, Advertised(host).Mtu);
        Assert.Empty(Formed(host));
    }

    [Fact]
    public void Of_several_routers_the_preferred_one_is_used_and_none_that_has_gone()
    {
        using EthernetSegment segment = new();
        Station medium = Router(segment), high = Router(segment, new() { Preference = RouterPreference.High, RouterLifetime = TimeSpan.FromSeconds(600) });
        Station host = Host(segment);
        segment.Run(10 * Second);
        Assert.Equal(high.Mac, WayOut(segment, host, 5 * Second));
        Assert.Equal(OpStatus.Ok, high.Stack.SetRouterAdvertisements(high.Interface, null, segment.Now));
        segment.Run(Second);
        Assert.Equal([LinkLocalOf(medium)], DefaultRouters(host));
        Assert.Equal(medium.Mac, WayOut(segment, host, 5 * Second));
    }

    [Fact]
    public void A_router_that_falls_silent_gives_way_to_another_one()
    {
        using EthernetSegment segment = new();
        Station low = Router(segment, new() { Prefixes = [Prefix], Preference = RouterPreference.Low });
        Station high = Router(segment, new() { Prefixes = [Prefix], Preference = RouterPreference.High });
        Station host = Host(segment);
        segment.Run(10 * Second);
        Assert.Equal(high.Mac, WayOut(segment, host, 5 * Second));
        high.Stack.SetLink(high.Interface, high.Link, up: false, segment.Now);
        for (int i = 0; i < 60; i++)
        {
            WayOut(segment, host, 5 * Second);
            segment.Run(Second);
        }
        Assert.Equal(low.Mac, WayOut(segment, host, 5 * Second));
        high.Stack.SetLink(high.Interface, high.Link, up: true, segment.Now);
        segment.Run(5 * Second);
        for (int i = 0; i < 5; i++) WayOut(segment, host, 5 * Second);
        Assert.Equal(high.Mac, WayOut(segment, host, 5 * Second));
    }

    [Fact]
    public void A_flood_of_questions_for_routers_has_one_answer_in_three_seconds()
    {
        using EthernetSegment segment = new();
        Router(segment);
        segment.Run(40 * Second);
        int answers = 0;
        segment.Wire = (_, frame) =>
        {
            answers += frame[54] == (byte)IcmpV6Type.RouterAdvertisement ? 1 : 0;
            return true;
        };
        byte[] message = new byte[16];
        int length = NeighborMessage.WriteRouterSolicitation(message, Evil, IpAddress.AllRoutersV6, EvilMac);
        byte[] question = Build.Frame(MacAddress.ForMulticast(IpAddress.AllRoutersV6), EvilMac, EtherType.IpV6,
            Build.IpV6(Evil, IpAddress.AllRoutersV6, IpProtocol.IcmpV6, message[..length], 255));
        for (int i = 0; i < 1_000; i++)
        {
            segment.Inject(question);
            segment.Run(TimeSpan.FromMilliseconds(30));
        }
        Assert.InRange(answers, 8, 11);
    }

    [Fact]
    public void A_router_speaks_up_three_times_at_first_and_three_times_when_it_goes()
    {
        using EthernetSegment segment = new();
        List<ushort> lifetimes = [];
        segment.Wire = (_, frame) =>
        {
            if (frame[54] == (byte)IcmpV6Type.RouterAdvertisement) lifetimes.Add((ushort)(frame[60] << 8 | frame[61]));
            return true;
        };
        Station router = Router(segment);
        segment.Run(40 * Second);
        Assert.Equal([1800, 1800, 1800], lifetimes);
        segment.Run(TimeSpan.FromMinutes(60));
        Assert.InRange(lifetimes.Count, 3 + 5, 3 + 19);
        lifetimes.Clear();
        router.Stack.SetRouterAdvertisements(router.Interface, null, segment.Now);
        segment.Run(TimeSpan.FromMinutes(60));
        Assert.Equal([0, 0, 0], lifetimes);
    }

    [Fact]
    public void On_a_link_without_stations_routers_are_heard_as_well()
    {
        using TestStack plain = new();
        InterfaceId id = plain.Stack.AddInterface(new InterfaceOptions { Link = plain.Link, AcceptRouterAdvertisements = true });
        plain.Stack.SetLink(id, plain.Link, up: true, plain.Now);
        RouterAdvertisement advertisement = new()
        {
            RouterLifetimeSeconds = 1800, Prefixes = (PrefixInformation[])[new(Prefix, true, true, 86_400, 86_400)],
        };
        byte[] message = new byte[advertisement.Size];
        NeighborMessage.WriteRouterAdvertisement(message, Evil, IpAddress.AllNodesV6, advertisement);
        byte[] bytes = Build.IpV6(Evil, IpAddress.AllNodesV6, IpProtocol.IcmpV6, message, 255);
        Assert.True(plain.Pool.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet));
        packet.Write(bytes);
        PacketQueue batch = default;
        batch.Add(packet);
        plain.Stack.Receive(id, ref batch, plain.Now);
        Assert.Contains(plain.Stack.AddressesOf(id), info => info.Origin == AddressOrigin.Advertised && info.State == AddressState.Preferred);
        plain.Stack.SetLink(id, plain.Link, up: false, plain.Now);
    }

    [Fact]
    public void What_cannot_be_advertised_is_refused_by_name()
    {
        using EthernetSegment segment = new();
        Station router = segment.Add();
        RouterAdvertisementOptions[] wrong =
        [
            new() { Prefixes = [IpPrefix.Parse("10.0.0.0/8")] }, new() { Prefixes = [IpPrefix.Parse("fe80::/64")] }, new() { NameServers = [IpAddress.AnyV6] },
            new() { MaxInterval = Second }, new() { RouterLifetime = 10 * Second }, new() { Mtu = 1279 }, new() { Mtu = 1501 },
            new() { PreferredLifetime = TimeSpan.FromDays(31) }, new() { Preference = (RouterPreference)2 },
        ];
        foreach (RouterAdvertisementOptions options in wrong)
            Assert.Throws<ArgumentException>(() => router.Stack.SetRouterAdvertisements(router.Interface, options, segment.Now));
        Station host = Host(segment);
        Assert.Equal(OpStatus.InvalidState, host.Stack.SetRouterAdvertisements(host.Interface, new(), segment.Now));
    }
}
