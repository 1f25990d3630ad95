using Ginnel.Wire;
using static Ginnel.Netstack.Tests.TestStack;

namespace Ginnel.Netstack.Tests;

/// <summary>A datagram that comes, is read, answered and sent allocates nothing once everything has its size.</summary>
public sealed class AllocationTests
{
    [Theory]
    [InlineData(LinkMedium.Ip, false)]
    [InlineData(LinkMedium.Ip, true)]
    [InlineData(LinkMedium.Ethernet, false)]
    [InlineData(LinkMedium.Ethernet, true)]
    public void A_steady_exchange_of_datagrams_allocates_nothing(LinkMedium medium, bool anyIp)
    {
        using TestStack stack = new(medium, anyIp);
        IpEndpoint peer = new(PeerV4, 4000), target = new(anyIp ? FarV4 : OwnV4, 53);
        byte[] packet = Build.Udp(peer, target, new byte[500]);
        if (medium == LinkMedium.Ethernet) packet = Build.Frame(OwnMac, PeerMac, EtherType.IpV4, packet);
        SocketId port = default;
        if (anyIp)
        {
            stack.Receive(packet);
            stack.Stack.Accept(stack.NextEvent()!.Value.Id, stack.Now, out port);
        }
        else
        {
            port = stack.Bind(target);
        }
        byte[] buffer = new byte[2_048];
        void Exchange()
        {
            stack.Pool.TryRent(PacketSize.Small, out Packet rented);
            rented.Write(packet);
            PacketQueue batch = default;
            batch.Add(rented);
            stack.Stack.Receive(stack.Interface, ref batch, stack.Now);
            while (stack.Stack.TryTakeEvent(out _)) { }
            while (stack.Stack.TryReceive(port, buffer, out ReceivedDatagram datagram) == OpStatus.Ok)
                stack.Stack.Send(port, new DatagramSend(datagram.Source, datagram.Destination), buffer.AsSpan(0, datagram.Length),
                    stack.Now);
            PacketQueue sent = default;
            stack.Stack.Transmit(stack.Interface, ref sent, 64, stack.Now);
            if (sent.Count != 1) throw new InvalidOperationException($"{sent.Count} packets sent.");
            sent.ReturnAll();
        }
        if (anyIp)
        {
            stack.Take(port);
            stack.Sent();
        }
        for (int i = 0; i < 100; i++) Exchange();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 10_000; i++) Exchange();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void A_flood_that_is_refused_allocates_nothing()
    {
        using TestStack stack = new(anyIp: true, options: pool =>
            new StackOptions { Pool = pool, Entropy = new SeededEntropy(), MaxPending = 1 });
        stack.Receive(Build.Udp(new IpEndpoint(PeerV4, 1), new IpEndpoint(FarV4, 53), 1));
        byte[] closed = Build.Udp(new IpEndpoint(PeerV4, 2), new IpEndpoint(OwnV4, 53), 1),
            pending = Build.Udp(new IpEndpoint(PeerV4, 2), new IpEndpoint(FarV4, 53), 1);
        byte[] foreign = Build.IpV4(PeerV4, IpAddress.Parse("239.1.1.1"), IpProtocol.Udp, new byte[16]);
        byte[][] all = [closed, pending, foreign];
        void Flood()
        {
            foreach (byte[] bytes in all)
            {
                stack.Pool.TryRent(PacketSize.Small, out Packet rented);
                rented.Write(bytes);
                PacketQueue batch = default;
                batch.Add(rented);
                stack.Stack.Receive(stack.Interface, ref batch, stack.Now);
            }
            PacketQueue sent = default;
            stack.Stack.Transmit(stack.Interface, ref sent, 64, stack.Now);
            sent.ReturnAll();
        }
        for (int i = 0; i < 2_000; i++) Flood();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 2_000; i++) Flood();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
