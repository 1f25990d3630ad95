using System.Diagnostics;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Memory;

/// <summary>
/// Two stacks and nothing else: one thread writes, carries packets from one to the other, reads, and tells both the time. What the octets
/// cost a user is part of it: they are copied into the one lease and out of the other.
/// </summary>
internal sealed class BareStacks
{
    private const int Budget = 64;
    private const ushort Port = 80;
    private const int Chunk = 64 << 10;

    private static readonly IpAddress FirstAddress = IpAddress.Parse("10.1.0.1"), SecondAddress = IpAddress.Parse("10.1.0.2");
    private static readonly IpEndpoint Any = new(IpAddress.AnyV4, 0), Server = new(SecondAddress, Port);
    private readonly PacketPool _pool = new();
    private readonly byte[] _source = new byte[Chunk], _sink = new byte[Chunk];
    private readonly NetworkStack _first, _second;
    private readonly InterfaceId _firstInterface, _secondInterface;
    private readonly SocketId _listener;
    private long _packets;
    private Instant _now;
    private readonly bool _generalWayOnly;

    internal BareStacks(LinkOffloads offloads, bool generalWayOnly = false, int mtu = 1500)
    {
        _generalWayOnly = generalWayOnly;
        LinkProperties link = new(LinkMedium.Ip, mtu, offloads, Reliable: true);
        Tick();
        (_first, _firstInterface) = Create(link, FirstAddress);
        (_second, _secondInterface) = Create(link, SecondAddress);
        Require(_second.Listen(Server, 1024, out _listener));
    }

    /// <summary>One stream from the first to the second.</summary>
    internal Sample Bulk(TimeSpan time)
    {
        (SocketId client, SocketId server) = Open();
        long bytes = 0, packets = _packets;
        Meter meter = new();
        do
        {
            Write(_first, client, _source);
            Carry();
            bytes += Read(_second, server);
            Carry();
            Tick();
        }
        while (meter.Elapsed < time);
        Sample sample = meter.Stop(bytes * 8.0, _packets - packets);
        Close(client, server);
        return sample;
    }

    /// <summary>One octet there and back, one after the other.</summary>
    internal Sample RoundTrips(TimeSpan time)
    {
        (SocketId client, SocketId server) = Open();
        long trips = 0;
        ReadOnlySpan<byte> one = _source.AsSpan(0, 1);
        Meter meter = new();
        do
        {
            for (int i = 0; i < 16; i++)
            {
                Write(_first, client, one);
                Carry();
                Require(Read(_second, server) == 1);
                Write(_second, server, one);
                Carry();
                Require(Read(_first, client) == 1);
                trips++;
            }
            Tick();
        }
        while (meter.Elapsed < time);
        Sample sample = meter.Stop(trips, trips);
        Close(client, server);
        return sample;
    }

    /// <summary>Connect, accept, close at both ends.</summary>
    internal Sample Connections(TimeSpan time)
    {
        long connections = 0;
        Meter meter = new();
        do
        {
            (SocketId client, SocketId server) = Open();
            Close(client, server);
            connections++;
            Tick();
        }
        while (meter.Elapsed < time);
        return meter.Stop(connections, connections);
    }

    /// <summary>Datagrams of so many octets, in batches as they come from a link.</summary>
    internal Sample Datagrams(int size, TimeSpan time)
    {
        Require(_first.Bind(new DatagramPortOptions { Local = Any }, out SocketId from));
        Require(_second.Bind(new DatagramPortOptions { Local = Server }, out SocketId to));
        DatagramSend header = new(Server);
        ReadOnlySpan<byte> payload = _source.AsSpan(0, size);
        long count = 0;
        Meter meter = new();
        do
        {
            for (int i = 0; i < Budget; i++) Require(_first.Send(from, header, payload, _now));
            Carry();
            while (_second.TryReceive(to, _sink, out _) == OpStatus.Ok) count++;
            Tick();
        }
        while (meter.Elapsed < time);
        Sample sample = meter.Stop(count, count);
        Require(_first.Release(from, _now));
        Require(_second.Release(to, _now));
        return sample;
    }

    private (SocketId Client, SocketId Server) Open()
    {
        Require(_first.Connect(Any, Server, _now, out SocketId client));
        Carry();
        Require(_second.Accept(_listener, _now, out SocketId server));
        return (client, server);
    }

    private void Close(SocketId client, SocketId server)
    {
        Require(_first.Release(client, _now));
        Carry();
        Require(_second.Release(server, _now));
        Carry();
        TakeEvents(_first);
        TakeEvents(_second);
    }

    private void Write(NetworkStack stack, SocketId socket, ReadOnlySpan<byte> bytes)
    {
        if (stack.TryLeaseWritable(socket, bytes.Length, out RingLease lease) != OpStatus.Ok) return;
        int first = Math.Min(bytes.Length, lease.First.Length), second = Math.Min(bytes.Length - first, lease.Second.Length);
        bytes[..first].CopyTo(lease.First.Span);
        bytes.Slice(first, second).CopyTo(lease.Second.Span);
        Require(stack.Commit(socket, first + second, _now));
    }

    private int Read(NetworkStack stack, SocketId socket)
    {
        int total = 0;
        while (stack.TryLeaseReadable(socket, out RingLease lease) == OpStatus.Ok)
        {
            int first = Math.Min(_sink.Length, lease.First.Length), second = Math.Min(_sink.Length - first, lease.Second.Length);
            lease.First.Span[..first].CopyTo(_sink);
            lease.Second.Span[..second].CopyTo(_sink.AsSpan(first));
            Require(stack.Consume(socket, first + second, _now));
            total += first + second;
        }
        return total;
    }

    /// <summary>Packets in both directions until there are none.</summary>
    private void Carry()
    {
        while (_first.HasOutput(_firstInterface) || _second.HasOutput(_secondInterface))
        {
            Carry(_first, _firstInterface, _second, _secondInterface);
            Carry(_second, _secondInterface, _first, _firstInterface);
        }
        TakeEvents(_first);
        TakeEvents(_second);
    }

    private void Carry(NetworkStack from, InterfaceId fromInterface, NetworkStack to, InterfaceId toInterface)
    {
        PacketQueue batch = default;
        from.Transmit(fromInterface, ref batch, Budget, _now);
        _packets += batch.Count;
        if (!batch.IsEmpty) to.Receive(toInterface, ref batch, _now);
    }

    private void Tick()
    {
        _now = new Instant(TimeSpan.TicksPerDay + Stopwatch.GetElapsedTime(0).Ticks);
        if (_first is null || _second is null) return;
        if (_first.NextDeadline <= _now) _first.Advance(_now);
        if (_second.NextDeadline <= _now) _second.Advance(_now);
    }

    private (NetworkStack Stack, InterfaceId Interface) Create(LinkProperties link, IpAddress address)
    {
        NetworkStack stack = new(new StackOptions { Pool = _pool, Entropy = new SystemEntropy(), Tcp = new TcpOptions { GeneralWayOnly = _generalWayOnly } });
        InterfaceId id = stack.AddInterface(new InterfaceOptions { Link = link });
        stack.SetLink(id, link, up: true, _now);
        Require(stack.AddAddress(id, address, 24, _now));
        return (stack, id);
    }

    private static void TakeEvents(NetworkStack stack)
    {
        while (stack.TryTakeEvent(out _)) { }
    }

    private static void Require(OpStatus status)
    {
        if (status != OpStatus.Ok) throw new InvalidOperationException($"The stack answered {status}.");
    }

    private static void Require(bool holds)
    {
        if (!holds) throw new InvalidOperationException("An octet that was sent did not arrive.");
    }

    private sealed class SystemEntropy : EntropySource
    {
        public override void Fill(Span<byte> destination) => System.Security.Cryptography.RandomNumberGenerator.Fill(destination);
    }
}
