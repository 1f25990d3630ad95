using Xunit;

namespace Ginnel.Wire.Tests;

/// <summary>Ethernet, ARP, ICMP, neighbor discovery.</summary>
public sealed class ControlTests
{
    private static readonly IpAddress RouterAddress = IpAddress.Parse("fe80::1"), Target = IpAddress.Parse("fd00::abcd:1234");
    private readonly byte[] _message = new byte[1500];

    [Theory]
    [InlineData(0x0800, DropReason.None)]
    [InlineData(0x86DD, DropReason.None)]
    [InlineData(0x0806, DropReason.None)]
    [InlineData(0x8100, DropReason.VlanTagged)]
    [InlineData(0x88A8, DropReason.VlanTagged)]
    [InlineData(0x9100, DropReason.VlanTagged)]
    [InlineData(0x0026, DropReason.LlcFrame)]
    [InlineData(0x05FF, DropReason.LlcFrame)]
    [InlineData(0x0600, DropReason.UnknownEtherType)]
    [InlineData(0x88CC, DropReason.UnknownEtherType)]
    public void FramesAreJudgedByTheirType(int type, DropReason expected)
    {
        byte[] frame = Sample.Framed(Sample.Udp(true, []));
        frame[12] = (byte)(type >> 8);
        frame[13] = (byte)type;
        Assert.Equal(expected, EthernetView.TryParse(frame, out _));
    }

    [Fact]
    public void AGroupSendsNeitherFramesNorArp()
    {
        byte[] frame = Sample.Framed(Sample.Udp(true, []));
        frame[6] |= 1;
        Assert.Equal(DropReason.BadSource, EthernetView.TryParse(frame, out _));
        byte[] arp = new byte[28];
        new ArpHeader { Operation = ArpOperation.Reply, SenderMac = MacAddress.Broadcast, SenderAddress = Sample.V4A, TargetAddress = Sample.V4B }.Write(arp);
        Assert.Equal(DropReason.BadSource, ArpView.TryParse(arp, out _));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(7)]
    public void ArpForOtherNetworksIsRefused(int at)
    {
        byte[] arp = new byte[28];
        new ArpHeader { Operation = ArpOperation.Request, SenderMac = Sample.MacA, SenderAddress = Sample.V4A, TargetAddress = Sample.V4B }.Write(arp);
        Assert.Equal(DropReason.None, ArpView.TryParse(arp, out ArpView view));
        Assert.Equal((Sample.V4A, Sample.V4B, Sample.MacA), (view.SenderAddress, view.TargetAddress, view.SenderMac));
        arp[at] += 9;
        Assert.Equal(DropReason.BadField, ArpView.TryParse(arp, out _));
    }

    [Theory]
    [InlineData("224.0.0.251", "01:00:5e:00:00:fb")]
    [InlineData("239.255.1.2", "01:00:5e:7f:01:02")]
    [InlineData("ff02::1:ff00:abcd", "33:33:ff:00:ab:cd")]
    public void GroupsHaveTheirFrames(string group, string mac) => Assert.Equal(mac, MacAddress.ForMulticast(IpAddress.Parse(group)).ToString());

    [Fact]
    public void AddressesOfTheLinkFollowFromTheStation()
    {
        MacAddress.TryParse("52:54:00:12:34:56", out MacAddress mac);
        Assert.Equal(IpAddress.Parse("fe80::5054:ff:fe12:3456"), IpAddress.LinkLocalFrom(mac));
        Assert.Equal(IpAddress.Parse("ff02::1:ff12:3456"), IpAddress.SolicitedNode(IpAddress.LinkLocalFrom(mac)));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(5000)]
    public void IcmpErrorsQuoteWhatTheyMay(int length)
    {
        byte[] offending = Sample.Udp(true, new byte[length]);
        int size = IcmpMessage.WriteFragmentationNeeded(_message, 1400, offending);
        Assert.Equal(IcmpMessage.ErrorSize(offending.Length), size);
        Assert.InRange(size, 8, 576 - 20);
        Assert.Equal(DropReason.None, IcmpView.TryParse(_message.AsSpan(0, size), out IcmpView view));
        Assert.True(view is { IsChecksumValid: true, IsError: true, Mtu: 1400, Type: IcmpType.DestinationUnreachable, Code: 4 });
        Assert.Equal(DropReason.None, IpV4View.TryParseQuoted(view.Body, out IpV4View quoted));
        Assert.Equal(offending.Length, quoted.TotalLength);
        Assert.Equal(IpProtocol.Udp, quoted.Protocol);
    }

    [Theory]
    [InlineData(10)]
    [InlineData(5000)]
    public void IcmpV6ErrorsStayWithinTheMinimumMtu(int length)
    {
        byte[] offending = Sample.Udp(false, new byte[length]);
        int size = IcmpV6Message.WritePacketTooBig(_message, Sample.V6A, Sample.V6B, 1300, offending);
        Assert.InRange(size, 8, 1280 - 40);
        Assert.Equal(DropReason.None, IcmpV6View.TryParse(_message.AsSpan(0, size), out IcmpV6View view));
        Assert.True(view is { IsError: true, Mtu: 1300, Type: IcmpV6Type.PacketTooBig });
        Assert.True(view.IsChecksumValid(Sample.V6A, Sample.V6B));
        Assert.False(view.IsChecksumValid(Sample.V6A, Sample.V6A));
        Assert.Equal(DropReason.None, IpV6View.TryParseQuoted(view.Body, out IpV6View quoted));
        Assert.Equal(offending.Length, quoted.TotalLength);
    }

    [Fact]
    public void EchoesCarryTheirNumbers()
    {
        int size = IcmpMessage.WriteEcho(_message, IcmpType.EchoRequest, 0xABCD, 0x1234, "hello"u8);
        Assert.Equal(DropReason.None, IcmpView.TryParse(_message.AsSpan(0, size), out IcmpView view));
        Assert.True(view is { Identifier: 0xABCD, Sequence: 0x1234, IsChecksumValid: true, IsError: false });
        Assert.True(view.Body.SequenceEqual("hello"u8));
        size = IcmpV6Message.WriteEcho(_message, Sample.V6A, Sample.V6B, IcmpV6Type.EchoReply, 0xABCD, 0x1234, "hello"u8);
        Assert.Equal(DropReason.None, IcmpV6View.TryParse(_message.AsSpan(0, size), out IcmpV6View six));
        Assert.True(six is { Identifier: 0xABCD, Sequence: 0x1234, IsError: false } && six.IsChecksumValid(Sample.V6A, Sample.V6B));
    }

    [Fact]
    public void PointersOfParameterProblemsStand()
    {
        int size = IcmpMessage.WriteParameterProblem(_message, 21, Sample.Udp(true, []));
        IcmpView.TryParse(_message.AsSpan(0, size), out IcmpView view);
        Assert.Equal(21, view.Pointer);
        size = IcmpV6Message.WriteParameterProblem(_message, Sample.V6A, Sample.V6B, IpV6ProblemCode.UnrecognizedOption, 42, Sample.Udp(false, []));
        IcmpV6View.TryParse(_message.AsSpan(0, size), out IcmpV6View six);
        Assert.Equal((42u, 2), (six.Pointer, six.Code));
    }

    [Fact]
    public void ARouterAdvertisementRoundTrips()
    {
        RouterAdvertisement advertisement = new()
        {
            CurrentHopLimit = 64, IsManaged = true, RouterLifetimeSeconds = 1800, ReachableMilliseconds = 30000, RetransmitMilliseconds = 1000,
            SourceLinkLayer = Sample.MacA, Mtu = 1400, Prefixes = [new(IpPrefix.Parse("fd00:2::/64"), true, true, 86400, 14400)],
            DnsLifetimeSeconds = 600, DnsServers = [IpAddress.Parse("fd00:2::3"), IpAddress.Parse("fd00:2::4")],
        };
        int size = NeighborMessage.WriteRouterAdvertisement(_message, RouterAddress, IpAddress.AllNodesV6, advertisement);
        Assert.Equal(advertisement.Size, size);
        Assert.Equal(DropReason.None, Judge(size, RouterAddress, IpAddress.AllNodesV6, out NeighborView view));
        Assert.True(view is { CurrentHopLimit: 64, IsManaged: true, HasOtherConfiguration: false, RouterLifetimeSeconds: 1800, ReachableMilliseconds: 30000, RetransmitMilliseconds: 1000 });
        Assert.True(view.TryGetLinkLayer(NeighborOptionType.SourceLinkLayer, out MacAddress mac) && mac == Sample.MacA);
        int seen = 0;
        foreach (NeighborOption option in view.Options)
        {
            if (option.TryGetMtu(out uint mtu)) { seen |= 1; Assert.Equal(1400u, mtu); }
            if (option.TryGetPrefix(out PrefixInformation prefix)) { seen |= 2; Assert.Equal(advertisement.Prefixes[0], prefix); }
            if (!option.TryGetDnsServers(out uint lifetime, out ReadOnlySpan<byte> servers)) continue;
            seen |= 4;
            Assert.Equal((600u, IpAddress.Parse("fd00:2::4")), (lifetime, IpAddress.Read(servers[16..32])));
        }
        Assert.Equal(7, seen);
    }

    [Fact]
    public void SolicitationAndAdvertisementRoundTrip()
    {
        int size = NeighborMessage.WriteSolicitation(_message, Sample.V6A, IpAddress.SolicitedNode(Target), Target, Sample.MacA);
        Assert.Equal(DropReason.None, Judge(size, Sample.V6A, IpAddress.SolicitedNode(Target), out NeighborView view));
        Assert.Equal(Target, view.Target);
        Assert.True(view.TryGetLinkLayer(NeighborOptionType.SourceLinkLayer, out MacAddress mac) && mac == Sample.MacA);
        size = NeighborMessage.WriteAdvertisement(_message, Target, Sample.V6A, Target, Sample.MacB, isRouter: true, isSolicited: true, isOverride: false);
        Assert.Equal(DropReason.None, Judge(size, Target, Sample.V6A, out view));
        Assert.True(view is { IsRouter: true, IsSolicited: true, IsOverride: false });
        Assert.True(view.TryGetLinkLayer(NeighborOptionType.TargetLinkLayer, out mac) && mac == Sample.MacB);
        size = NeighborMessage.WriteSolicitation(_message, IpAddress.AnyV6, IpAddress.SolicitedNode(Target), Target, default);
        Assert.Equal(24, size);
        Assert.Equal(DropReason.None, Judge(size, IpAddress.AnyV6, IpAddress.SolicitedNode(Target), out _));
    }

    [Fact]
    public void RulesOfRfc4861AreEnforced()
    {
        IpAddress node = IpAddress.SolicitedNode(Target), any = IpAddress.AnyV6;
        int size = NeighborMessage.WriteSolicitation(_message, Sample.V6A, node, Target, Sample.MacA);
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, Sample.V6A, node, out _, hopLimit: 254));
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size - 8 - 1, Sample.V6A, node, out _));
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, any, node, out _));
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size - 8, any, Target, out _));
        Assert.Equal(DropReason.BadNeighborMessage, JudgeFragment(size));
        _message[25] = 0;
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, Sample.V6A, node, out _));
        _message[25] = 2;
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, Sample.V6A, node, out _));
        _message[25] = 1;
        _message[1] = 1;
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, Sample.V6A, node, out _));
        size = NeighborMessage.WriteSolicitation(_message, Sample.V6A, node, node, Sample.MacA);
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, Sample.V6A, node, out _));
        size = NeighborMessage.WriteAdvertisement(_message, Target, IpAddress.AllNodesV6, Target, Sample.MacB, false, isSolicited: true, false);
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, Target, IpAddress.AllNodesV6, out _));
        size = NeighborMessage.WriteRouterSolicitation(_message, any, IpAddress.AllRoutersV6, Sample.MacA);
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, any, IpAddress.AllRoutersV6, out _));
        size = NeighborMessage.WriteRouterAdvertisement(_message, Sample.V6A, IpAddress.AllNodesV6, new RouterAdvertisement());
        Assert.Equal(DropReason.BadNeighborMessage, Judge(size, Sample.V6A, IpAddress.AllNodesV6, out _));
        size = IcmpV6Message.WriteEcho(_message, Sample.V6A, Sample.V6B, IcmpV6Type.EchoRequest, 1, 1, []);
        Assert.Equal(DropReason.Ignored, Judge(size, Sample.V6A, Sample.V6B, out _));
    }

    [Theory]
    [InlineData("fe80::", 64)]
    [InlineData("ff02::", 16)]
    [InlineData("::ffff:0.0.0.0", 96)]
    [InlineData("fd00::", 129)]
    public void PrefixesThatNoHostMayUseAreNotRead(string address, byte length)
    {
        int size = NeighborMessage.WriteRouterAdvertisement(_message, RouterAddress, IpAddress.AllNodesV6,
            new RouterAdvertisement { Prefixes = [new(IpPrefix.Parse("fd00::/64"), true, true, 1, 1)] });
        System.Net.IPAddress.Parse(address).GetAddressBytes().CopyTo(_message, 32);
        _message[18] = length;
        Assert.Equal(DropReason.None, Judge(size, RouterAddress, IpAddress.AllNodesV6, out NeighborView view));
        foreach (NeighborOption option in view.Options) Assert.False(option.TryGetPrefix(out _));
    }

    // RFC 4191 section 2.3: bits 3 and 4 are the preference, and 10 is reserved.
    [Theory]
    [InlineData(0x00, true)]
    [InlineData(0x08, true)]
    [InlineData(0x18, true)]
    [InlineData(0x10, false)]
    [InlineData(0xF7, false)]
    public void ARouteOfReservedPreferenceIsNotRead(byte flags, bool isRead)
    {
        int size = NeighborMessage.WriteRouterAdvertisement(_message, RouterAddress, IpAddress.AllNodesV6,
            new RouterAdvertisement { Prefixes = [new(IpPrefix.Parse("fd00::/64"), true, true, 1, 1)] });
        // The prefix option's 32 bytes become a route option of 24 and a station of 8.
        new byte[] { 24, 3, 64, flags, 0, 0, 0, 9, 0xFD, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 5 }.CopyTo(_message, 16);
        Assert.Equal(DropReason.None, Judge(size, RouterAddress, IpAddress.AllNodesV6, out NeighborView view));
        int routes = 0;
        foreach (NeighborOption option in view.Options)
        {
            if (!option.TryGetRoute(out IpPrefix prefix, out _, out uint lifetime)) continue;
            Assert.Equal((IpPrefix.Parse("fd00:0:0:7::/64"), 9u), (prefix, lifetime));
            routes++;
        }
        Assert.Equal(isRead ? 1 : 0, routes);
    }

    private DropReason Judge(int size, IpAddress source, IpAddress destination, out NeighborView view, byte hopLimit = 255)
    {
        byte[] packet = new byte[40];
        new IpV6Header { NextHeader = IpProtocol.IcmpV6, HopLimit = hopLimit, Source = source, Destination = destination }.Write(packet);
        Assert.Equal(DropReason.None, IpV6View.TryParse(packet, out IpV6View ip));
        Assert.Equal(DropReason.None, IcmpV6View.TryParse(_message.AsSpan(0, size), out IcmpV6View icmp));
        return NeighborView.TryParse(ip, icmp, out view);
    }

    private DropReason JudgeFragment(int size)
    {
        byte[] packet = new byte[48];
        new IpV6Header { NextHeader = IpProtocol.Fragment, PayloadLength = 8, HopLimit = 255, Source = Sample.V6A, Destination = Sample.V6B }.Write(packet);
        packet[40] = (byte)IpProtocol.IcmpV6;
        Assert.Equal(DropReason.None, IpV6View.TryParse(packet, out IpV6View ip));
        IcmpV6View.TryParse(_message.AsSpan(0, size), out IcmpV6View icmp);
        return NeighborView.TryParse(ip, icmp, out _);
    }
}
