using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>What the wire does to a packet.</summary>
public readonly record struct Fate(bool Lost = false, TimeSpan ExtraDelay = default, bool Twice = false);

/// <summary>
/// Two stacks and a wire between them, in virtual time: the client is 10.1.0.1, the server 10.1.0.2 (and fd01::1, fd01::2).
/// </summary>
public sealed class TcpPair : IDisposable
{
    public static readonly IpAddress ClientV4 = IpAddress.Parse("10.1.0.1");
    public static readonly IpAddress ServerV4 = IpAddress.Parse("10.1.0.2");
    public static readonly IpAddress ClientV6 = IpAddress.Parse("fd01::1");
    public static readonly IpAddress ServerV6 = IpAddress.Parse("fd01::2");

    private readonly PriorityQueue<(bool ToServer, Packet Packet), (long, long)> _wire = new();
    private long _order;

    public TcpPair(TcpOptions? client = null, TcpOptions? server = null, int mtu = 1500, LinkOffloads offloads = LinkOffloads.None, ulong seed = 1,
        bool serverAnyIp = false, Func<StackOptions, StackOptions>? serverOptions = null)
    {
        Link = new LinkProperties(LinkMedium.Ip, mtu, offloads);
        Client = new NetworkStack(new StackOptions { Pool = Pool, Entropy = new SeededEntropy(seed), Tcp = client ?? new() });
        StackOptions options = new() { Pool = Pool, Entropy = new SeededEntropy(seed + 1000), Tcp = server ?? new() };
        Server = new NetworkStack(serverOptions?.Invoke(options) ?? options);
        foreach ((NetworkStack stack, IpAddress v4, IpAddress v6, bool anyIp) in new[] { (Client, ClientV4, ClientV6, false), (Server, ServerV4, ServerV6, serverAnyIp) })
        {
            InterfaceId id = stack.AddInterface(new InterfaceOptions { Link = Link, AnyIp = anyIp });
            Assert.Equal(OpStatus.Ok, stack.AddAddress(id, v4, 24, Now));
            if (mtu >= 1280) Assert.Equal(OpStatus.Ok, stack.AddAddress(id, v6, 64, Now));
            Assert.Equal(OpStatus.Ok, stack.AddRoute(new Route(IpPrefix.Parse("0.0.0.0/0"), id)));
            stack.SetLink(id, Link, up: true, Now);
            Interface = id;
        }
        Run(TimeSpan.FromMilliseconds(1));
    }

    public PacketPool Pool { get; } = new();
    public LinkProperties Link { get; }
    public NetworkStack Client { get; }
    public NetworkStack Server { get; }
    public InterfaceId Interface { get; }
    public Instant Now { get; private set; } = new(TimeSpan.TicksPerDay);

    /// <summary>One way.</summary>
    public TimeSpan Delay { get; set; } = TimeSpan.FromMilliseconds(5);

    /// <summary>Decides over each packet; true: towards the server.</summary>
    public Func<bool, Packet, Fate>? Wire { get; set; }

    public long PacketsCarried { get; private set; }

    public SocketId Listen(ushort port = 80, int backlog = 128)
    {
        Assert.Equal(OpStatus.Ok, Server.Listen(new IpEndpoint(IpAddress.AnyV6, port), backlog, out SocketId id));
        return id;
    }

    public SocketId Connect(ushort port = 80, IpAddress? to = null, IpAddress? from = null, ushort fromPort = 0)
    {
        IpAddress remote = to ?? ServerV4;
        IpAddress local = from ?? (remote.IsV4 ? IpAddress.AnyV4 : IpAddress.AnyV6);
        Assert.Equal(OpStatus.Ok, Client.Connect(new IpEndpoint(local, fromPort), new IpEndpoint(remote, port), Now, out SocketId id));
        return id;
    }

    /// <summary>A connection, established and accepted.</summary>
    public (SocketId Client, SocketId Server) Establish(ushort port = 80, IpAddress? to = null)
    {
        SocketId listener = Listen(port);
        SocketId client = Connect(port, to);
        SocketId server = default;
        Assert.True(Run(TimeSpan.FromMinutes(2), () => Server.Accept(listener, Now, out server) == OpStatus.Ok), "not established");
        Run(Delay * 4);
        return (client, server);
    }

    /// <summary>Lets time pass until the condition holds, or for a span.</summary>
    public bool Run(TimeSpan span, Func<bool>? until = null)
    {
        Instant end = Now + span;
        for (int steps = 0; ; steps++)
        {
            Assert.True(steps < 5_000_000, "no progress");
            Pump();
            if (until is not null && until()) return true;
            Pump();
            Instant next = Instant.Min(Client.NextDeadline, Server.NextDeadline);
            if (_wire.TryPeek(out _, out (long Ticks, long) due)) next = Instant.Min(next, new Instant(due.Ticks));
            if (next > end) { Now = end; return until is null; }
            if (next > Now) Now = next;
            Deliver();
            if (Client.NextDeadline <= Now) Client.Advance(Now);
            if (Server.NextDeadline <= Now) Server.Advance(Now);
        }
    }

    private void Deliver()
    {
        PacketQueue toServer = default, toClient = default;
        while (_wire.TryPeek(out (bool ToServer, Packet Packet) item, out (long Ticks, long) due) && due.Ticks <= Now.Ticks)
        {
            _wire.Dequeue();
            if (item.ToServer) toServer.Add(item.Packet); else toClient.Add(item.Packet);
        }
        if (!toServer.IsEmpty) Server.Receive(Interface, ref toServer, Now);
        if (!toClient.IsEmpty) Client.Receive(Interface, ref toClient, Now);
    }

    /// <summary>Puts on the wire what the stacks want to send.</summary>
    public void Pump()
    {
        Take(Client, toServer: true);
        Take(Server, toServer: false);
    }

    private void Take(NetworkStack from, bool toServer)
    {
        PacketQueue queue = default;
        from.Transmit(Interface, ref queue, int.MaxValue, Now);
        while (queue.Take() is { } packet)
        {
            PacketsCarried++;
            Fate fate = Wire?.Invoke(toServer, packet) ?? default;
            if (fate.Lost) { packet.Return(); continue; }
            if (fate.Twice && Pool.TryRent(packet.Size, out Packet copy))
            {
                copy.Write(packet.Span);
                (copy.Segmentation, copy.Checksum) = (packet.Segmentation, packet.Checksum);
                _wire.Enqueue((toServer, copy), ((Now + Delay + fate.ExtraDelay).Ticks, _order++));
            }
            _wire.Enqueue((toServer, packet), ((Now + Delay + fate.ExtraDelay).Ticks, _order++));
        }
    }

    /// <summary>Writes as much as there is room for; returns the bytes taken.</summary>
    public int Write(NetworkStack stack, SocketId id, ReadOnlySpan<byte> bytes)
    {
        int written = 0;
        while (written < bytes.Length)
        {
            OpStatus status = stack.TryLeaseWritable(id, bytes.Length - written, out RingLease lease);
            if (status == OpStatus.WouldBlock) return written;
            Assert.True(status == OpStatus.Ok, $"{status}: {stack.FailureOf(id)} at {Now.Ticks / 10_000}");
            int count = Math.Min(lease.Length, bytes.Length - written);
            int first = Math.Min(count, lease.First.Length);
            bytes.Slice(written, first).CopyTo(lease.First.Span);
            bytes.Slice(written + first, count - first).CopyTo(lease.Second.Span);
            Assert.Equal(OpStatus.Ok, stack.Commit(id, count, Now));
            written += count;
        }
        return written;
    }

    /// <summary>Reads everything readable; <paramref name="status"/> is what ended it.</summary>
    public byte[] Read(NetworkStack stack, SocketId id, out OpStatus status)
    {
        List<byte> bytes = [];
        while ((status = stack.TryLeaseReadable(id, out RingLease lease)) == OpStatus.Ok)
        {
            bytes.AddRange(lease.First.Span);
            bytes.AddRange(lease.Second.Span);
            Assert.Equal(OpStatus.Ok, stack.Consume(id, lease.Length, Now));
        }
        return [.. bytes];
    }

    /// <summary>Sends bytes one way, closes, and expects them whole at the other end.</summary>
    public TimeSpan Transfer(NetworkStack from, SocketId source, NetworkStack to, SocketId destination, byte[] bytes, TimeSpan limit,
        byte[]? already = null)
    {
        Instant start = Now;
        int written = 0;
        var received = new MemoryStream();
        bool closed = false;
        OpStatus end = OpStatus.Ok;
        bool done = Run(limit, () =>
        {
            if (written < bytes.Length) written += Write(from, source, bytes.AsSpan(written));
            if (written == bytes.Length && !closed) closed = from.CloseWrite(source, Now) == OpStatus.Ok;
            received.Write(Read(to, destination, out end));
            return end is OpStatus.EndOfStream or OpStatus.Failed;
        });
        Assert.True(done, $"the transfer did not end: {received.Length} of {bytes.Length} bytes");
        Assert.True(end == OpStatus.EndOfStream, $"{end}: {to.FailureOf(destination)} there, {from.FailureOf(source)} here, after {received.Length} bytes, at {Now - start}");
        bytes = [.. already ?? [], .. bytes];
        Assert.True(bytes.AsSpan().SequenceEqual(received.ToArray()), "the bytes differ");
        return Now - start;
    }

    public TcpInfo Info(NetworkStack stack, SocketId id)
    {
        Assert.True(stack.TryGetInfo(id, out TcpInfo info));
        return info;
    }

    public TcpState State(NetworkStack stack, SocketId id) => Info(stack, id).State;

    public void Dispose()
    {
        while (_wire.TryDequeue(out (bool ToServer, Packet Packet) item, out _)) item.Packet.Return();
        foreach (NetworkStack stack in new[] { Client, Server })
        {
            PacketQueue rest = default;
            stack.Transmit(Interface, ref rest, 10_000, Now);
            rest.ReturnAll();
        }
        Assert.Equal(0, Pool.Rented);
    }
}
