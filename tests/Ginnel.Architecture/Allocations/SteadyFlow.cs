using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Architecture.Allocations;

/// <summary>
/// Two stacks joined without delay and one connection between them that is never idle. It allocates nothing itself, so that whatever a
/// step allocates is the stacks'.
/// </summary>
sealed class SteadyFlow
{
    /// <summary>Bytes that a side writes in a step: several segments, or the better part of a super-segment.</summary>
    const int WriteSize = 60_000;

    static readonly TimeSpan StepTime = TimeSpan.FromMilliseconds(1);

    readonly PacketPool _pool = new();
    readonly NetworkStack _client;
    readonly NetworkStack _server;
    readonly InterfaceId _clientInterface;
    readonly InterfaceId _serverInterface;
    readonly SocketId _clientSocket;
    readonly SocketId _serverSocket;
    Instant _now = new(TimeSpan.TicksPerDay);

    public SteadyFlow(bool v6, LinkOffloads offloads, int mtu)
    {
        LinkProperties link = new(LinkMedium.Ip, mtu, offloads);
        string prefix = v6 ? "fd01::" : "10.1.0.";
        (_client, _clientInterface) = Create(link, IpAddress.Parse(prefix + "1"), v6 ? 64 : 24, seed: 1);
        (_server, _serverInterface) = Create(link, IpAddress.Parse(prefix + "2"), v6 ? 64 : 24, seed: 2);
        IpEndpoint address = new(IpAddress.Parse(prefix + "2"), 80);
        // IPv6 addresses are tentative for a while (RFC 4862).
        Pass(5_000);
        Assert.Equal(OpStatus.Ok, _server.Listen(address, 8, out SocketId listener));
        Assert.Equal(OpStatus.Ok, _client.Connect(default(IpEndpoint) with { Address = v6 ? IpAddress.AnyV6 : IpAddress.AnyV4 }, address, _now, out _clientSocket));
        Pass(100);
        Assert.Equal(OpStatus.Ok, _server.Accept(listener, _now, out _serverSocket));
    }

    /// <summary>Packets and super-segments that crossed the wire, in both directions.</summary>
    public long Packets { get; private set; }

    /// <summary>Bytes that were read, in both directions.</summary>
    public long Bytes { get; private set; }

    public int SlabsRented => _pool.Rented;

    /// <summary>Both write (or only the client), the wire carries it, both read; a millisecond passes.</summary>
    public void Step(bool bothWays)
    {
        Write(_client, _clientSocket);
        if (bothWays) Write(_server, _serverSocket);
        Carry();
        Read(_server, _serverSocket);
        Read(_client, _clientSocket);
        Tick();
    }

    static (NetworkStack Stack, InterfaceId Interface) CreateStack(PacketPool pool, LinkProperties link, ulong seed)
    {
        NetworkStack stack = new(new StackOptions { Pool = pool, Entropy = new CountingEntropy(seed) });
        return (stack, stack.AddInterface(new InterfaceOptions { Link = link }));
    }

    (NetworkStack Stack, InterfaceId Interface) Create(LinkProperties link, IpAddress address, int prefixLength, ulong seed)
    {
        (NetworkStack stack, InterfaceId id) = CreateStack(_pool, link, seed);
        stack.SetLink(id, link, up: true, _now);
        Assert.Equal(OpStatus.Ok, stack.AddAddress(id, address, prefixLength, _now));
        return (stack, id);
    }

    void Pass(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            Carry();
            Tick();
        }
    }

    void Tick()
    {
        _now += StepTime;
        if (_client.NextDeadline <= _now) _client.Advance(_now);
        if (_server.NextDeadline <= _now) _server.Advance(_now);
        while (_client.TryTakeEvent(out _)) { }
        while (_server.TryTakeEvent(out _)) { }
    }

    void Carry()
    {
        Carry(_client, _clientInterface, _server, _serverInterface);
        Carry(_server, _serverInterface, _client, _clientInterface);
    }

    void Carry(NetworkStack from, InterfaceId fromInterface, NetworkStack to, InterfaceId toInterface)
    {
        PacketQueue batch = default;
        from.Transmit(fromInterface, ref batch, 256, _now);
        Packets += batch.Count;
        if (!batch.IsEmpty) to.Receive(toInterface, ref batch, _now);
    }

    void Write(NetworkStack stack, SocketId socket)
    {
        int left = WriteSize;
        while (left > 0 && stack.TryLeaseWritable(socket, left, out RingLease lease) == OpStatus.Ok)
        {
            int count = Math.Min(left, lease.Length);
            Assert.True(stack.Commit(socket, count, _now) == OpStatus.Ok);
            left -= count;
        }
    }

    void Read(NetworkStack stack, SocketId socket)
    {
        while (stack.TryLeaseReadable(socket, out RingLease lease) == OpStatus.Ok)
        {
            Bytes += lease.Length;
            Assert.True(stack.Consume(socket, lease.Length, _now) == OpStatus.Ok);
        }
    }

    /// <summary>Not random at all, which is enough here.</summary>
    sealed class CountingEntropy(ulong state) : EntropySource
    {
        public override void Fill(Span<byte> destination)
        {
            foreach (ref byte value in destination) value = (byte)(++state * 167);
        }
    }
}
