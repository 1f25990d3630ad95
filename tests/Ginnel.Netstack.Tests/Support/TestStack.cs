using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>A stack with one interface, fed and read packet by packet. Ends by proving that no packet is lost.</summary>
public sealed class TestStack : IDisposable
{
    public static readonly IpAddress OwnV4 = IpAddress.Parse("10.0.2.1");
    public static readonly IpAddress PeerV4 = IpAddress.Parse("10.0.2.9");
    public static readonly IpAddress FarV4 = IpAddress.Parse("203.0.113.7");
    public static readonly IpAddress OwnV6 = IpAddress.Parse("fd00:2::1");
    public static readonly IpAddress PeerV6 = IpAddress.Parse("fd00:2::9");
    public static readonly IpAddress FarV6 = IpAddress.Parse("2001:db8::7");
    public static readonly MacAddress OwnMac = new(0x0200_0000_0001);
    public static readonly MacAddress PeerMac = new(0x0200_0000_0009);

    public TestStack(
        LinkMedium medium = LinkMedium.Ip, bool anyIp = false, int mtu = 1500, LinkOffloads offloads = LinkOffloads.None,
        Func<PacketPool, StackOptions>? options = null, IReadOnlyList<IpPrefix>? except = null, bool ipV6 = true,
        bool peerLoopback = false, bool peerLoopbackV6 = false)
    {
        Stack = new NetworkStack(options?.Invoke(Pool) ?? new StackOptions { Pool = Pool, Entropy = new SeededEntropy() });
        Link = new LinkProperties(medium, mtu, offloads);
        Interface = Stack.AddInterface(new InterfaceOptions { Link = Link, Mac = OwnMac, AnyIp = anyIp, AnyIpExcept = except ?? [],
            IpV6 = ipV6, DuplicateAddressDetection = DuplicateAddressDetection.Off, PeerLoopback = peerLoopback, PeerLoopbackV6 = peerLoopbackV6 });
        Assert.Equal(OpStatus.Ok, Stack.AddAddress(Interface, OwnV4, 24, Now));
        if (ipV6 && mtu >= 1280) Assert.Equal(OpStatus.Ok, Stack.AddAddress(Interface, OwnV6, 64, Now));
        Stack.SetLink(Interface, Link, up: true, Now);
        Sent(); // what the interface says of itself when it comes up
    }

    public PacketPool Pool { get; } = new();
    public NetworkStack Stack { get; }
    public InterfaceId Interface { get; }
    public LinkProperties Link { get; }
    public Instant Now { get; private set; } = new(TimeSpan.TicksPerDay);

    /// <summary>Gives the stack packets.</summary>
    public void Receive(params byte[][] packets)
    {
        PacketQueue batch = default;
        foreach (byte[] bytes in packets) batch.Add(Rent(bytes));
        Stack.Receive(Interface, ref batch, Now);
        Assert.True(batch.IsEmpty);
    }

    /// <summary>Gives the stack one packet with metadata.</summary>
    public void Receive(byte[] bytes, Segmentation segmentation, ChecksumState checksum)
    {
        Packet packet = Rent(bytes);
        (packet.Segmentation, packet.Checksum) = (segmentation, checksum);
        PacketQueue batch = default;
        batch.Add(packet);
        Stack.Receive(Interface, ref batch, Now);
    }

    /// <summary>Takes everything that the stack wants to send.</summary>
    public List<byte[]> Sent(int budget = int.MaxValue)
    {
        List<byte[]> sent = [];
        foreach (SentPacket packet in SentPackets(budget)) sent.Add(packet.Bytes);
        return sent;
    }

    public List<SentPacket> SentPackets(int budget = int.MaxValue)
    {
        PacketQueue queue = default;
        Stack.Transmit(Interface, ref queue, budget, Now);
        List<SentPacket> sent = [];
        while (queue.Take() is { } packet)
        {
            sent.Add(new SentPacket(packet.Span.ToArray(), packet.Segmentation, packet.Checksum));
            packet.Return();
        }
        return sent;
    }

    /// <summary>Lets time pass, stopping at every deadline on the way.</summary>
    public void Advance(TimeSpan span)
    {
        Instant end = Now + span;
        for (int steps = 0; Stack.NextDeadline <= end; steps++)
        {
            Assert.True(steps < 100_000, "the stack is always due");
            if (Stack.NextDeadline > Now) Now = Stack.NextDeadline;
            Stack.Advance(Now);
        }
        Now = end;
        Stack.Advance(Now);
    }

    public SocketEvent? NextEvent() => Stack.TryTakeEvent(out SocketEvent socketEvent) ? socketEvent : null;

    public long Drops(DropReason reason) => Stack.Counters.Drops(reason);

    /// <summary>Gives the packets and expects exactly one drop, for this reason.</summary>
    public void ReceiveDropped(DropReason reason, params byte[][] packets)
    {
        long before = Drops(reason), all = AllDrops();
        Receive(packets);
        Assert.Equal((reason, 1), (reason, Drops(reason) - before));
        Assert.Equal(1, AllDrops() - all);
    }

    public long AllDrops()
    {
        long sum = 0;
        foreach (DropReason reason in Enum.GetValues<DropReason>()) sum += Drops(reason);
        return sum;
    }

    public SocketId Bind(IpEndpoint local, bool broadcast = false, bool dontFragment = false, IpProtocol protocol = IpProtocol.Udp)
    {
        DatagramPortOptions options = new() { Protocol = protocol, Local = local, Broadcast = broadcast, DontFragment = dontFragment };
        Assert.Equal(OpStatus.Ok, Stack.Bind(options, out SocketId id));
        return id;
    }

    /// <summary>Takes the next item of a port, which must be there.</summary>
    public (ReceivedDatagram Datagram, byte[] Payload) Take(SocketId id)
    {
        byte[] buffer = new byte[65_536];
        Assert.Equal(OpStatus.Ok, Stack.TryReceive(id, buffer, out ReceivedDatagram datagram));
        return (datagram, buffer[..datagram.Length]);
    }

    public void AssertNothing(SocketId id) => Assert.Equal(OpStatus.WouldBlock, Stack.TryReceive(id, [], out _));

    public void Dispose()
    {
        PacketQueue rest = default;
        Stack.SetLink(Interface, Link, up: false, Now);
        Advance(TimeSpan.FromMinutes(5));
        Stack.Transmit(Interface, ref rest, int.MaxValue, Now);
        rest.ReturnAll();
        Assert.Equal(0, Pool.Rented);
    }

    private Packet Rent(byte[] bytes)
    {
        Assert.True(Pool.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet));
        packet.Write(bytes);
        return packet;
    }
}

/// <summary>A packet that the stack sent, with its metadata.</summary>
public sealed record SentPacket(byte[] Bytes, Segmentation Segmentation, ChecksumState Checksum);
