using System.Buffers.Binary;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel.Testing;

/// <summary>One direction of a link: a queue before a serialiser, then a wire on which packets travel and suffer.</summary>
internal sealed class LinkDirection(SimulatedLinkOptions options, PacketPool pool, SeededRandom random)
{
    private const int EthernetHeader = 14;

    private readonly PriorityQueue<Packet, (Instant Arrival, long Order)> _travelling = new();
    private readonly SegmentCoalescer _coalescer = new(IpOffset(options), datagrams: true);
    private SimulatedLinkOptions _options = options;
    private Instant _wireFree;
    private Instant _lastArrival;
    private bool _inBurst;
    private long _order;

    internal LinkCounters Counters { get; } = new();

    /// <summary>Replaces the treatment of packets that enter from now on.</summary>
    internal SimulatedLinkOptions Options
    {
        get => _options;
        set => _options = value;
    }

    internal bool IsEmpty => _travelling.Count == 0;

    internal Instant NextArrival => _travelling.TryPeek(out _, out (Instant Arrival, long Order) key) ? key.Arrival : Instant.Never;

    internal static int IpOffset(SimulatedLinkOptions options) => options.Medium == LinkMedium.Ethernet ? EthernetHeader : 0;

    /// <summary>Whether the sender may be asked for a packet.</summary>
    internal bool HasRoom(Instant now) => !_options.BackPressure || WaitingBytes(now) < _options.QueueBytes;

    /// <summary>When there will be room again.</summary>
    internal Instant NextRoom(Instant now)
    {
        if (HasRoom(now)) return now;
        long tooMany = WaitingBytes(now) - _options.QueueBytes + 1;
        return now + SerialisationTime(tooMany);
    }

    /// <summary>Takes a packet from the sender. The packet is the wire's from here on.</summary>
    internal void Enter(Packet packet, Instant now)
    {
        if (!_options.SplitOnWire)
        {
            EnterWire(packet, now);
            return;
        }
        PacketQueue pieces = default;
        DropReason reason = SegmentSplitter.Split(packet, IpOffset(_options), partialChecksums: false, ref pieces);
        if (reason != DropReason.None) throw new InvalidOperationException($"A super-segment that cannot be cut was sent: {reason}.");
        while (pieces.Take() is { } piece)
        {
            // Behind a wire nobody may believe a checksum without looking.
            piece.Checksum = ChecksumState.Unverified;
            EnterWire(piece, now);
        }
    }

    /// <summary>Everything that has arrived by now, in order of arrival.</summary>
    internal void TakeArrived(Instant now, ref PacketQueue batch)
    {
        while (_travelling.TryPeek(out Packet? packet, out (Instant Arrival, long Order) key) && key.Arrival <= now)
        {
            _travelling.Dequeue();
            Counters.Delivered++;
            batch.Add(packet);
        }
        if (_options.CoalesceOnArrival) _coalescer.Coalesce(ref batch);
    }

    /// <summary>The wire is cut: what travels is lost.</summary>
    internal void Sever()
    {
        while (_travelling.TryDequeue(out Packet? packet, out _))
        {
            Counters.Severed++;
            packet.Return();
        }
    }

    private void EnterWire(Packet packet, Instant now)
    {
        Counters.Sent++;
        Counters.SentBytes += packet.Length;
        if (!_options.BackPressure && _options.BitsPerSecond > 0 && WaitingBytes(now) + packet.Length > _options.QueueBytes)
        {
            Counters.Overflowed++;
            packet.Return();
            return;
        }
        bool isCrowded = _options.MarkAboveBytes > 0 && WaitingBytes(now) > _options.MarkAboveBytes;
        Instant departure = Serialise(packet.Length, now);
        if (_options.SparesResolution && IsResolution(packet.Span))
        {
            Travel(packet, departure);
            return;
        }
        bool meetsCongestion = isCrowded || (_options.Marking > 0 && random.Chance(_options.Marking));
        bool isMarked = meetsCongestion && EcnField.TryMark(packet.Span[Math.Min(IpOffset(_options), packet.Length)..]);
        if (isMarked) Counters.Marked++;
        if (meetsCongestion && !isMarked || IsLost())
        {
            Counters.Lost++;
            packet.Return();
            return;
        }
        Packet? copy = random.Chance(_options.Duplication) ? Duplicate(packet) : null;
        if (random.Chance(_options.Corruption)) Corrupt(packet);
        Travel(packet, departure);
        if (copy is not null) Travel(copy, departure);
    }

    // ARP, or ICMPv6 types 133 to 137 in a frame without extension headers.
    private bool IsResolution(ReadOnlySpan<byte> frame)
    {
        if (_options.Medium != LinkMedium.Ethernet || frame.Length <= EthernetHeader) return false;
        EtherType type = (EtherType)BinaryPrimitives.ReadUInt16BigEndian(frame[12..]);
        return type == EtherType.Arp || (type == EtherType.IpV6 && frame.Length > 54 && frame[20] == (byte)IpProtocol.IcmpV6 && frame[54] is >= 133 and <= 137);
    }

    private Instant Serialise(int length, Instant now)
    {
        if (_options.BitsPerSecond == 0) return now;
        Instant start = _wireFree > now ? _wireFree : now;
        return _wireFree = start + SerialisationTime(length);
    }

    private TimeSpan SerialisationTime(long bytes) =>
        _options.BitsPerSecond == 0 ? TimeSpan.Zero : TimeSpan.FromTicks((long)Math.Ceiling(bytes * 8.0 * TimeSpan.TicksPerSecond / _options.BitsPerSecond));

    private long WaitingBytes(Instant now) =>
        _wireFree <= now ? 0 : (long)((_wireFree - now).Ticks * (double)_options.BitsPerSecond / 8 / TimeSpan.TicksPerSecond);

    private bool IsLost()
    {
        if (_inBurst)
        {
            if (random.Chance(1 / Math.Max(1, _options.BurstLength))) _inBurst = false;
            return true;
        }
        if (random.Chance(_options.BurstLoss))
        {
            _inBurst = !random.Chance(1 / Math.Max(1, _options.BurstLength));
            return true;
        }
        return random.Chance(_options.Loss);
    }

    private void Travel(Packet packet, Instant departure)
    {
        Instant arrival = departure + _options.Delay + random.NextTime(_options.Jitter);
        if (random.Chance(_options.Reordering))
        {
            Counters.Reordered++;
            arrival += random.NextTime(_options.ReorderDelay);
        }
        else
        {
            if (arrival < _lastArrival) arrival = _lastArrival;
            _lastArrival = arrival;
        }
        _travelling.Enqueue(packet, (arrival, _order++));
    }

    private Packet? Duplicate(Packet packet)
    {
        if (!packet.TryCopy(pool, out Packet? copy)) return null;
        Counters.Duplicated++;
        return copy;
    }

    private void Corrupt(Packet packet)
    {
        int ipOffset = IpOffset(_options);
        Span<byte> bytes = packet.Span;
        bool isArp = ipOffset > 0 && bytes is [_, _, _, _, _, _, _, _, _, _, _, _, 0x08, 0x06, ..];
        if (isArp || bytes.Length <= ipOffset) return;
        if (PacketChecksum.Complete(packet, ipOffset) != DropReason.None) return;
        packet.Checksum = ChecksumState.Unverified;
        int bit = random.Next(ipOffset * 8, bytes.Length * 8 - 1);
        bytes[bit / 8] ^= (byte)(1 << bit % 8);
        Counters.Corrupted++;
    }
}
