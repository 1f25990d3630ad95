using System.Buffers.Binary;
using Ginnel.Wire;

namespace Ginnel.Interop.Differential;

/// <summary>What a step became.</summary>
/// <param name="Left">The segment's number, relative to the peer's initial one.</param>
/// <param name="Right">The number behind it.</param>
/// <param name="Next">The next one that was expected of the peer before.</param>
/// <param name="Flags">Its flags.</param>
/// <param name="Acknowledges">Whether its acknowledgment may have been news.</param>
/// <param name="Acknowledgment">What it acknowledges, relative to the system's initial number.</param>
internal sealed record PeerSegment(int Left, int Right, int Next, TcpFlags Flags, bool Acknowledges, int? Acknowledgment)
{
    /// <summary>Whether it is old, and ends exactly where the next one is expected.</summary>
    public bool EndsAtNext => Left < Next && Right == Next;
}

/// <summary>
/// The peer: turns steps into packets and packets into what they mean. It knows what it has sent, so "the next octet" is the same for every
/// system; of the system it knows what it has seen.
/// </summary>
internal sealed class ScriptedPeer(Exchange exchange, IpAddress peer, IpAddress system, ushort peerPort, ushort systemPort)
{
    private const int LargestHole = 60_000;
    private const uint FirstStamp = 1_000_000;
    private readonly List<(int Left, int Right)> _sent = [];
    private readonly SortedDictionary<int, int> _inFlight = [];
    private uint _systemIss = 12_345;
    private bool _knowsSystem;
    private int _next;
    private int? _fin;
    private int _seenEnd;
    private int _edge;
    private int _acknowledged;
    private uint _stamps;
    private uint _lastStamp;
    private bool _stampsOn, _scalingOn, _sackOn;

    /// <summary>The octet of the peer's stream at this place, counted from 0.</summary>
    public static byte PeerOctet(long at) => (byte)(at * 7 + (at >> 8) * 13 + 1);

    /// <summary>The octet of the system's stream at this place.</summary>
    public static byte SystemOctet(long at) => (byte)(at * 11 + (at >> 8) * 5 + 2);

    /// <summary>Whether something was seen that is not acknowledged.</summary>
    public bool SawUnacknowledged => _seenEnd > _acknowledged;

    /// <summary>The oldest number that the peer has not acknowledged.</summary>
    public int Acknowledged => _acknowledged;

    /// <summary>The segment that was built last, unless that was forgotten.</summary>
    public PeerSegment? Built { get; private set; }

    public void Forget() => Built = null;

    public byte[] Build(Step step)
    {
        bool syn = (step.Flags & TcpFlags.Syn) != 0;
        // An old number is one of this connection.
        int relative = Math.Max(0, (step.FromStart ? 0 : _next) + step.Offset);
        if (!syn) step = Lawful(step, relative);
        int? acknowledgment = Acknowledgment(step, IsTaken(step, relative));
        int right = relative + step.Count + (syn ? 1 : 0) + ((step.Flags & TcpFlags.Fin) != 0 ? 1 : 0);
        bool acknowledges = step.Ack is AckField.All or AckField.Part or AckField.Half;
        Built = new PeerSegment(relative, right, _next, step.Flags, acknowledges, acknowledgment);
        byte[] options = Options(step, syn);
        byte[] segment = new byte[TcpHeader.MinimumSize + options.Length + step.Count];
        int shift = _scalingOn && !syn ? exchange.Scale : 0;
        int window = Math.Min(Math.Max(step.Window, _edge - (acknowledgment ?? 0)) + (1 << shift) - 1 >> shift, ushort.MaxValue);
        if (acknowledgment <= _seenEnd) _edge = Math.Max(_edge, acknowledgment.Value + (window << shift));
        new TcpHeader
        {
            SourcePort = peerPort, DestinationPort = systemPort, Sequence = new SequenceNumber(exchange.PeerIss + (uint)relative),
            Acknowledgment = new SequenceNumber(acknowledgment is { } value ? _systemIss + (uint)value : 0),
            Flags = step.Flags | (acknowledgment is null ? 0 : TcpFlags.Ack), Window = (ushort)window,
            UrgentPointer = (ushort)step.Urgent,
        }.Write(segment);
        segment[12] = (byte)((TcpHeader.MinimumSize + options.Length) / 4 << 4);
        options.CopyTo(segment, TcpHeader.MinimumSize);
        int data = TcpHeader.MinimumSize + options.Length;
        for (int i = 0; i < step.Count; i++) segment[data + i] = PeerOctet(relative + (syn ? 1 : 0) + i - 1);
        NoteSent(step, relative, syn, acknowledgment);
        return Wrap(segment);
    }

    /// <summary>A stream has one end, and nothing comes behind it.</summary>
    private Step Lawful(Step step, int relative)
    {
        int end = relative + step.Count;
        if (_fin is { } fin)
        {
            if (relative <= fin && end > fin) step = step with { Count = fin - relative };
            // Later, when all of it was acknowledged, a peer that has gone mad may still send.
            else if (relative > fin && _next <= fin) step = step with { Count = 0 };
            return relative + step.Count == fin ? step : step with { Flags = step.Flags & ~TcpFlags.Fin };
        }
        // Nor does it end before its first octet.
        bool isBehind = end < 1 || _sent.Any(each => each.Right > end);
        return isBehind ? step with { Flags = step.Flags & ~TcpFlags.Fin } : step;
    }

    /// <summary>What the system sent, if it is for this peer.</summary>
    public SentSegment? Understand(byte[] packet)
    {
        if (!RawPacket.TryReadTcp(packet, peer, out TcpView view, out TcpHeader header)) return null;
        if (header.DestinationPort != peerPort || header.SourcePort != systemPort) return null;
        bool syn = header.Has(TcpFlags.Syn), reset = header.Has(TcpFlags.Rst);
        if (syn) LearnSystem(header);
        // The number of a reset for somebody unknown is the acknowledgment that he sent, or zero.
        int sequence = reset && header.Sequence.Value == 0 ? 0 : (int)(header.Sequence.Value - _systemIss);
        SentSegment segment = new()
        {
            Flags = header.Flags & ~TcpFlags.Psh, Sequence = sequence, Length = view.Payload.Length,
            Acknowledgment = header.Has(TcpFlags.Ack) ? (int)(header.Acknowledgment.Value - exchange.PeerIss) : null,
            IsWindowShut = header.Window == 0 && !reset, Mss = header.MaximumSegmentSize, HasScale = header.HasWindowScale,
            SackPermitted = header.SackPermitted, HasStamp = header.HasTimestamps,
            Echo = header.HasTimestamps && header.TimestampEcho != 0 ? (int)(header.TimestampEcho - FirstStamp) : 0,
            Sack = Sacks(header), IsPayloadRight = IsRight(view.Payload, sequence - 1 + (syn ? 1 : 0)),
        };
        if (reset) return segment;
        if (header.HasTimestamps) _lastStamp = header.TimestampValue;
        _seenEnd = Math.Max(_seenEnd, segment.End);
        if (segment.End == segment.Sequence) return segment;
        _inFlight[segment.Sequence] = Math.Max(segment.End, _inFlight.GetValueOrDefault(segment.Sequence));
        return segment;
    }

    private void LearnSystem(in TcpHeader syn)
    {
        if (!_knowsSystem || _systemIss != syn.Sequence.Value)
        {
            // A second connection of the same endpoints begins anew.
            _systemIss = syn.Sequence.Value;
            (_seenEnd, _acknowledged, _edge) = (0, 0, 0);
            if (_knowsSystem && syn.Has(TcpFlags.Ack)) (_next, _fin) = ((int)(syn.Acknowledgment.Value - exchange.PeerIss), null);
            _sent.Clear();
            _inFlight.Clear();
        }
        _knowsSystem = true;
        _stampsOn = syn.HasTimestamps && exchange.Options.Contains((byte)8);
        _scalingOn = syn.HasWindowScale && exchange.Options.Contains((byte)3);
        _sackOn = syn.SackPermitted && exchange.Options.Contains((byte)4);
    }

    private static bool IsRight(ReadOnlySpan<byte> payload, int at)
    {
        for (int i = 0; i < payload.Length; i++) if (payload[i] != SystemOctet(at + i)) return false;
        return true;
    }

    private string Sacks(in TcpHeader header)
    {
        List<string> blocks = [];
        for (int i = 0; i < header.SackCount; i++)
        {
            SackBlock block = header.Sack[i];
            blocks.Add($"{(int)(block.Left.Value - exchange.PeerIss)}-{(int)(block.Right.Value - exchange.PeerIss)}");
        }
        return string.Join(' ', blocks);
    }

    /// <summary>Whether the system may take what the segment says: some of it is in the window, and it is not too old.</summary>
    private bool IsTaken(Step step, int relative)
    {
        if (step.FromStart || _next == 0) return true;
        bool isOld = relative < _next && relative + step.Count + ((step.Flags & TcpFlags.Fin) != 0 ? 1 : 0) <= _next;
        bool isStale = _stampsOn && step.StampShift < -1;
        return !isOld && !isStale && relative <= _next + LargestHole && (step.Flags & (TcpFlags.Rst | TcpFlags.Syn)) == 0;
    }

    private int? Acknowledgment(Step step, bool isTaken)
    {
        int at = step.Ack switch
        {
            AckField.All => _seenEnd,
            AckField.Part => Flight().Skip(step.AckDetail - 1).Select(each => each.Value).FirstOrDefault(_seenEnd),
            AckField.Half => Flight().Where(each => each.Value - each.Key > 1).Select(Middle).FirstOrDefault(_seenEnd),
            AckField.Old => _acknowledged - step.AckDetail,
            AckField.Beyond => _seenEnd + step.AckDetail,
            _ => _acknowledged,
        };
        if (step.Ack == AckField.Absent) return null;
        if (isTaken && at > _acknowledged && at <= _seenEnd) _acknowledged = at;
        return at;
    }

    private int Middle(KeyValuePair<int, int> segment)
    {
        int left = Math.Max(segment.Key, _acknowledged);
        return left + (segment.Value - left) / 2;
    }

    private IEnumerable<KeyValuePair<int, int>> Flight() => _inFlight.Where(each => each.Value > _acknowledged);

    private void NoteSent(Step step, int relative, bool syn, int? acknowledgment)
    {
        if ((step.Flags & TcpFlags.Rst) != 0) return;
        if (syn)
        {
            // A second SYN begins a second connection only if the system answers so; its numbers are the script's affair.
            if (_next == 0) _next = 1;
            return;
        }
        // What the system has to drop has not been sent, as far as "the next octet" goes.
        bool isDropped = step.Ack == AckField.Beyond || step is { Ack: AckField.Old, AckDetail: > 1000 } || acknowledgment < 1;
        if (acknowledgment is null || isDropped || relative > _next + LargestHole || (_stampsOn && step.StampShift < -1)) return;
        int end = relative + step.Count;
        if ((step.Flags & TcpFlags.Fin) != 0) _fin ??= end;
        if (end > relative) _sent.Add((relative, end));
        bool more = true;
        while (more)
        {
            more = false;
            foreach ((int left, int right) in _sent)
            {
                int edge = _fin is { } fin ? Math.Min(right, fin) : right;
                if (left > _next || edge <= _next) continue;
                _next = edge;
                more = true;
            }
        }
        if (_next == _fin) _next++;
    }

    private byte[] Options(Step step, bool syn)
    {
        List<byte> bytes = [];
        uint stamp = (uint)(FirstStamp + ++_stamps + step.StampShift);
        if (syn)
        {
            foreach (byte kind in exchange.Options) AddOption(bytes, kind, stamp);
        }
        else
        {
            if (_stampsOn && !step.LacksStamp) { bytes.AddRange([1, 1]); AddOption(bytes, 8, stamp); }
            if (_sackOn && step.Sacked != 0) AddSack(bytes, step.Sacked, _stampsOn ? 3 : 4);
        }
        while (bytes.Count % 4 != 0) bytes.Add(0);
        return [.. bytes];
    }

    private void AddOption(List<byte> bytes, byte kind, uint stamp)
    {
        switch (kind)
        {
            case 1: bytes.Add(1); break;
            case 2: bytes.AddRange([2, 4, (byte)(exchange.Mss >> 8), (byte)exchange.Mss]); break;
            case 3: bytes.AddRange([3, 3, exchange.Scale]); break;
            case 4: bytes.AddRange([4, 2]); break;
            case 8:
                bytes.AddRange([8, 10]);
                Add(bytes, stamp);
                Add(bytes, _lastStamp);
                break;
            default: bytes.AddRange([kind, 4, 0, 0]); break;
        }
    }

    private void AddSack(List<byte> bytes, int mask, int most)
    {
        List<(int Left, int Right)> blocks = [];
        int bit = 0;
        foreach ((int left, int right) in Flight())
        {
            if ((mask >> bit++ & 1) == 0 || left <= _acknowledged) continue;
            if (blocks.Count > 0 && blocks[^1].Right == left) blocks[^1] = (blocks[^1].Left, right);
            else blocks.Add((left, right));
        }
        if (blocks.Count == 0) return;
        if (blocks.Count > most) blocks.RemoveRange(0, blocks.Count - most);
        bytes.AddRange([1, 1, 5, (byte)(2 + 8 * blocks.Count)]);
        // The latest first, as RFC 2018 section 4 has it; the last is as good as any.
        blocks.Reverse();
        foreach ((int left, int right) in blocks)
        {
            Add(bytes, _systemIss + (uint)left);
            Add(bytes, _systemIss + (uint)right);
        }
    }

    private static void Add(List<byte> bytes, uint value) =>
        bytes.AddRange([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);

    private byte[] Wrap(byte[] segment)
    {
        ulong sum = Checksum.Sum(segment, Checksum.PseudoHeader(peer, system, IpProtocol.Tcp, segment.Length));
        BinaryPrimitives.WriteUInt16BigEndian(segment.AsSpan(16), (ushort)~Checksum.Fold(sum));
        return RawPacket.Build(IpProtocol.Tcp, peer, system, segment);
    }
}
