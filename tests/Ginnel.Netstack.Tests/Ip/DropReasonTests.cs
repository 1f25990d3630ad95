using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>Every reason that IP and datagrams can give is given here once, exactly, and nothing else is counted beside it.</summary>
public sealed class DropReasonTests
{
    private static readonly IpEndpoint Peer = new(PeerV4, 4000);
    private static readonly IpEndpoint Own = new(OwnV4, 53);

    // TCP's own; its tests count them.
    private static readonly DropReason[] OfTcp =
    [
        DropReason.OutOfWindow, DropReason.PawsRejected, DropReason.BadAcknowledgment, DropReason.BadFlags, DropReason.OutOfOrderLimit,
        DropReason.SocketClosed,
    ];

    private static readonly Dictionary<DropReason, Action> Cases = new()
    {
        [DropReason.Truncated] = () => Packet(DropReason.Truncated, [0x45, 0, 0]),
        [DropReason.BadLength] = () => Packet(DropReason.BadLength, Edit(Build.Udp(Peer, Own, 1), p => p[3] = 200)),
        [DropReason.BadVersion] = () => Packet(DropReason.BadVersion, Edit(Build.Udp(Peer, Own, 1), p => p[0] = 0x55)),
        [DropReason.BadChecksum] = () => Packet(DropReason.BadChecksum, Edit(Build.Udp(Peer, Own, 1), p => p[8]--)),
        [DropReason.BadOption] = () => Packet(DropReason.BadOption, WithOptions([7, 1, 0, 0])),
        [DropReason.BadField] = () => Packet(DropReason.BadField, Build.Udp(Peer, Own with { Port = 0 }, 1)),
        [DropReason.BadSegmentation] = BadSegmentation,
        [DropReason.LlcFrame] = () => Frame(DropReason.LlcFrame, OwnMac, (EtherType)0x0100),
        [DropReason.VlanTagged] = () => Frame(DropReason.VlanTagged, OwnMac, EtherType.Vlan),
        [DropReason.UnknownEtherType] = () => Frame(DropReason.UnknownEtherType, OwnMac, (EtherType)0x88CC),
        [DropReason.NotOurMac] = () => Frame(DropReason.NotOurMac, new MacAddress(0x0200_0000_0055), EtherType.IpV4),
        [DropReason.BadSource] = () => Packet(DropReason.BadSource, Build.Udp(new IpEndpoint(IpAddress.LoopbackV4, 1), Own, 1)),
        [DropReason.BadDestination] = () => Packet(DropReason.BadDestination, Build.Udp(Peer, new IpEndpoint(IpAddress.LoopbackV4, 1), 1)),
        [DropReason.NotOurAddress] = () => Packet(DropReason.NotOurAddress, Build.Udp(Peer, new IpEndpoint(FarV4, 1), 1)),
        [DropReason.SourceRouted] = () => Packet(DropReason.SourceRouted, WithOptions([131, 3, 4, 0])),
        [DropReason.UnknownProtocol] = () => Packet(DropReason.UnknownProtocol, Build.IpV4(PeerV4, OwnV4, (IpProtocol)132, new byte[20])),
        [DropReason.TooManyExtensionHeaders] = TooManyExtensionHeaders,
        [DropReason.FragmentOverlap] = FragmentOverlap,
        [DropReason.BadFragment] = () => Packet(DropReason.BadFragment,
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[12], offset: 8, more: true)),
        [DropReason.ReassemblyLimit] = ReassemblyLimit,
        [DropReason.ReassemblyTimeout] = ReassemblyTimeout,
        [DropReason.NoListener] = () => Packet(DropReason.NoListener, Build.Udp(Peer, Own, 1)),
        [DropReason.NoRoute] = NoRoute,
        [DropReason.NeighborUnreachable] = () => Unanswered(DropReason.NeighborUnreachable, count: 1, seconds: 3),
        [DropReason.NeighborQueueFull] = () => Unanswered(DropReason.NeighborQueueFull, count: 9, seconds: 0),
        [DropReason.PacketTooBig] = PacketTooBig,
        [DropReason.BacklogFull] = () => AnyIp(DropReason.BacklogFull, pool =>
            new() { Pool = pool, Entropy = new SeededEntropy(), MaxPending = 1 }),
        [DropReason.TableFull] = () => AnyIp(DropReason.TableFull, pool =>
            new() { Pool = pool, Entropy = new SeededEntropy(), MaxSockets = 1 }),
        [DropReason.ReceiveBufferFull] = ReceiveBufferFull,
        [DropReason.RateLimited] = RateLimited,
        [DropReason.OutOfBuffers] = OutOfBuffers,
        [DropReason.InterfaceDown] = InterfaceDown,
        [DropReason.IcmpNotOurs] = () => Packet(DropReason.IcmpNotOurs,
            Build.Error(PeerV4, OwnV4, 3, 3, 0, Build.Udp(new IpEndpoint(OwnV4, 77), Peer, 1))),
        [DropReason.Ignored] = () => Packet(DropReason.Ignored, Build.Error(PeerV4, OwnV4, 5, 0, 0, Build.Udp(Own, Peer, 1))),
        [DropReason.BadNeighborMessage] = () => Packet(DropReason.BadNeighborMessage, Build.Error(PeerV6, OwnV6, 135, 0, 0, new byte[16])),
        [DropReason.TransmitQueueFull] = TransmitQueueFull,
        [DropReason.HopLimitExceeded] = HopLimitExceeded,
        [DropReason.FragmentEcn] = FragmentEcn,
    };

    public static TheoryData<DropReason> Reasons => [.. Cases.Keys];

    [Theory]
    [MemberData(nameof(Reasons))]
    public void The_reason_is_counted_once(DropReason reason) => Cases[reason]();

    [Fact]
    public void Every_reason_has_its_case()
    {
        HashSet<DropReason> missing = [.. Enum.GetValues<DropReason>()];
        missing.Remove(DropReason.None);
        missing.ExceptWith(Cases.Keys);
        missing.ExceptWith(OfTcp);
        Assert.Empty(missing);
    }

    private static void Packet(DropReason reason, byte[] packet)
    {
        using TestStack stack = new();
        stack.ReceiveDropped(reason, packet);
    }

    private static void Frame(DropReason reason, MacAddress to, EtherType type)
    {
        using TestStack stack = new(LinkMedium.Ethernet);
        stack.ReceiveDropped(reason, Build.Frame(to, PeerMac, type, Build.Udp(Peer, Own, 1)));
        Assert.Empty(stack.Sent());
    }

    private static byte[] Edit(byte[] packet, Action<byte[]> edit)
    {
        edit(packet);
        return packet;
    }

    private static byte[] WithOptions(byte[] options) =>
        Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, Build.UdpSegment(Peer, Own, [1]), options: options);

    private static void BadSegmentation()
    {
        using TestStack stack = new();
        stack.Receive(Build.Udp(Peer, Own, 1), new Segmentation(SegmentationKind.TcpV4, 100), ChecksumState.Partial);
        Assert.Equal((1, 1), (stack.Drops(DropReason.BadSegmentation), stack.AllDrops()));
    }

    private static void TooManyExtensionHeaders()
    {
        byte[] headers = new byte[9 * 8];
        for (int i = 0; i < 9; i++)
        {
            headers[i * 8] = (byte)(i == 8 ? IpProtocol.NoNextHeader : IpProtocol.DestinationOptions);
            headers[i * 8 + 2] = 1; // PadN of four bytes
            headers[i * 8 + 3] = 4;
        }
        Packet(DropReason.TooManyExtensionHeaders, Build.IpV6(PeerV6, OwnV6, IpProtocol.DestinationOptions, headers));
    }

    private static void FragmentOverlap()
    {
        using TestStack stack = new();
        stack.ReceiveDropped(DropReason.FragmentOverlap,
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[16], id: 1, offset: 0, more: true),
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, Build.Bytes(16, 1), id: 1, offset: 8, more: true));
    }

    private static void FragmentEcn()
    {
        using TestStack stack = new();
        stack.ReceiveDropped(DropReason.FragmentEcn,
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[16], id: 1, offset: 0, more: true, trafficClass: 3),
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[16], id: 1, offset: 16, more: false));
    }

    private static void ReassemblyLimit()
    {
        using TestStack stack = new(options: pool => new() { Pool = pool, Entropy = new SeededEntropy(), MaxReassemblies = 1 });
        stack.ReceiveDropped(DropReason.ReassemblyLimit,
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[16], id: 1, offset: 0, more: true),
            Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[16], id: 2, offset: 0, more: true));
    }

    private static void ReassemblyTimeout()
    {
        using TestStack stack = new();
        stack.Receive(Build.IpV4(PeerV4, OwnV4, IpProtocol.Udp, new byte[16], offset: 8, more: true));
        stack.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal((1, 1), (stack.Drops(DropReason.ReassemblyTimeout), stack.AllDrops()));
    }

    private static void NoRoute()
    {
        using PoolProof proof = new();
        StackContext context = new(new StackOptions { Pool = proof.Pool, Entropy = new SeededEntropy() });
        IpLayer ip = new(context);
        Assert.True(ip.TryRent(8, out Packet packet));
        Assert.Equal(DropReason.NoRoute, ip.Send(packet, default, new IpSend(OwnV4, FarV4, IpProtocol.Udp), default));
        Assert.Equal(1, context.Counters.Drops(DropReason.NoRoute));
    }

    private static void Unanswered(DropReason reason, int count, int seconds)
    {
        using TestStack stack = new(LinkMedium.Ethernet);
        SocketId port = stack.Bind(new IpEndpoint(OwnV4, 0));
        for (int i = 0; i < count; i++) stack.Stack.Send(port, new DatagramSend(Peer), [1], stack.Now);
        stack.Advance(TimeSpan.FromSeconds(seconds));
        Assert.Equal((1, 1), (stack.Drops(reason), stack.AllDrops()));
    }

    private static void PacketTooBig()
    {
        using PoolProof proof = new();
        StackContext context = new(new StackOptions { Pool = proof.Pool, Entropy = new SeededEntropy() });
        IpLayer ip = new(context);
        NetworkInterface to = new(new InterfaceId(1),
            new InterfaceOptions { Link = new LinkProperties(LinkMedium.Ip, 1500) }) { IsUp = true };
        Assert.True(ip.TryRent(1481, out Packet packet));
        packet.Append(1481);
        Assert.Equal(DropReason.PacketTooBig, ip.Send(packet, new RouteDecision(to, FarV4, OwnV4, 1500),
            new IpSend(OwnV4, FarV4, IpProtocol.Udp), default));
        Assert.Equal(1, context.Counters.Drops(DropReason.PacketTooBig));
    }

    private static void AnyIp(DropReason reason, Func<PacketPool, StackOptions> options)
    {
        using TestStack stack = new(anyIp: true, options: options);
        stack.ReceiveDropped(reason, Build.Udp(Peer, new IpEndpoint(FarV4, 53), 1),
            Build.Udp(Peer with { Port = 4001 }, new IpEndpoint(FarV4, 53), 1));
    }

    private static void ReceiveBufferFull()
    {
        using TestStack stack = new(options: pool => new() { Pool = pool, Entropy = new SeededEntropy(), DatagramReceiveBuffer = 1_500 });
        stack.Bind(Own);
        byte[] datagram = Build.Udp(Peer, Own, new byte[1_000]);
        stack.ReceiveDropped(DropReason.ReceiveBufferFull, datagram, datagram);
    }

    private static void RateLimited()
    {
        using TestStack stack = new(options: pool => new() { Pool = pool, Entropy = new SeededEntropy(), IcmpErrorsPerSecond = 0 });
        stack.Receive(Build.Udp(Peer, Own, 1));
        Assert.Equal((1, 1), (stack.Drops(DropReason.RateLimited), stack.Drops(DropReason.NoListener)));
        Assert.Empty(stack.Sent());
    }

    private static void OutOfBuffers()
    {
        PacketPool small = new(1 << 20);
        List<Packet> all = [];
        using TestStack stack = new(options: _ => new() { Pool = small, Entropy = new SeededEntropy() });
        while (small.TryRent(PacketSize.Small, out Packet packet)) all.Add(packet);
        stack.ReceiveDropped(DropReason.OutOfBuffers, Build.Echo(PeerV4, OwnV4, 1, 1, []));
        foreach (Packet packet in all) packet.Return();
        Assert.Equal(0, small.Rented);
    }

    private static void InterfaceDown()
    {
        using TestStack stack = new();
        stack.Stack.SetLink(stack.Interface, stack.Link, up: false, stack.Now);
        stack.ReceiveDropped(DropReason.InterfaceDown, Build.Udp(Peer, Own, 1));
    }

    private static void TransmitQueueFull()
    {
        using TestStack stack = new(options: pool => new() { Pool = pool, Entropy = new SeededEntropy(), MaxTransmitQueue = 1 });
        stack.ReceiveDropped(DropReason.TransmitQueueFull, Build.Echo(PeerV4, OwnV4, 1, 1, []), Build.Echo(PeerV4, OwnV4, 1, 2, []));
    }

    private static void HopLimitExceeded()
    {
        using TestStack stack = new(anyIp: true);
        stack.ReceiveDropped(DropReason.HopLimitExceeded, Build.IpV4(PeerV4, FarV4, IpProtocol.Udp, new byte[8], hopLimit: 1));
    }

    private sealed class PoolProof : IDisposable
    {
        internal PacketPool Pool { get; } = new();
        public void Dispose() => Assert.Equal(0, Pool.Rented);
    }
}
