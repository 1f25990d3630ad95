using Ginnel.Wire;
using Station = Ginnel.Netstack.Tests.EthernetSegment.Station;

namespace Ginnel.Netstack.Tests;

/// <summary>Duplicate address detection (RFC 4862 section 5.4, RFC 4429, RFC 7527) and address conflict detection (RFC 5227).</summary>
public sealed class AddressDetectionTests
{
    private static readonly IpAddress Wanted = IpAddress.Parse("fd01::77"), WantedV4 = IpAddress.Parse("10.1.0.77");
    private static readonly MacAddress StrangerMac = new(0x0200_0000_0099);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private static Func<InterfaceOptions, InterfaceOptions> With(DuplicateAddressDetection v6 = DuplicateAddressDetection.Standard, bool v4 = false) =>
        plain => new() { Link = plain.Link, Mac = plain.Mac, DuplicateAddressDetection = v6, AddressConflictDetection = v4 };

    private static AddressState? StateOf(Station station, IpAddress address)
    {
        foreach (AddressInfo info in station.Stack.AddressesOf(station.Interface))
        {
            if (info.Address == address) return info.State;
        }
        return null;
    }

    private static void Add(EthernetSegment segment, Station station, IpAddress address) =>
        Assert.Equal(OpStatus.Ok, station.Stack.AddAddress(station.Interface, address, address.IsV4 ? 24 : 64, segment.Now));

    private static OpStatus Bind(Station station, IpAddress address) =>
        station.Stack.Bind(new DatagramPortOptions { Local = new IpEndpoint(address, 0) }, out _);

    private static byte[] Check(IpAddress target, ulong nonce)
    {
        IpAddress group = IpAddress.SolicitedNode(target);
        byte[] message = new byte[32];
        NeighborMessage.WriteDuplicateCheck(message, group, target, nonce);
        return Build.Frame(MacAddress.ForMulticast(group), StrangerMac, EtherType.IpV6,
            Build.IpV6(IpAddress.AnyV6, group, IpProtocol.IcmpV6, message, 255));
    }

    private static NeighborView ReadNeighbor(byte[] frame, out IpAddress source, out bool isNeighbor)
    {
        (source, isNeighbor) = (default, false);
        if (EthernetView.TryParse(frame, out EthernetView ethernet) != DropReason.None || ethernet.Type != EtherType.IpV6) return default;
        Assert.Equal(DropReason.None, IpV6View.TryParse(ethernet.Payload, out IpV6View ip));
        source = ip.Source;
        if (IcmpV6View.TryParse(ip.Payload, out IcmpV6View icmp) != DropReason.None) return default;
        isNeighbor = NeighborView.TryParse(ip, icmp, out NeighborView view) == DropReason.None;
        return view;
    }

    [Fact]
    public void A_free_address_is_used_after_a_second_and_not_before()
    {
        using EthernetSegment segment = new();
        Station station = segment.Add();
        List<IpAddress> asked = [];
        segment.Wire = (_, frame) =>
        {
            NeighborView view = ReadNeighbor(frame, out IpAddress source, out bool isNeighbor);
            if (isNeighbor && view.Type == IcmpV6Type.NeighborSolicitation && source.IsUnspecified) asked.Add(view.Target);
            Assert.True(!isNeighbor || !source.IsUnspecified || view.Nonce != 0);
            return true;
        };
        long version = station.Stack.ConfigurationVersion;
        Add(segment, station, Wanted);
        Assert.Equal(OpStatus.AddressInUse, station.Stack.AddAddress(station.Interface, Wanted, 64, segment.Now));
        Assert.True(station.Stack.ConfigurationVersion > version);
        segment.Run(Second - TimeSpan.FromMilliseconds(1));
        Assert.Equal((AddressState.Tentative, OpStatus.InvalidAddress), (StateOf(station, Wanted), Bind(station, Wanted)));
        segment.Run(TimeSpan.FromMilliseconds(1));
        Assert.Equal((AddressState.Preferred, OpStatus.Ok), (StateOf(station, Wanted), Bind(station, Wanted)));
        Assert.Equal([Wanted], asked);
    }

    [Fact]
    public void An_address_in_use_is_refused_to_the_second_station_and_the_first_keeps_it()
    {
        using EthernetSegment segment = new();
        Station first = segment.Add(), second = segment.Add();
        Add(segment, first, Wanted);
        segment.Run(2 * Second);
        Add(segment, second, Wanted);
        segment.Run(2 * Second);
        Assert.Equal((AddressState.Preferred, AddressState.Duplicate), (StateOf(first, Wanted), StateOf(second, Wanted)));
        Assert.Equal((OpStatus.InvalidAddress, 1), (Bind(second, Wanted), second.Stack.Counters.AddressConflicts));
        // Asked again, it is looked for again, and is free once the other has gone.
        first.Stack.RemoveAddress(first.Interface, Wanted);
        Add(segment, second, Wanted);
        segment.Run(2 * Second);
        Assert.Equal(AddressState.Preferred, StateOf(second, Wanted));
    }

    [Fact]
    public void Of_two_stations_that_check_at_once_neither_gets_the_address()
    {
        using EthernetSegment segment = new();
        Station first = segment.Add(), second = segment.Add();
        Add(segment, first, Wanted);
        Add(segment, second, Wanted);
        segment.Run(3 * Second);
        Assert.Equal((AddressState.Duplicate, AddressState.Duplicate), (StateOf(first, Wanted), StateOf(second, Wanted)));
    }

    [Fact]
    public void Our_own_question_that_the_link_brings_back_is_no_objection()
    {
        using EthernetSegment segment = new();
        Station station = segment.Add();
        ulong nonce = 0;
        segment.Wire = (_, frame) =>
        {
            NeighborView view = ReadNeighbor(frame, out IpAddress source, out bool isNeighbor);
            if (isNeighbor && source.IsUnspecified) nonce = view.Nonce;
            return true;
        };
        Add(segment, station, Wanted);
        segment.Run(TimeSpan.FromMilliseconds(10));
        segment.Inject(Check(Wanted, nonce));
        segment.Run(2 * Second);
        Assert.Equal(AddressState.Preferred, StateOf(station, Wanted));
    }

    [Fact]
    public void A_question_for_the_owner_of_a_tentative_address_is_not_answered()
    {
        using EthernetSegment segment = new();
        Station station = segment.Add();
        int sent = 0;
        Add(segment, station, Wanted);
        segment.Run(TimeSpan.FromMilliseconds(10));
        segment.Wire = (_, _) => ++sent < 0;
        IpAddress asker = IpAddress.Parse("fd01::5"), group = IpAddress.SolicitedNode(Wanted);
        byte[] message = new byte[32];
        NeighborMessage.WriteSolicitation(message, asker, group, Wanted, StrangerMac);
        segment.Inject(Build.Frame(MacAddress.ForMulticast(group), StrangerMac, EtherType.IpV6,
            Build.IpV6(asker, group, IpProtocol.IcmpV6, message, 255)));
        segment.Run(TimeSpan.FromMilliseconds(10));
        Assert.Equal((0, AddressState.Tentative), (sent, StateOf(station, Wanted)));
    }

    [Fact]
    public void An_optimistic_address_is_used_at_once_and_given_up_when_another_has_it()
    {
        using EthernetSegment segment = new();
        Station owner = segment.Add(), hopeful = segment.Add(With(DuplicateAddressDetection.Optimistic));
        IpAddress free = IpAddress.Parse("fd01::78");
        Add(segment, owner, Wanted);
        segment.Run(2 * Second);
        Add(segment, hopeful, Wanted);
        Add(segment, hopeful, free);
        Assert.Equal((AddressState.Optimistic, OpStatus.Ok), (StateOf(hopeful, Wanted), Bind(hopeful, Wanted)));
        segment.Run(2 * Second);
        Assert.Equal((AddressState.Duplicate, AddressState.Preferred), (StateOf(hopeful, Wanted), StateOf(hopeful, free)));
        Assert.Equal(AddressState.Preferred, StateOf(owner, Wanted));
    }

    [Fact]
    public void Addresses_wait_for_the_link_and_are_checked_on_the_next_one_again()
    {
        using EthernetSegment segment = new();
        Station first = segment.Add(), second = segment.Add();
        Add(segment, first, Wanted);
        segment.Run(2 * Second);
        second.Stack.SetLink(second.Interface, second.Link, up: false, segment.Now);
        Add(segment, second, Wanted);
        segment.Run(TimeSpan.FromMinutes(1));
        Assert.Equal(AddressState.Tentative, StateOf(second, Wanted));
        second.Stack.SetLink(second.Interface, second.Link, up: true, segment.Now);
        segment.Run(3 * Second);
        Assert.Equal(AddressState.Duplicate, StateOf(second, Wanted));
        first.Stack.RemoveAddress(first.Interface, Wanted);
        second.Stack.SetLink(second.Interface, second.Link, up: false, segment.Now);
        second.Stack.SetLink(second.Interface, second.Link, up: true, segment.Now);
        segment.Run(3 * Second);
        Assert.Equal(AddressState.Preferred, StateOf(second, Wanted));
    }

    [Fact]
    public void An_IPv4_address_is_probed_for_three_times_and_announced_twice()
    {
        using EthernetSegment segment = new();
        Station station = segment.Add(With(v4: true));
        List<IpAddress> senders = [];
        segment.Wire = (_, frame) =>
        {
            Assert.Equal(DropReason.None, EthernetView.TryParse(frame, out EthernetView ethernet));
            Assert.Equal(DropReason.None, ArpView.TryParse(ethernet.Payload, out ArpView arp));
            Assert.Equal((ArpOperation.Request, WantedV4), (arp.Operation, arp.TargetAddress));
            senders.Add(arp.SenderAddress);
            return true;
        };
        Add(segment, station, WantedV4);
        segment.Run(TimeSpan.FromMilliseconds(3_999));
        Assert.Equal(AddressState.Tentative, StateOf(station, WantedV4));
        segment.Run(10 * Second);
        Assert.Equal(AddressState.Preferred, StateOf(station, WantedV4));
        Assert.Equal([IpAddress.AnyV4, IpAddress.AnyV4, IpAddress.AnyV4, WantedV4, WantedV4], senders);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void C20_an_IPv4_address_of_another_is_not_taken_nor_one_that_another_probes_for(bool both)
    {
        using EthernetSegment segment = new();
        Station first = segment.Add(With(v4: both)), second = segment.Add(With(v4: true));
        Add(segment, first, WantedV4);
        Add(segment, second, WantedV4);
        segment.Run(20 * Second);
        // Of two that probe, whoever hears the other first gives way.
        Station loser = both && StateOf(second, WantedV4) == AddressState.Preferred ? first : second;
        Assert.Equal((AddressState.Duplicate, OpStatus.InvalidAddress), (StateOf(loser, WantedV4), Bind(loser, WantedV4)));
        if (!both) Assert.Equal(AddressState.Preferred, StateOf(first, WantedV4));
    }
}
