using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

public sealed class SteadyStateTests
{
    [Theory]
    [InlineData(LinkOffloads.None)]
    [InlineData(LinkOffloads.All)]
    public void A_transfer_allocates_nothing(LinkOffloads offloads)
    {
        using Loop loop = new(offloads);
        loop.Run(3000);
        long moved, allocated;
        int collections, tries = 0;
        do
        {
            collections = GC.CollectionCount(0);
            long before = GC.GetAllocatedBytesForCurrentThread();
            moved = loop.Run(3000);
            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            // The shared pool gives arrays up when another test's garbage is collected: such a run says nothing about ours.
        }
        while (collections != GC.CollectionCount(0) && ++tries < 20);
        Assert.True(moved > 10_000_000, $"only {moved} bytes were moved");
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void An_idle_connection_is_below_a_kibibyte()
    {
        using TcpPeer peer = new();
        peer.EstablishPassive();
        long before = GC.GetAllocatedBytesForCurrentThread();
        const int Count = 1000;
        for (int i = 0; i < Count; i++)
        {
            peer.Stack.Connect(new IpEndpoint(IpAddress.AnyV4, (ushort)(1 + i)), new IpEndpoint(TestStack.PeerV4, 9), peer.Now, out _);
        }
        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / Count, 1, 1024);
    }

    [Fact]
    public void An_idle_stack_is_small()
    {
        PacketPool pool = new();
        StackOptions options = new() { Pool = pool, Entropy = new SeededEntropy() };
        Make(options);
        const int Count = 1000;
        NetworkStack[] stacks = new NetworkStack[Count];
        long before = GC.GetTotalMemory(forceFullCollection: true);
        for (int i = 0; i < Count; i++) stacks[i] = Make(options);
        long each = (GC.GetTotalMemory(forceFullCollection: true) - before) / Count;
        Assert.InRange(each, 1, 16 << 10);
        GC.KeepAlive(stacks);

        static NetworkStack Make(StackOptions options)
        {
            NetworkStack stack = new(options);
            LinkProperties link = new(LinkMedium.Ip, 1500);
            InterfaceId id = stack.AddInterface(new InterfaceOptions { Link = link, AnyIp = true });
            stack.AddAddress(id, TestStack.OwnV4, 24, default);
            stack.SetLink(id, link, up: true, default);
            stack.Listen(new IpEndpoint(IpAddress.AnyV6, 80), 16, out _);
            return stack;
        }
    }

    /// <summary>Two stacks back to back, a writer and a reader, without any allocation of its own.</summary>
    private sealed class Loop : IDisposable
    {
        private readonly TcpPair _pair;
        private readonly SocketId _client;
        private readonly SocketId _server;
        private Instant _now;

        internal Loop(LinkOffloads offloads)
        {
            _pair = new TcpPair(offloads: offloads);
            (_client, _server) = _pair.Establish();
            _now = _pair.Now;
        }

        internal long Run(int rounds)
        {
            long moved = 0;
            for (int i = 0; i < rounds; i++)
            {
                _now += TimeSpan.FromMicroseconds(50);
                if (_pair.Client.TryLeaseWritable(_client, 65_536, out RingLease room) == OpStatus.Ok) _pair.Client.Commit(_client, room.Length, _now);
                Move(_pair.Client, _pair.Server);
                while (_pair.Server.TryLeaseReadable(_server, out RingLease lease) == OpStatus.Ok)
                {
                    moved += lease.Length;
                    _pair.Server.Consume(_server, lease.Length, _now);
                }
                Move(_pair.Server, _pair.Client);
                if (_pair.Client.NextDeadline <= _now) _pair.Client.Advance(_now);
                if (_pair.Server.NextDeadline <= _now) _pair.Server.Advance(_now);
                while (_pair.Client.TryTakeEvent(out _)) { }
                while (_pair.Server.TryTakeEvent(out _)) { }
            }
            return moved;
        }

        private void Move(NetworkStack from, NetworkStack to)
        {
            PacketQueue queue = default;
            from.Transmit(_pair.Interface, ref queue, 64, _now);
            to.Receive(_pair.Interface, ref queue, _now);
        }

        public void Dispose() => _pair.Dispose();
    }
}
