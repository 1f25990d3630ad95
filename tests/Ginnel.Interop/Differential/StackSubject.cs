using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>
/// Our TCP in virtual time, set up as the kernel is: acknowledgments at once, Nagle's algorithm in Minshall's form, Reno.
/// </summary>
internal sealed class StackSubject : IExchangeSubject
{
    private readonly PacketPool _pool = new(32 << 20);
    private readonly NetworkStack _stack;
    private readonly InterfaceId _interface;
    private readonly Exchange _exchange;
    private readonly IpEndpoint _local, _peer;
    private readonly SocketId _listener;
    private SocketId _socket;
    private bool _isConnecting;
    private bool _isOver;
    private bool _isClosed;
    // Some days in: a clock that starts at zero would hide errors.
    private Instant _now = new(TimeSpan.TicksPerDay * 3);

    public StackSubject(Exchange exchange, IpEndpoint local, IpEndpoint peer)
    {
        (_exchange, _local, _peer) = (exchange, local, peer);
        _stack = new NetworkStack(new StackOptions
        {
            Pool = _pool, Entropy = new SeededEntropy(exchange.Seed),
            Tcp = new TcpOptions
            {
                Nagle = exchange.Nagle, NagleHoldsSecondSmall = true, DelayedAck = TimeSpan.Zero,
                CongestionControl = CongestionControlKind.NewReno,
                TolerateMissingTimestamps = true, MinRetransmitTimeoutIsVariation = true, ProbeBehindWindow = true, PathMtuProbing = false,
            },
        });
        LinkProperties link = new(LinkMedium.Ip, 1500);
        _interface = _stack.AddInterface(new InterfaceOptions { Name = "ginnel0", Link = link });
        _stack.SetLink(_interface, link, up: true, _now);
        _stack.AddAddress(_interface, local.Address, exchange.IsV6 ? 128 : 32, _now);
        _stack.AddRoute(new Route(new IpPrefix(exchange.IsV6 ? IpAddress.AnyV6 : IpAddress.AnyV4, 0), _interface, default));
        Collect();
        if (exchange.Listens) Require(_stack.Listen(local, 8, out _listener));
    }

    public void Inject(byte[] packet)
    {
        if (!_pool.TryRent(PacketPool.SizeFor(packet.Length), out Packet rented))
            throw new InvalidOperationException("no packet to be had");
        rented.Write(packet);
        PacketQueue batch = default;
        batch.Add(rented);
        _stack.Receive(_interface, ref batch, _now);
    }

    /// <summary>A step takes 50 µs, so that everything has a time of its own.</summary>
    public List<byte[]> Collect()
    {
        List<byte[]> packets = [];
        _stack.Advance(_now);
        Take(packets);
        _now += TimeSpan.FromMicroseconds(50);
        return packets;
    }

    public List<byte[]> Wait(TimeSpan limit)
    {
        List<byte[]> packets = [];
        Instant end = _now + limit;
        while (packets.Count == 0 && _stack.NextDeadline is { } deadline && deadline <= end)
        {
            if (deadline > _now) _now = deadline;
            _stack.Advance(_now);
            Take(packets);
        }
        if (packets.Count == 0) _now = end;
        return packets;
    }

    public void Connect()
    {
        if (_socket != default || _isClosed) return;
        Require(_stack.Connect(_local, _peer, _now, out _socket));
        _isConnecting = true;
    }

    public string? Progress()
    {
        if (_exchange.Listens && _socket == default && !_isClosed)
            return _stack.Accept(_listener, _now, out _socket) == OpStatus.Ok ? "accepted" : null;
        if (!_isConnecting || _isOver || _isClosed) return null;
        NetworkFailure failure = _stack.FailureOf(_socket);
        bool isOpening = !_stack.TryGetInfo(_socket, out TcpInfo info) || info.State is TcpState.SynSent or TcpState.SynReceived;
        if (failure == NetworkFailure.None && isOpening) return null;
        _isConnecting = false;
        if (failure != NetworkFailure.None) _isOver = true;
        return failure == NetworkFailure.None ? "connected" : $"connecting failed: {Name(failure)}";
    }

    public string Write(ReadOnlySpan<byte> octets)
    {
        if (_socket == default || _isConnecting) return "not connected";
        if (_isOver) return "over";
        int written = 0;
        while (written < octets.Length)
        {
            OpStatus status = _stack.TryLeaseWritable(_socket, octets.Length - written, out RingLease lease);
            if (status == OpStatus.WouldBlock) return $"{written} octets";
            if (status != OpStatus.Ok) return Failed(status);
            int first = Math.Min(lease.First.Length, octets.Length - written);
            int second = Math.Min(lease.Second.Length, octets.Length - written - first);
            octets.Slice(written, first).CopyTo(lease.First.Span);
            octets.Slice(written + first, second).CopyTo(lease.Second.Span);
            Require(_stack.Commit(_socket, first + second, _now));
            written += first + second;
        }
        return "ok";
    }

    public string Read(int most, List<byte> octets)
    {
        if (_socket == default || _isConnecting) return "not connected";
        if (_isOver) return "over";
        while (most > 0)
        {
            OpStatus status = _stack.TryLeaseReadable(_socket, out RingLease lease);
            if (status == OpStatus.WouldBlock) return "";
            if (status == OpStatus.EndOfStream) return "eof";
            if (status != OpStatus.Ok) return Failed(status);
            int count = Math.Min(most, lease.First.Length);
            octets.AddRange(lease.First.Span[..count]);
            most -= count;
            Require(_stack.Consume(_socket, count, _now));
        }
        return "";
    }

    public void Shutdown()
    {
        if (_socket != default && !_isConnecting && !_isClosed) _stack.CloseWrite(_socket, _now);
    }

    public void Close() => Drop(abort: false);

    public void Abort() => Drop(abort: true);

    public void Dispose() { }

    private void Drop(bool abort)
    {
        if (_socket == default || _isClosed) return;
        if (abort) Require(_stack.Abort(_socket, _now));
        Require(_stack.Release(_socket, _now));
        _isOver = _isClosed = true;
        _isConnecting = false;
    }

    private string Failed(OpStatus status)
    {
        if (status != OpStatus.Failed) return status == OpStatus.InvalidState ? "broken" : status.ToString();
        _isOver = true;
        return Name(_stack.FailureOf(_socket));
    }

    private static string Name(NetworkFailure failure) => failure switch
    {
        NetworkFailure.Reset => "reset",
        NetworkFailure.Refused => "refused",
        NetworkFailure.TimedOut => "timed out",
        _ => failure.ToString(),
    };

    private void Take(List<byte[]> packets)
    {
        PacketQueue queue = default;
        _stack.Transmit(_interface, ref queue, 256, _now);
        while (queue.Take() is { } packet)
        {
            packets.Add(packet.Span.ToArray());
            packet.Return();
        }
        while (_stack.TryTakeEvent(out _)) { }
    }

    private static void Require(OpStatus status)
    {
        if (status != OpStatus.Ok) throw new InvalidOperationException($"the stack says {status}");
    }
}
