using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Attacks;

/// <summary>
/// A victim between an honest client and an attacker, in virtual time. Everything that goes to the victim waits in one queue of a device, whose tail
/// is dropped, and the victim serves so many packets in a millisecond and no more: what an attack takes of that, the honest lack. The honest
/// path has 5 ms each way; the attacker is near.
/// </summary>
internal sealed class Siege : IDisposable
{
    internal static readonly IpAddress VictimAddress = IpAddress.Parse("10.9.0.1");
    internal static readonly IpAddress HonestAddress = IpAddress.Parse("10.9.0.2");
    internal static readonly IpAddress ForeignAddress = IpAddress.Parse("203.0.113.7");
    internal const ushort Port = 80;

    private const int DeviceQueue = 1024, Batch = 32;
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(5), DialTime = TimeSpan.FromMilliseconds(30);

    private readonly Queue<Packet> _device = new();
    private readonly Queue<(Instant At, Packet Packet)> _toVictim = new(), _toHonest = new();
    private readonly Queue<(Instant At, SocketId Id)> _dials = new();
    private readonly HashSet<SocketId> _dialling = [];
    private readonly InterfaceId _victimInterface, _honestInterface;
    private readonly SocketId _listener;
    private readonly SeededDice _dice;

    internal Siege(ulong seed, Func<StackOptions, StackOptions>? victim = null, bool anyIp = false)
    {
        _dice = new SeededDice(seed);
        StackOptions options = new() { Pool = Pool, Entropy = new SeededDice(seed + 1) };
        Victim = new NetworkStack(victim?.Invoke(options) ?? options);
        // Buffers of 64 KiB and 10 ms: about 6.5 MB a second each way, whatever the victim would permit.
        TcpOptions honest = new() { SendBuffer = 64 << 10, ReceiveBuffer = 64 << 10 };
        Honest = new NetworkStack(new StackOptions { Pool = Pool, Entropy = new SeededDice(seed + 2), Tcp = honest });
        _victimInterface = Up(Victim, VictimAddress, anyIp);
        _honestInterface = Up(Honest, HonestAddress, anyIp: false);
        if (!anyIp) Victim.Listen(new IpEndpoint(IpAddress.AnyV4, Port), 256, out _listener);
        Destination = new IpEndpoint(anyIp ? ForeignAddress : VictimAddress, Port);
    }

    internal PacketPool Pool { get; } = new();
    internal NetworkStack Victim { get; }
    internal NetworkStack Honest { get; }
    internal Instant Now { get; private set; } = new(TimeSpan.TicksPerDay);

    /// <summary>Where everybody connects to.</summary>
    internal IpEndpoint Destination { get; }

    /// <summary>Packets that the victim serves in a millisecond.</summary>
    internal int Service { get; init; } = 200;

    /// <summary>Who attacks; null for peace.</summary>
    internal Attacker? Attacker { get; set; }

    /// <summary>Brackets the victim's work, for a clock.</summary>
    internal Action<bool>? Working { get; set; }

    internal long Thrown { get; private set; }
    internal long Overflowed { get; private set; }
    internal long Served { get; private set; }
    internal long MostMemory { get; private set; }
    internal int MostSockets { get; private set; }
    internal int MostDials { get; private set; }
    internal long DialsStarted { get; private set; }
    internal long HonestUp { get; private set; }
    internal long HonestDown { get; private set; }
    internal SocketId HonestId { get; private set; }
    internal bool IsHonestConnected { get; private set; }
    private SocketId _honestAtVictim;

    /// <summary>Random numbers that the seed repeats.</summary>
    internal uint Roll(uint below) => _dice.Next(below);

    /// <summary>The honest client begins to connect; then it sends and receives as much as it can.</summary>
    internal void Connect()
    {
        Honest.Connect(new IpEndpoint(IpAddress.AnyV4, 0), Destination, Now, out SocketId id);
        HonestId = id;
    }

    /// <summary>The attacker's packet; it may find the queue full.</summary>
    internal void Throw(byte[] bytes)
    {
        Thrown++;
        if (!Pool.TryRent(PacketPool.SizeFor(bytes.Length), out Packet packet)) return;
        packet.Write(bytes);
        Enqueue(packet);
    }

    internal void Run(TimeSpan span)
    {
        for (Instant end = Now + span; Now < end;) Tick();
    }

    private void Tick()
    {
        Now += TimeSpan.FromMilliseconds(1);
        // Who comes first in this millisecond is chance.
        bool honestFirst = _dice.Next(2) == 0;
        if (honestFirst) Arrive();
        Attacker?.Tick(this);
        if (!honestFirst) Arrive();
        Working?.Invoke(true);
        Serve();
        if (Victim.NextDeadline <= Now) Victim.Advance(Now);
        Work();
        Working?.Invoke(false);
        Answer();
        HonestWork();
        MostMemory = Math.Max(MostMemory, Victim.MemoryInUse);
        MostSockets = Math.Max(MostSockets, Victim.SocketCount);
    }

    private void Arrive()
    {
        while (_toVictim.TryPeek(out (Instant At, Packet Packet) next) && next.At <= Now) Enqueue(_toVictim.Dequeue().Packet);
    }

    private void Enqueue(Packet packet)
    {
        if (_device.Count < DeviceQueue) { _device.Enqueue(packet); return; }
        Overflowed++;
        packet.Return();
    }

    private void Serve()
    {
        for (int left = Service; left > 0 && _device.Count > 0;)
        {
            PacketQueue batch = default;
            for (int i = 0; i < Batch && left > 0 && _device.TryDequeue(out Packet? packet); i++, left--)
            {
                batch.Add(packet);
                Served++;
            }
            Victim.Receive(_victimInterface, ref batch, Now);
        }
    }

    private void Work()
    {
        while (Victim.TryTakeEvent(out SocketEvent happened)) Handle(happened);
        while (_dials.TryPeek(out (Instant At, SocketId Id) dial) && dial.At <= Now)
        {
            _dials.Dequeue();
            if (_dialling.Remove(dial.Id)) Victim.Accept(dial.Id, Now, out _);
        }
        MostDials = Math.Max(MostDials, _dialling.Count);
        if (_honestAtVictim != default)
        {
            HonestUp += Drain(Victim, _honestAtVictim);
            Fill(Victim, _honestAtVictim);
        }
        Attacker?.Serve(this);
    }

    private void Handle(SocketEvent happened)
    {
        if (happened.Id == _listener)
        {
            while (Victim.Accept(_listener, Now, out SocketId accepted) == OpStatus.Ok) Accepted(accepted);
            return;
        }
        if ((happened.Events & (SocketEvents.Failed | SocketEvents.Closed)) != 0)
        {
            _dialling.Remove(happened.Id);
            Victim.Release(happened.Id, Now);
            if (happened.Id == _honestAtVictim) _honestAtVictim = default;
            return;
        }
        if ((happened.Events & SocketEvents.PendingConnection) != 0)
        {
            DialsStarted++;
            _dialling.Add(happened.Id);
            _dials.Enqueue((Now + DialTime, happened.Id));
        }
        else if (_listener == default && (happened.Events & SocketEvents.Connected) != 0) Accepted(happened.Id);
    }

    private void Accepted(SocketId id)
    {
        Victim.TryGetFlow(id, out FlowKey flow);
        if (flow.Remote.Address == HonestAddress) _honestAtVictim = id;
        else Attacker?.Accepted(this, id);
    }

    private void Answer()
    {
        PacketQueue queue = default;
        Victim.Transmit(_victimInterface, ref queue, 100_000, Now);
        while (queue.Take() is { } packet)
        {
            if (AttackPackets.TryRead(packet.Span, out _, out IpEndpoint to, out _, out _) && to.Address == HonestAddress)
            {
                _toHonest.Enqueue((Now + Delay, packet));
                continue;
            }
            Attacker?.Answered(this, packet.Span);
            packet.Return();
        }
    }

    private void HonestWork()
    {
        PacketQueue batch = default;
        while (_toHonest.TryPeek(out (Instant At, Packet Packet) next) && next.At <= Now) batch.Add(_toHonest.Dequeue().Packet);
        Honest.Receive(_honestInterface, ref batch, Now);
        if (Honest.NextDeadline <= Now) Honest.Advance(Now);
        while (Honest.TryTakeEvent(out SocketEvent happened))
            IsHonestConnected |= happened.Id == HonestId && (happened.Events & SocketEvents.Connected) != 0;
        if (IsHonestConnected)
        {
            HonestDown += Drain(Honest, HonestId);
            Fill(Honest, HonestId);
        }
        PacketQueue queue = default;
        Honest.Transmit(_honestInterface, ref queue, 100_000, Now);
        while (queue.Take() is { } packet) _toVictim.Enqueue((Now + Delay, packet));
    }

    internal int Drain(NetworkStack stack, SocketId id)
    {
        int read = 0;
        while (stack.TryLeaseReadable(id, out RingLease lease) == OpStatus.Ok)
        {
            read += lease.Length;
            stack.Consume(id, lease.Length, Now);
        }
        return read;
    }

    /// <summary>Writes as much as there is room for.</summary>
    internal void Fill(NetworkStack stack, SocketId id)
    {
        while (stack.TryLeaseWritable(id, 1 << 16, out RingLease lease) == OpStatus.Ok) stack.Commit(id, lease.Length, Now);
    }

    private InterfaceId Up(NetworkStack stack, IpAddress address, bool anyIp)
    {
        LinkProperties link = new(LinkMedium.Ip, 1500, LinkOffloads.None);
        InterfaceId id = stack.AddInterface(new InterfaceOptions { Link = link, AnyIp = anyIp });
        stack.AddAddress(id, address, 24, Now);
        stack.AddRoute(new Route(IpPrefix.Parse("0.0.0.0/0"), id));
        stack.SetLink(id, link, up: true, Now);
        PacketQueue hello = default;
        stack.Transmit(id, ref hello, 100, Now);
        hello.ReturnAll();
        return id;
    }

    public void Dispose()
    {
        foreach (Packet packet in _device) packet.Return();
        foreach ((_, Packet packet) in _toVictim) packet.Return();
        foreach ((_, Packet packet) in _toHonest) packet.Return();
    }
}
