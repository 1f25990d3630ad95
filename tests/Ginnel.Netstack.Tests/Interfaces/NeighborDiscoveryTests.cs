using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

public sealed class NeighborDiscoveryTests
{
    private static readonly MacAddress OwnGroup = MacAddress.ForMulticast(IpAddress.SolicitedNode(OwnV6));

    private static TestStack Ethernet(bool anyIp = false, IReadOnlyList<IpPrefix>? except = null) =>
        new(LinkMedium.Ethernet, anyIp, except: except);

    private static byte[] Solicitation(
        IpAddress target, IpAddress? source = null, MacAddress? station = null, IpAddress? destination = null, byte hopLimit = 255)
    {
        IpAddress from = source ?? PeerV6, to = destination ?? IpAddress.SolicitedNode(target);
        byte[] message = new byte[32];
        int length = NeighborMessage.WriteSolicitation(message, from, to, target, station ?? PeerMac);
        MacAddress frameTo = to.IsMulticast ? MacAddress.ForMulticast(to) : OwnMac;
        return Build.Frame(frameTo, PeerMac, EtherType.IpV6, Build.IpV6(from, to, IpProtocol.IcmpV6, message[..length], hopLimit));
    }

    private static byte[] Advertisement(
        IpAddress target, bool solicited = true, bool @override = true, MacAddress? station = null, IpAddress? destination = null,
            bool bare = false)
    {
        IpAddress to = destination ?? OwnV6;
        byte[] message = new byte[32];
        int length = NeighborMessage.WriteAdvertisement(message, target, to, target, bare ? default : station ?? PeerMac, false, solicited,
            @override);
        MacAddress frameTo = to.IsMulticast ? MacAddress.ForMulticast(to) : OwnMac;
        return Build.Frame(frameTo, PeerMac, EtherType.IpV6, Build.IpV6(target, to, IpProtocol.IcmpV6, message[..length], 255));
    }

    private sealed record Seen(IcmpV6Type Type, IpAddress Source, IpAddress Destination, MacAddress Station, IpAddress Target,
        bool Solicited, bool Override, bool Router);

    private static Seen Read(byte[] frame)
    {
        Assert.Equal(DropReason.None, EthernetView.TryParse(frame, out EthernetView ethernet));
        Assert.Equal(DropReason.None, IpV6View.TryParse(ethernet.Payload, out IpV6View ip));
        Assert.Equal(255, ip.HopLimit);
        Assert.Equal(DropReason.None, IcmpV6View.TryParse(ip.Payload, out IcmpV6View icmp));
        Assert.True(icmp.IsChecksumValid(ip.Source, ip.Destination));
        Assert.Equal(DropReason.None, NeighborView.TryParse(ip, icmp, out NeighborView message));
        NeighborOptionType option = icmp.Type == IcmpV6Type.NeighborSolicitation ? NeighborOptionType.SourceLinkLayer
            : NeighborOptionType.TargetLinkLayer;
        Assert.True(message.TryGetLinkLayer(option, out MacAddress own));
        Assert.Equal(OwnMac, own);
        return new Seen(icmp.Type, ip.Source, ip.Destination, ethernet.Destination, message.Target, message.IsSolicited, message.IsOverride,
            message.IsRouter);
    }

    private static SocketId BindAndSend(TestStack stack, byte payload = 0)
    {
        SocketId port = stack.Bind(new IpEndpoint(OwnV6, 0));
        SendTo(stack, port, payload);
        return port;
    }

    private static void SendTo(TestStack stack, SocketId port, byte payload) =>
        Assert.Equal(OpStatus.Ok, stack.Stack.Send(port, new DatagramSend(new IpEndpoint(PeerV6, 9)), [payload], stack.Now));

    [Fact]
    public void A_solicitation_for_an_own_address_is_answered_with_override_and_the_asker_is_learned()
    {
        using TestStack stack = Ethernet();
        stack.Receive(Solicitation(OwnV6));
        Assert.Equal(new Seen(IcmpV6Type.NeighborAdvertisement, OwnV6, PeerV6, PeerMac, OwnV6, true, true, false),
            Read(Assert.Single(stack.Sent())));
        BindAndSend(stack);
        Assert.Equal(EtherType.IpV6, Header(Assert.Single(stack.Sent())).Type);
    }

    [Fact]
    public void Duplicate_address_detection_of_an_own_address_is_answered_to_all_nodes()
    {
        using TestStack stack = Ethernet();
        byte[] message = new byte[24];
        NeighborMessage.WriteSolicitation(message, IpAddress.AnyV6, IpAddress.SolicitedNode(OwnV6), OwnV6, default);
        stack.Receive(Build.Frame(OwnGroup, PeerMac, EtherType.IpV6,
            Build.IpV6(IpAddress.AnyV6, IpAddress.SolicitedNode(OwnV6), IpProtocol.IcmpV6, message, 255)));
        Seen answer = Read(Assert.Single(stack.Sent()));
        Assert.Equal((IpAddress.AllNodesV6, false, true), (answer.Destination, answer.Solicited, answer.Override));
    }

    [Fact]
    public void A_neighbor_is_asked_for_in_its_group_and_packets_wait()
    {
        using TestStack stack = Ethernet();
        BindAndSend(stack, 7);
        Seen ask = Read(Assert.Single(stack.Sent()));
        Assert.Equal((IcmpV6Type.NeighborSolicitation, OwnV6, IpAddress.SolicitedNode(PeerV6), PeerV6),
            (ask.Type, ask.Source, ask.Destination, ask.Target));
        Assert.Equal(MacAddress.ForMulticast(IpAddress.SolicitedNode(PeerV6)), ask.Station);
        stack.Receive(Advertisement(PeerV6));
        byte[] frame = Assert.Single(stack.Sent());
        Assert.Equal((PeerMac, (byte)7), (Header(frame).Destination, frame[^1]));
    }

    [Fact]
    public void A_neighbor_that_does_not_answer_is_reported_to_the_port()
    {
        using TestStack stack = Ethernet();
        SocketId port = BindAndSend(stack);
        stack.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(3, stack.Sent().Count);
        Assert.Equal(NetworkFailure.HostUnreachable, stack.Take(port).Datagram.Failure);
    }

    [Fact]
    public void An_advertisement_without_override_does_not_move_a_reachable_neighbor()
    {
        using TestStack stack = Ethernet();
        SocketId port = BindAndSend(stack);
        stack.Receive(Advertisement(PeerV6));
        stack.Sent();
        stack.ReceiveDropped(DropReason.Ignored, Advertisement(PeerV6, @override: false, station: new MacAddress(0x0200_0000_0066)));
        SendTo(stack, port, 1);
        Assert.Equal(PeerMac, Header(Assert.Single(stack.Sent())).Destination);
        stack.Receive(Advertisement(PeerV6, solicited: false, station: new MacAddress(0x0200_0000_0066),
            destination: IpAddress.AllNodesV6));
        SendTo(stack, port, 1);
        Assert.Equal(new MacAddress(0x0200_0000_0066), Header(Assert.Single(stack.Sent())).Destination);
    }

    [Fact]
    public void An_advertisement_nobody_asked_for_creates_nothing()
    {
        using TestStack stack = Ethernet();
        stack.ReceiveDropped(DropReason.Ignored, Advertisement(PeerV6));
        BindAndSend(stack);
        Assert.Equal(IcmpV6Type.NeighborSolicitation, Read(Assert.Single(stack.Sent())).Type);
    }

    [Fact]
    public void An_answer_without_an_address_answers_nothing()
    {
        using TestStack stack = Ethernet();
        BindAndSend(stack);
        stack.Sent();
        stack.ReceiveDropped(DropReason.BadNeighborMessage, Advertisement(PeerV6, bare: true));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void C20_an_advertisement_of_our_own_address_is_refused()
    {
        using TestStack stack = Ethernet();
        byte[] message = new byte[32];
        int length = NeighborMessage.WriteAdvertisement(message, PeerV6, IpAddress.AllNodesV6, OwnV6, PeerMac, false, false, true);
        stack.ReceiveDropped(DropReason.BadSource, Build.Frame(MacAddress.ForMulticast(IpAddress.AllNodesV6), PeerMac, EtherType.IpV6,
            Build.IpV6(PeerV6, IpAddress.AllNodesV6, IpProtocol.IcmpV6, message[..length], 255)));
    }

    [Fact]
    public void A_message_that_a_router_has_forwarded_is_refused()
    {
        using TestStack stack = Ethernet();
        stack.ReceiveDropped(DropReason.BadNeighborMessage, Solicitation(OwnV6, hopLimit: 254));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void C4_discovery_in_fragments_is_refused_atomic_or_not()
    {
        using TestStack stack = Ethernet();
        byte[] message = new byte[32];
        NeighborMessage.WriteSolicitation(message, PeerV6, OwnV6, OwnV6, PeerMac);
        byte[] Fragment(byte[] part, int offset, bool more) =>
            Build.Frame(OwnMac, PeerMac, EtherType.IpV6,
                WithHopLimit255(Build.IpV6Fragment(PeerV6, OwnV6, IpProtocol.IcmpV6, part, 5, offset, more)));
        stack.ReceiveDropped(DropReason.BadNeighborMessage, Fragment(message, 0, false));
        stack.ReceiveDropped(DropReason.BadNeighborMessage, Fragment(message[..16], 0, true), Fragment(message[16..], 16, false));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void C22_router_advertisements_and_redirects_move_nothing()
    {
        using TestStack stack = Ethernet();
        IpAddress router = IpAddress.Parse("fe80::1");
        RouterAdvertisement advertisement = new() { RouterLifetimeSeconds = 1800, SourceLinkLayer = PeerMac };
        byte[] message = new byte[advertisement.Size];
        NeighborMessage.WriteRouterAdvertisement(message, router, IpAddress.AllNodesV6, advertisement);
        stack.ReceiveDropped(DropReason.Ignored, Build.Frame(MacAddress.ForMulticast(IpAddress.AllNodesV6), PeerMac, EtherType.IpV6,
            Build.IpV6(router, IpAddress.AllNodesV6, IpProtocol.IcmpV6, message, 255)));
        SocketId port = stack.Bind(new IpEndpoint(OwnV6, 0));
        Assert.Equal(OpStatus.NoRoute, stack.Stack.Send(port, new DatagramSend(new IpEndpoint(FarV6, 9)), [1], stack.Now));
    }

    [Fact]
    public void Any_IP_answers_for_every_global_address_but_those_excepted_and_without_override()
    {
        using TestStack stack = Ethernet(anyIp: true, except: [IpPrefix.Parse("fd00:2::100/120")]);
        stack.Receive(Solicitation(FarV6));
        Seen answer = Read(Assert.Single(stack.Sent()));
        Assert.Equal((FarV6, OwnV6, false, true), (answer.Target, answer.Source, answer.Override, answer.Router));
        stack.ReceiveDropped(DropReason.Ignored, Solicitation(IpAddress.Parse("fd00:2::101")));
        stack.ReceiveDropped(DropReason.Ignored, Solicitation(IpAddress.Parse("fe80::77")));
        byte[] message = new byte[24];
        NeighborMessage.WriteSolicitation(message, IpAddress.AnyV6, IpAddress.SolicitedNode(PeerV6), PeerV6, default);
        stack.ReceiveDropped(DropReason.Ignored, Build.Frame(OwnGroup, PeerMac, EtherType.IpV6,
            Build.IpV6(IpAddress.AnyV6, IpAddress.SolicitedNode(PeerV6), IpProtocol.IcmpV6, message, 255)));
        Assert.Empty(stack.Sent());
    }

    [Fact]
    public void The_interface_announces_its_addresses_when_it_comes_up()
    {
        using TestStack stack = Ethernet();
        stack.Stack.SetLink(stack.Interface, stack.Link, up: false, stack.Now);
        stack.Stack.SetLink(stack.Interface, stack.Link, up: true, stack.Now);
        Seen announcement = Read(Assert.Single(stack.Sent(), frame => Header(frame).Type == EtherType.IpV6));
        Assert.Equal((OwnV6, IpAddress.AllNodesV6, false, true),
            (announcement.Target, announcement.Destination, announcement.Solicited, announcement.Override));
    }

    [Fact]
    public void C22_a_scan_of_a_network_fills_the_cache_no_further_than_its_limit_and_spares_neighbors_in_use()
    {
        using TestStack stack = new(LinkMedium.Ethernet, options: pool =>
            new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxNeighbors = 32 });
        SocketId port = BindAndSend(stack);
        stack.Receive(Advertisement(PeerV6));
        stack.Sent();
        int rented = 0;
        for (int i = 0; i < 5_000; i++)
        {
            IpAddress scanned = IpAddress.FromV6(PeerV6.High, 0x1_0000 + (ulong)i);
            stack.Stack.Send(port, new DatagramSend(new IpEndpoint(scanned, 9)), [1], stack.Now);
            if (i % 16 == 0) SendTo(stack, port, 1);
            stack.Sent();
            rented = Math.Max(rented, stack.Pool.Rented);
        }
        Assert.InRange(rented, 1, 32);
        SendTo(stack, port, 9);
        Assert.Equal(PeerMac, Header(Assert.Single(stack.Sent())).Destination);
    }

    private static EthernetHeader Header(byte[] frame)
    {
        Assert.Equal(DropReason.None, EthernetView.TryParse(frame, out EthernetView view));
        return EthernetHeader.Read(view);
    }

    private static byte[] WithHopLimit255(byte[] packet)
    {
        packet[7] = 255;
        return packet;
    }
}
