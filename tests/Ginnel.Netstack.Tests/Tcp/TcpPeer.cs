using Ginnel.Wire;

namespace Ginnel.Netstack.Tests;

/// <summary>A segment as it was sent; sequence numbers relative to the initial ones, so that the SYN is 0 and the first octet 1.</summary>
public sealed record Segment(TcpFlags Flags, int Sequence, int Acknowledgment, int Window, byte[] Payload, TcpHeader Header, Segmentation Segmentation)
{
    public int Length => Payload.Length;

    public override string ToString() => $"{Flags} {Sequence}:{Sequence + Length}({Length}) ack {Acknowledgment} win {Window}";
}

/// <summary>A peer driven by hand: builds every segment itself and reads what the stack answers.</summary>
public sealed class TcpPeer : IDisposable
{
    public const ushort PeerPort = 40_000;

    public TcpPeer(
        TcpOptions? options = null, bool anyIp = false, int mtu = 1500, LinkOffloads offloads = LinkOffloads.None, bool v6 = false,
        Func<StackOptions, StackOptions>? stackOptions = null)
    {
        Host = new TestStack(anyIp: anyIp, mtu: mtu, offloads: offloads, options: pool =>
        {
            StackOptions made = new() { Pool = pool, Entropy = new SeededEntropy(7), Tcp = options ?? new() };
            return stackOptions?.Invoke(made) ?? made;
        });
        (Own, Peer) = v6 ? (TestStack.OwnV6, TestStack.PeerV6) : (TestStack.OwnV4, TestStack.PeerV4);
    }

    public TestStack Host { get; }
    public NetworkStack Stack => Host.Stack;
    public Instant Now => Host.Now;
    public IpAddress Own { get; set; }
    public IpAddress Peer { get; set; }
    public ushort OwnPort { get; set; } = 80;
    public ushort Port { get; set; } = PeerPort;

    /// <summary>The peer's initial sequence number: near the end, so that every test wraps (attack case C17).</summary>
    public SequenceNumber PeerIss { get; set; } = new(0xFFFF_FF00);
    public SequenceNumber Iss { get; private set; }

    /// <summary>The peer's timestamp clock; null: no timestamps.</summary>
    public uint? Timestamp { get; set; }
    public uint TimestampEcho { get; set; }
    public SocketId Id { get; private set; }
    public SocketId Listener { get; private set; }

    public void Listen(int backlog = 16) => Listener = Listening(backlog);

    private SocketId Listening(int backlog)
    {
        Assert.Equal(OpStatus.Ok, Stack.Listen(new IpEndpoint(IpAddress.AnyV6, OwnPort), backlog, out SocketId id));
        return id;
    }

    /// <summary>Builds a segment of the peer.</summary>
    public byte[] Build(
        TcpFlags flags, int sequence, int acknowledgment = 0, byte[]? payload = null, int window = 65_535, int mss = 0, int scale = -1,
        bool sackPermitted = false, uint? timestamp = null, ushort urgent = 0, params (int Left, int Right)[] sack)
    {
        var header = new TcpHeader
        {
            SourcePort = Port, DestinationPort = OwnPort, Sequence = PeerIss + sequence, Acknowledgment = Iss + acknowledgment, Flags = flags,
            Window = (ushort)window, MaximumSegmentSize = (ushort)mss, HasWindowScale = scale >= 0, WindowScale = (byte)Math.Max(scale, 0),
            SackPermitted = sackPermitted, HasTimestamps = (timestamp ?? Timestamp) is not null, TimestampValue = timestamp ?? Timestamp ?? 0,
            TimestampEcho = TimestampEcho, SackCount = sack.Length, UrgentPointer = urgent,
        };
        for (int i = 0; i < sack.Length; i++) header.Sack[i] = new SackBlock(Iss + sack[i].Left, Iss + sack[i].Right);
        payload ??= [];
        byte[] transport = new byte[header.Size + payload.Length];
        header.Write(transport);
        payload.CopyTo(transport, header.Size);
        ushort sum = (ushort)~Checksum.Fold(Checksum.Sum(transport, Checksum.PseudoHeader(Peer, Own, IpProtocol.Tcp, transport.Length)));
        transport[16] = (byte)(sum >> 8);
        transport[17] = (byte)sum;
        return Tests.Build.Ip(Peer, Own, IpProtocol.Tcp, transport);
    }

    /// <summary>Builds and delivers a segment.</summary>
    public void Send(
        TcpFlags flags, int sequence, int acknowledgment = 0, byte[]? payload = null, int window = 65_535, int mss = 0, int scale = -1,
        bool sackPermitted = false, uint? timestamp = null, ushort urgent = 0, params (int Left, int Right)[] sack) =>
        Host.Receive(Build(flags, sequence, acknowledgment, payload, window, mss, scale, sackPermitted, timestamp, urgent, sack));

    /// <summary>A bare acknowledgment.</summary>
    public void Ack(int sequence, int acknowledgment, int window = 65_535, params (int Left, int Right)[] sack) =>
        Send(TcpFlags.Ack, sequence, acknowledgment, window: window, sack: sack);

    /// <summary>What the stack has sent since the last look.</summary>
    public List<Segment> Sent(int budget = int.MaxValue)
    {
        List<Segment> segments = [];
        foreach (SentPacket packet in Host.SentPackets(budget))
        {
            if (Read(packet) is { } segment) segments.Add(segment);
        }
        return segments;
    }

    public Segment SentOne() => Assert.Single(Sent());

    public void SentNothing() => Assert.Empty(Sent());

    private Segment? Read(SentPacket packet)
    {
        ReadOnlySpan<byte> transport;
        if (Own.IsV4)
        {
            Assert.Equal(DropReason.None, IpV4View.TryParse(packet.Bytes, out IpV4View ip));
            if (ip.Protocol != IpProtocol.Tcp) return null;
            transport = ip.Payload;
        }
        else transport = packet.Bytes.AsSpan(40);
        Assert.Equal(DropReason.None, TcpView.TryParse(transport, out TcpView view));
        Assert.Equal(DropReason.None, TcpHeader.Read(view, out TcpHeader header));
        if (header.Has(TcpFlags.Syn)) Iss = header.Sequence;
        if (packet.Checksum != ChecksumState.Partial) Assert.True(Checksum.Verify(Own, Peer, IpProtocol.Tcp, transport), "bad checksum sent");
        if (header.HasTimestamps) TimestampEcho = header.TimestampValue;
        return new Segment(header.Flags, header.Sequence - Iss, header.Acknowledgment - PeerIss, header.Window, view.Payload.ToArray(), header, packet.Segmentation);
    }

    /// <summary>The peer connects to a listener; the handshake completes and the connection is accepted.</summary>
    public void EstablishPassive(int mss = 1000, int scale = -1, bool sack = false, int window = 65_535, int roundTripMs = 0)
    {
        if (Listener == default) Listen();
        Send(TcpFlags.Syn, 0, mss: mss, scale: scale, sackPermitted: sack, window: window);
        Segment answer = SentOne();
        Assert.Equal(TcpFlags.Syn | TcpFlags.Ack, answer.Flags);
        Assert.Equal(1, answer.Acknowledgment);
        if (roundTripMs > 0) AdvanceMs(roundTripMs);
        Send(TcpFlags.Ack, 1, 1, window: window);
        SentNothing();
        Assert.Equal(OpStatus.Ok, Stack.Accept(Listener, Now, out SocketId id));
        Id = id;
        while (Stack.TryTakeEvent(out _)) { }
    }

    /// <summary>The connection that a test has accepted by itself is the one that is spoken of from here on.</summary>
    public void Adopt(SocketId id)
    {
        Id = id;
        while (Stack.TryTakeEvent(out _)) { }
    }

    /// <summary>The stack connects to the peer.</summary>
    public Segment Connect(int localPort = 0)
    {
        Assert.Equal(OpStatus.Ok, Stack.Connect(new IpEndpoint(IpAddress.AnyV4, (ushort)localPort), new IpEndpoint(Peer, Port), Now, out SocketId id));
        Id = id;
        Segment syn = SentOne();
        OwnPort = syn.Header.SourcePort;
        return syn;
    }

    public void EstablishActive(int mss = 1000, int scale = -1, bool sack = false, int window = 65_535)
    {
        Connect();
        Send(TcpFlags.Syn | TcpFlags.Ack, 0, 1, mss: mss, scale: scale, sackPermitted: sack, window: window);
        Segment ack = SentOne();
        Assert.Equal((TcpFlags.Ack, 1, 1), (ack.Flags, ack.Sequence, ack.Acknowledgment));
        while (Stack.TryTakeEvent(out _)) { }
    }

    /// <summary>Writes as much as there is room for.</summary>
    public int Write(byte[] bytes)
    {
        int written = 0;
        while (written < bytes.Length)
        {
            OpStatus status = Stack.TryLeaseWritable(Id, bytes.Length - written, out RingLease lease);
            if (status == OpStatus.WouldBlock) break;
            Assert.Equal(OpStatus.Ok, status);
            int count = Math.Min(lease.Length, bytes.Length - written);
            int first = Math.Min(count, lease.First.Length);
            bytes.AsSpan(written, first).CopyTo(lease.First.Span);
            bytes.AsSpan(written + first, count - first).CopyTo(lease.Second.Span);
            Assert.Equal(OpStatus.Ok, Stack.Commit(Id, count, Now));
            written += count;
        }
        return written;
    }

    public void Write(int count) => Assert.Equal(count, Write(Tests.Build.Bytes(count)));

    public byte[] ReadAll(out OpStatus end)
    {
        List<byte> bytes = [];
        while ((end = Stack.TryLeaseReadable(Id, out RingLease lease)) == OpStatus.Ok)
        {
            bytes.AddRange(lease.First.Span);
            bytes.AddRange(lease.Second.Span);
            Assert.Equal(OpStatus.Ok, Stack.Consume(Id, lease.Length, Now));
        }
        return [.. bytes];
    }

    public byte[] ReadAll() => ReadAll(out _);

    public TcpInfo Info
    {
        get
        {
            Assert.True(Stack.TryGetInfo(Id, out TcpInfo info));
            return info;
        }
    }

    public TcpState State => Info.State;

    /// <summary>Events of the connection since the last look.</summary>
    public SocketEvents Events(SocketId? of = null)
    {
        SocketEvents events = SocketEvents.None;
        while (Stack.TryTakeEvent(out SocketEvent next))
        {
            if (next.Id == (of ?? Id)) events |= next.Events;
        }
        return events;
    }

    public void Advance(TimeSpan span) => Host.Advance(span);

    public void AdvanceMs(double milliseconds) => Host.Advance(TimeSpan.FromMilliseconds(milliseconds));

    public void Dispose() => Host.Dispose();
}
