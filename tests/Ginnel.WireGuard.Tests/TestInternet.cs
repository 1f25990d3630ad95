using System.Net;
using System.Buffers.Binary;
using Ginnel.Crypto;
using Ginnel.Netstack;
using Ginnel.Testing;
using Ginnel.Wire;

namespace Ginnel.WireGuard.Tests;

/// <summary>
/// Datagrams between carriers, on one thread, when the test says so: nothing moves but by <see cref="Pump"/> and <see cref="Pass"/>.
/// </summary>
internal sealed class TestInternet
{
    private readonly Dictionary<CarrierEndpoint, TestCarrier> _carriers = [];
    private readonly Queue<(CarrierEndpoint From, CarrierEndpoint To, byte[] Bytes)> _underWay = new();

    public TestInternet() => Names = new TestResolver(Time);

    public SimulatedTime Time { get; } = new();

    /// <summary>The names of all ends' peers.</summary>
    public TestResolver Names { get; }

    /// <summary>Every datagram that was sent, delivered or not.</summary>
    public List<(CarrierEndpoint From, CarrierEndpoint To, byte[] Bytes)> Sent { get; } = [];

    /// <summary>Told of every datagram that is sent; those are not kept then.</summary>
    public Action<CarrierEndpoint, CarrierEndpoint, byte[]>? Observer { get; set; }

    /// <summary>What the network does to datagrams; null for nothing, and at once.</summary>
    public Weather? Weather { get; set; }

    /// <summary>The ECN field of datagrams on their way, by the bytes that carry it, as it was sent.</summary>
    public Dictionary<byte[], EcnCodepoint> Fields { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>What a router makes of the field; null: it stays.</summary>
    public Func<EcnCodepoint, EcnCodepoint>? Router { get; set; }

    /// <summary>Decides what arrives; null for everything.</summary>
    public Func<CarrierEndpoint, CarrierEndpoint, byte[], bool>? Filter { get; set; }

    public TestCarrier Join(string address)
    {
        TestCarrier carrier = new(this, new UdpEndpoint(IPEndPoint.Parse(address)));
        _carriers.Add(carrier.Endpoint, carrier);
        return carrier;
    }

    /// <summary>The carrier is at another address from now on.</summary>
    public void Move(TestCarrier carrier, string address)
    {
        _carriers.Remove(carrier.Endpoint);
        carrier.Endpoint = new UdpEndpoint(IPEndPoint.Parse(address));
        _carriers.Add(carrier.Endpoint, carrier);
    }

    public void Send(CarrierEndpoint from, CarrierEndpoint to, byte[] bytes, EcnCodepoint ecn = EcnCodepoint.NotEct)
    {
        if (ecn != EcnCodepoint.NotEct) Fields[bytes] = ecn;
        if (Observer is { } observer) observer(from, to, bytes);
        else Sent.Add((from, to, bytes));
        if (Weather is { } weather) weather.Send(from, to, bytes);
        else _underWay.Enqueue((from, to, bytes));
    }

    /// <summary>Delivers until nothing is under way.</summary>
    public void Pump()
    {
        for (int limit = 100_000; _underWay.TryDequeue(out (CarrierEndpoint From, CarrierEndpoint To, byte[] Bytes) datagram); limit--)
        {
            Assert.True(limit > 0, "The peers talk without end.");
            if (Filter?.Invoke(datagram.From, datagram.To, datagram.Bytes) == false) continue;
            Arrive(datagram);
        }
        while (Weather?.TryTakeArrived(out (CarrierEndpoint From, CarrierEndpoint To, byte[] Bytes) datagram) == true) Arrive(datagram);
    }

    /// <summary>Lets time pass from one timer or arrival to the next.</summary>
    public void Run(TimeSpan time)
    {
        Instant end = Time.Now + time;
        while (true)
        {
            Pump();
            Instant next = Instant.Min(Time.NextTimer, Weather?.NextArrival ?? Instant.Never);
            if (next > end) break;
            Time.AdvanceTo(next);
        }
        Time.AdvanceTo(end);
    }

    private void Arrive((CarrierEndpoint From, CarrierEndpoint To, byte[] Bytes) datagram)
    {
        if (_carriers.TryGetValue(datagram.To, out TestCarrier? carrier))
        {
            EcnCodepoint sent = Fields.GetValueOrDefault(datagram.Bytes);
            carrier.Receive(datagram.From, [.. datagram.Bytes], Router?.Invoke(sent) ?? sent);
        }
    }

    /// <summary>Lets time pass in small steps, delivering after each.</summary>
    public void Pass(TimeSpan time)
    {
        TimeSpan step = TimeSpan.FromMilliseconds(250);
        for (TimeSpan passed = TimeSpan.Zero; passed < time; passed += step)
        {
            Time.Advance(step);
            Pump();
        }
    }
}

internal sealed class TestCarrier(TestInternet internet, UdpEndpoint endpoint) : IDatagramCarrier
{
    private ICarrierSink? _sink;

    public UdpEndpoint Endpoint { get; set; } = endpoint;

    public EndPoint? LocalEndPoint => Endpoint.Address;

    public int MaxDatagram => 65_507;

    public int MaxSegments => 64;

    public bool CarriesEcn { get; set; } = true;

    /// <summary>While set, nothing is taken.</summary>
    public bool IsFull { get => Room == 0; set => Room = value ? 0 : int.MaxValue; }

    /// <summary>Buffers that are still taken.</summary>
    public int Room { get; set; } = int.MaxValue;

    public bool CanReach(CarrierEndpoint endpoint) => endpoint is UdpEndpoint;

    public Task RunAsync(ICarrierSink sink, CancellationToken cancellationToken)
    {
        _sink = sink;
        return Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken).ContinueWith(_ => { }, TaskScheduler.Default);
    }

    public bool TrySend(CarrierEndpoint to, ReadOnlySpan<byte> datagrams, int segmentSize) => TrySend(to, datagrams, segmentSize, EcnCodepoint.NotEct);

    public bool TrySend(CarrierEndpoint to, ReadOnlySpan<byte> datagrams, int segmentSize, EcnCodepoint ecn)
    {
        Assert.True(CarriesEcn || ecn == EcnCodepoint.NotEct, "The carrier cannot tell the field, and must not be given one.");
        if (IsFull) return false;
        if (Room != int.MaxValue) Room--;
        while (!datagrams.IsEmpty)
        {
            int size = Math.Min(segmentSize, datagrams.Length);
            internet.Send(Endpoint, to, datagrams[..size].ToArray(), ecn);
            datagrams = datagrams[size..];
        }
        return true;
    }

    public void Receive(CarrierEndpoint from, byte[] datagram, EcnCodepoint ecn = EcnCodepoint.NotEct)
    {
        if (CarriesEcn) _sink?.Deliver(from, datagram, Math.Max(1, datagram.Length), ecn);
        else _sink?.Deliver(from, datagram, Math.Max(1, datagram.Length));
        _sink?.EndOfBatch();
    }

    public void HasRoom(int buffers = int.MaxValue)
    {
        Room = buffers;
        _sink?.Writable();
    }

    public ValueTask DisposeAsync() => default;
}

/// <summary>An end of a tunnel without a stack: what arrives inside is kept.</summary>
internal sealed class TunnelEnd : ILinkSink, IAsyncDisposable
{
    private readonly PacketPool _pool = new();
    private readonly CancellationTokenSource _stop = new();

    public TunnelEnd(TestInternet internet, string address, string inside, int seed, WireGuardOptions? options = null)
    {
        Inside = IPAddress.Parse(inside);
        PrivateKey = new byte[32];
        new SeededEntropy((ulong)seed).Fill(PrivateKey);
        using X25519Key key = new(PrivateKey);
        PublicKey = key.PublicKey.ToArray();
        Carrier = internet.Join(address);
        Link = new WireGuardLink(PrivateKey, Carrier, new WireGuardOptions
        {
            Mtu = options?.Mtu ?? 1_420, Time = options?.Time ?? internet.Time, Entropy = new SeededEntropy((ulong)seed + 1_000), Resolver = internet.Names,
        });
        _ = Link.RunAsync(this, _stop.Token);
    }

    public IPAddress Inside { get; }
    public byte[] PrivateKey { get; }
    public byte[] PublicKey { get; }
    public TestCarrier Carrier { get; }
    public WireGuardLink Link { get; }

    /// <summary>The packets that have come out of the tunnel.</summary>
    public List<byte[]> Arrived { get; } = [];

    public WireGuardPeerStatus Peer => Assert.Single(Link.Peers);

    /// <summary>Adds the other end as a peer.</summary>
    public void Know(TunnelEnd other, bool knowsWhere = true, byte[]? presharedKey = null, TimeSpan keepalive = default, string? name = null, params string[] allowed) =>
        Link.AddPeer(new WireGuardPeerOptions
        {
            PublicKey = other.PublicKey,
            PresharedKey = presharedKey,
            CarrierEndpoint = knowsWhere && name is null ? other.Carrier.Endpoint : null,
            Endpoint = name is null ? null : new DnsEndPoint(name, other.Carrier.Endpoint.Address.Port),
            PersistentKeepalive = keepalive,
            AllowedIps = allowed.Length > 0 ? [.. allowed.Select(IPNetwork.Parse)] : [new IPNetwork(other.Inside, other.Inside.GetAddressBytes().Length * 8)],
        });

    /// <summary>Sends a packet of a text to an inside address.</summary>
    public void Send(IPAddress to, string text, IPAddress? from = null, EcnCodepoint ecn = EcnCodepoint.NotEct)
    {
        Assert.True(_pool.TryRent(PacketSize.Small, out Packet packet));
        packet.Write(Bytes(from ?? Inside, to, System.Text.Encoding.ASCII.GetBytes(text)));
        EcnField.Write(packet.Span, ecn);
        PacketQueue queue = default;
        queue.Add(packet);
        Link.Send(ref queue);
        queue.ReturnAll();
    }

    /// <summary>Sends numbered UDP datagrams as one super-segment.</summary>
    public void SendDatagrams(IPAddress to, int count, int size)
    {
        Assert.True(_pool.TryRent(PacketSize.Super, out Packet packet));
        byte[] datagrams = new byte[8 + count * size];
        (datagrams[1], datagrams[3]) = (1, 2);
        BinaryPrimitives.WriteUInt16BigEndian(datagrams.AsSpan(4), (ushort)datagrams.Length);
        for (int i = 0; i < count; i++) BinaryPrimitives.WriteInt32BigEndian(datagrams.AsSpan(8 + i * size), i);
        packet.Write(Bytes(Inside, to, datagrams, protocol: 17));
        packet.Segmentation = new Segmentation(SegmentationKind.Udp, (ushort)size);
        packet.Checksum = ChecksumState.Verified;
        PacketQueue queue = default;
        queue.Add(packet);
        Link.Send(ref queue);
        queue.ReturnAll();
    }

    /// <summary>The numbers of the UDP datagrams that have arrived since the last call, whether joined or not.</summary>
    public int[] TakeDatagramNumbers(int size = 400)
    {
        List<int> numbers = [];
        foreach (byte[] packet in Arrived)
            for (int offset = 28; offset < packet.Length; offset += size) numbers.Add(BinaryPrimitives.ReadInt32BigEndian(packet.AsSpan(offset)));
        Arrived.Clear();
        return [.. numbers];
    }

    /// <summary>An IPv4 packet of a protocol that nobody cuts (253, for experiments).</summary>
    public static byte[] Bytes(IPAddress from, IPAddress to, byte[] payload, byte protocol = 253)
    {
        byte[] bytes = new byte[20 + payload.Length];
        bytes[0] = 0x45;
        bytes[8] = 64;
        bytes[9] = protocol;
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), (ushort)bytes.Length);
        from.GetAddressBytes().CopyTo(bytes, 12);
        to.GetAddressBytes().CopyTo(bytes, 16);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(10), Checksum.Compute(bytes.AsSpan(0, 20)));
        payload.CopyTo(bytes, 20);
        return bytes;
    }

    /// <summary>The texts that have arrived since the last call.</summary>
    public string[] TakeTexts()
    {
        string[] texts = [.. Arrived.Select(packet => System.Text.Encoding.ASCII.GetString(packet, 20, packet.Length - 20))];
        Arrived.Clear();
        return texts;
    }

    /// <summary>While set, nothing that comes out of the tunnel finds a buffer.</summary>
    public bool IsShortOfBuffers { get; set; }

    bool IPacketSource.TryRent(PacketSize size, out Packet packet)
    {
        packet = null!;
        return !IsShortOfBuffers && _pool.TryRent(size, out packet);
    }

    void ILinkSink.Deliver(ref PacketQueue batch)
    {
        while (batch.Take() is { } packet)
        {
            Arrived.Add(packet.Span.ToArray());
            packet.Return();
        }
    }

    void ILinkSink.Writable()
    {
    }

    void ILinkSink.Changed(LinkProperties properties, bool up)
    {
    }

    public async ValueTask DisposeAsync()
    {
        if (_stop.IsCancellationRequested) return;
        await _stop.CancelAsync();
        await Link.DisposeAsync();
        Assert.Equal(0, _pool.Rented);
    }
}
