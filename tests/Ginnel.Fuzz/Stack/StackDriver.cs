using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Fuzz;

/// <summary>A stack with services, an application that does with its sockets what comes to its mind, and a hostile link.</summary>
internal sealed class StackDriver
{
    private const int FreshSamples = 32;
    private const int MostSockets = 48;
    private readonly Random _random;
    private readonly LinkProperties _link;
    private readonly List<byte[]> _samples;
    private readonly int _firstFresh;
    private readonly List<SocketId> _sockets = [];
    private readonly byte[] _buffer = new byte[2_048];
    private int _fresh;
    private Instant _now = new(TimeSpan.TicksPerDay);

    internal StackDriver(int seed, LinkMedium medium, bool anyIp, LinkOffloads offloads)
    {
        _random = new Random(seed);
        _samples = FrameSamples.All(medium == LinkMedium.Ethernet);
        _firstFresh = _samples.Count;
        Mutator = new Mutator(seed, _samples, maximumLength: 1_800);
        _link = new LinkProperties(medium, 1_500, offloads);
        Stack = new NetworkStack(new StackOptions
        {
            Pool = Pool, Entropy = new RandomEntropy(_random), MaxSockets = 256, MaxPending = 16, MaxNeighbors = 16, MaxReassemblies = 8,
            MaxReassemblyBytes = 64 << 10, MaxPathMtus = 16, MemoryLimit = 4 << 20, DatagramReceiveBuffer = 16 << 10, MaxTransmitQueue = 64,
            Tcp = new TcpOptions { SendBuffer = 16 << 10, ReceiveBuffer = 16 << 10, MaxTimeWait = 32 },
        });
        Interface = Stack.AddInterface(new InterfaceOptions
        {
            Link = _link, Mac = FrameSamples.OwnMac, AnyIp = anyIp, AnyIpExcept = [IpPrefix.Parse("10.0.2.9/32")],
            DuplicateAddressDetection = DuplicateAddressDetection.Off,
            // One kind of stack believes strangers' advertisements, the other is asked for its own.
            AcceptRouterAdvertisements = !anyIp, RouterAdvertisements = anyIp ? new() { Prefixes = [IpPrefix.Parse("fd00:2::/64")] } : null,
        });
        Stack.AddAddress(Interface, FrameSamples.OwnV4, 24, _now);
        Stack.AddAddress(Interface, FrameSamples.OwnV6, 64, _now);
        Stack.SetLink(Interface, _link, up: true, _now);
        Stack.Bind(new DatagramPortOptions { Local = new IpEndpoint(IpAddress.AnyV6, 53) }, out _datagrams);
        Stack.Bind(new DatagramPortOptions { Local = new IpEndpoint(IpAddress.AnyV4, 67), Broadcast = true }, out _broadcasts);
        Stack.Listen(new IpEndpoint(IpAddress.AnyV6, 80), 8, out _listener);
    }

    private readonly SocketId _datagrams, _broadcasts, _listener;

    internal NetworkStack Stack { get; }
    internal InterfaceId Interface { get; }
    internal PacketPool Pool { get; } = new();
    internal Mutator Mutator { get; }

    /// <summary>Bytes of the latest input, for the report of a failure.</summary>
    internal byte[] LastInput { get; private set; } = [];

    /// <summary>One hostile packet, and perhaps time, output and the application's turn.</summary>
    internal void Step()
    {
        Feed();
        TakeEvents();
        if (_random.Next(4) == 0) Act();
        if (_random.Next(3) == 0) Transmit(_random.Next(1, 40));
        if (_random.Next(16) == 0) Pass(TimeSpan.FromMilliseconds(_random.Next(1, 3_000)));
        if (_random.Next(4_000) == 0) Bounce();
        // An application that reads nothing would only test full queues.
        if (_random.Next(8) == 0) Drain(_datagrams);
        if (_random.Next(8) == 0) Drain(_broadcasts);
    }

    /// <summary>Ends everything; afterwards the stack must hold nothing.</summary>
    internal void Finish()
    {
        foreach (SocketId id in _sockets) Close(id);
        foreach (SocketId id in new[] { _datagrams, _broadcasts, _listener }) Stack.Release(id, _now);
        for (int i = 0; i < 30; i++)
        {
            TakeEvents();
            foreach (SocketId id in _sockets) Close(id);
            _sockets.Clear();
            Transmit(1_000);
            Pass(TimeSpan.FromMinutes(5));
        }
        Stack.SetLink(Interface, _link, up: false, _now);
        Pass(TimeSpan.FromMinutes(5));
        // What a router advertised outlives the link; the longest that it can say and mean is 136 years.
        Pass(TimeSpan.FromSeconds(uint.MaxValue));
    }

    private void Feed()
    {
        ReadOnlySpan<byte> input = Mutator.Next();
        Pool.TryRent(PacketPool.SizeFor(input.Length), out Packet packet);
        packet.Write(input);
        bool isFrame = _link.Medium == LinkMedium.Ethernet;
        if (isFrame && _random.Next(4) != 0) FrameSamples.RepairFrame(packet.Span);
        int start = isFrame ? Math.Min(EthernetHeader.Size, input.Length) : 0;
        if (_random.Next(8) != 0) FrameSamples.Repair(packet.Span[start..], lengths: _random.Next(2) == 0);
        LastInput = packet.Span.ToArray();
        // Mostly vouched for, as by a kernel, so that more than the checksum's check is reached.
        packet.Checksum = _random.Next(4) == 0 ? ChecksumState.Unverified : _random.Next(2) == 0 ? ChecksumState.Verified
            : ChecksumState.Partial;
        if (_random.Next(8) == 0) packet.Segmentation = new Segmentation((SegmentationKind)_random.Next(5), (ushort)_random.Next(0, 600));
        PacketQueue batch = default;
        batch.Add(packet);
        Stack.Receive(Interface, ref batch, _now);
        if (!batch.IsEmpty) throw new InvalidOperationException("The batch was not consumed.");
    }

    private void TakeEvents()
    {
        for (int i = 0; i < 1_000 && Stack.TryTakeEvent(out SocketEvent taken); i++)
        {
            if ((taken.Events & (SocketEvents.PendingConnection | SocketEvents.PendingPort)) != 0) Decide(taken.Id);
            // An id lasts until it is given up, that of an abandoned pending one too.
            if ((taken.Events & SocketEvents.Failed) != 0) Stack.Release(taken.Id, _now);
            if ((taken.Events & SocketEvents.Acceptable) != 0
                && Stack.Accept(_listener, _now, out SocketId accepted) == OpStatus.Ok) Keep(accepted);
        }
    }

    private void Decide(SocketId id)
    {
        switch (_random.Next(8))
        {
            case 0: Stack.Reject(id, (NetworkFailure)_random.Next(0, 11), _now); break;
            case 1: break; // let it time out
            default:
                if (Stack.Accept(id, _now, out SocketId accepted) == OpStatus.Ok) Keep(accepted);
                break;
        }
    }

    private void Keep(SocketId id)
    {
        _sockets.Add(id);
        if (_sockets.Count <= MostSockets) return;
        Close(_sockets[0]);
        _sockets.RemoveAt(0);
    }

    private void Close(SocketId id)
    {
        Stack.Abort(id, _now);
        Stack.Release(id, _now);
    }

    private void Act()
    {
        if (_random.Next(200) == 0 && Stack.Connect(default, new IpEndpoint(FrameSamples.PeerV4, 9), _now,
            out SocketId dialled) == OpStatus.Ok) Keep(dialled);
        if (_sockets.Count == 0) return;
        int index = _random.Next(_sockets.Count);
        SocketId id = _sockets[index];
        switch (_random.Next(8))
        {
            case 0 or 1:
                if (Stack.TryLeaseWritable(id, 500, out RingLease room) == OpStatus.Ok) Stack.Commit(id, _random.Next(room.Length + 1),
                    _now);
                break;
            case 2 or 3:
                if (Stack.TryLeaseReadable(id, out RingLease data) == OpStatus.Ok) Stack.Consume(id, _random.Next(data.Length + 1), _now);
                break;
            case 4: Drain(id); break;
            case 5: Stack.CloseWrite(id, _now); break;
            case 6: Stack.ReportFailure(id, new IpEndpoint(FrameSamples.FarV4, 53), (NetworkFailure)_random.Next(0, 11), 1_300,
                _now); break;
            default:
                Stack.Release(id, _now);
                _sockets.RemoveAt(index);
                break;
        }
    }

    private void Drain(SocketId id)
    {
        for (int i = 0; i < 64 && Stack.TryReceive(id, _buffer, out ReceivedDatagram datagram) == OpStatus.Ok; i++)
        {
            if (datagram.Failure != NetworkFailure.None) continue;
            DatagramSend answer = new(datagram.Source, datagram.Destination, EchoRequest: false, EchoSequence: datagram.EchoSequence);
            Stack.Send(id, answer, _buffer.AsSpan(0, datagram.Length), _now);
        }
    }

    private void Transmit(int budget)
    {
        PacketQueue queue = default;
        Stack.Transmit(Interface, ref queue, budget, _now);
        if (queue.Count > budget) throw new InvalidOperationException($"{queue.Count} packets for a budget of {budget}.");
        while (queue.Take() is { } packet)
        {
            if (packet.Length > EthernetHeader.Size + 1_500 && packet.Segmentation.Kind == SegmentationKind.None)
                throw new InvalidOperationException($"A packet of {packet.Length} bytes for a link of 1,500.");
            if (TurnedPackets.Turn(packet.Span, _link.Medium == LinkMedium.Ethernet) is { } turned) Remember(turned);
            packet.Return();
        }
    }

    private void Remember(byte[] sample)
    {
        if (_samples.Count < _firstFresh + FreshSamples) _samples.Add(sample);
        else _samples[_firstFresh + _fresh++ % FreshSamples] = sample;
    }

    private void Pass(TimeSpan span)
    {
        Instant end = _now + span;
        for (int i = 0; Stack.NextDeadline <= end; i++)
        {
            if (i > 100_000) throw new InvalidOperationException("The stack is always due.");
            if (Stack.NextDeadline > _now) _now = Stack.NextDeadline;
            Stack.Advance(_now);
        }
        _now = end;
    }

    private void Bounce()
    {
        Stack.SetLink(Interface, _link, up: false, _now);
        Pass(TimeSpan.FromSeconds(_random.Next(1, 20)));
        Stack.SetLink(Interface, _link, up: true, _now);
    }

    private sealed class RandomEntropy(Random random) : EntropySource
    {
        public override void Fill(Span<byte> destination) => random.NextBytes(destination);
    }
}
