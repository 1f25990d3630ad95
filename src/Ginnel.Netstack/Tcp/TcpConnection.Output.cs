using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// What is sent, one packet at a time, when the link has room. Theory of operation: nothing is queued; each call looks at the state
/// and builds the most urgent packet: SYN, retransmission, new data with FIN, probe, bare acknowledgment. Every packet acknowledges, so
/// whatever else goes out pays the acknowledgments that are owed.
/// </content>
internal sealed partial class TcpConnection
{
    // IPv4's total length is 16 bits; headers with options are up to 60 + 60 octets.
    private const int LargestSuperSegment = 65_535 - 120;

    private bool _nagle;
    private byte _trafficClass;
    private uint _flowLabel;
    private bool _probeOwed;
    private SequenceNumber _smallSentTo;
    private bool _keepAliveOwed;
    private bool _cwndLimited;
    private Instant _lastSentAt;
    private uint _retransmissions;
    private uint _bytesRetransmitted;
    private uint _segmentsSent;

    /// <summary>Whether <see cref="TransmitNext"/> would send.</summary>
    private bool WantsToSend(Instant now)
    {
        if (State is TcpState.Closed or TcpState.Pending || (_outputAt != Instant.Never && now < _outputAt)) return false;
        if (_synOwed) return true;
        if (State == TcpState.SynSent) return false;
        if (_acksOwed > 0 || _probeOwed || _keepAliveOwed || _lossProbeOwed) return true;
        return MaySend && (TryPickRetransmission(out _, out _) || CanSendNew());
    }

    /// <summary>Builds and sends one packet; false when nothing is to be sent (or no packet buffer is to be had).</summary>
    internal bool TransmitNext(Instant now)
    {
        bool sent = TrySendOne(now);
        Settle(now);
        return sent;
    }

    private bool TrySendOne(Instant now)
    {
        if (State is TcpState.Closed or TcpState.Pending) return false;
        if (_synOwed) return SendSyn(now);
        if (State is TcpState.SynSent) return false;
        if (MaySend && TryPickRetransmission(out SequenceNumber sequence, out int length)) return SendAgain(sequence, length, now);
        if (MaySend && TryPickMtuProbe(now, out length)) return SendMtuProbe(length, now);
        if (MaySend && TryPickNew(out length)) return SendNew(length, now);
        if (_lossProbeOwed && SendLossProbe(now)) return true;
        if (_probeOwed) return SendProbe(now);
        if (_keepAliveOwed) return SendKeepAlive(now);
        return _acksOwed > 0 && SendAck(now);
    }

    private bool SendSyn(Instant now)
    {
        TcpHeader header = NewHeader(Iss, TcpFlags.Syn, now);
        bool answer = State == TcpState.SynReceived;
        // A SYN offers what the options allow; a SYN-ACK only what the SYN offered.
        header.MaximumSegmentSize = (ushort)AnnouncedMss;
        header.SackPermitted = answer ? SackOn : Options.Sack;
        header.HasWindowScale = answer ? ScalingOn : Options.WindowScaling;
        header.WindowScale = RcvScale;
        header.WindowScaleFirst = Options.WindowScaleFirst;
        header.HasTimestamps = answer ? TimestampsOn : Options.Timestamps;
        if (header.HasTimestamps) header.TimestampValue = TimestampNow(now);
        if (answer) header.Flags |= TcpFlags.Ack;
        header.Flags |= EcnOfSyn(answer);
        header.Window = answer ? AdvertiseWindow(onSyn: true) : (ushort)Math.Min(_rcvLimit, ushort.MaxValue);
        if (!TrySend(header, 0, 0, now)) return false;
        NoteSentEcn(header.Flags);
        _synOwed = false;
        _lastSentAt = now;
        // RFC 6298 section 5.1.
        if (_retransmitAt == Instant.Never) _retransmitAt = now + Rtt.Timeout(Options);
        return true;
    }

    /// <summary>Octets that one packet may carry at this segment size: one segment, or many where the link cuts them.</summary>
    private int LargestSend(int segmentSize)
    {
        if (!Route.Interface.SegmentsTcp(IsV4)) return segmentSize;
        // On a link of 65,520 octets one segment is already longer than that, and no super-segment either.
        return Math.Max(segmentSize, LargestSuperSegment / segmentSize * segmentSize);
    }

    private bool CanSendNew() => TryPickNew(out _);

    /// <summary>
    /// How much new data may go out now (RFC 9293 section 3.8.6.2.1, sender's silly window avoidance; section 3.7.4, Nagle), limited by
    /// both windows. True with length 0 for a bare FIN.
    /// </summary>
    private bool TryPickNew(out int length)
    {
        length = 0;
        if (!MaySend || _finSent || IsHeld) return false;
        int unsent = Unsent;
        if (unsent == 0 && !_finQueued) return false;
        if (Congestion is null) BeginToSend();
        int usable = SndUna + SndWnd - SndNxt;
        if (usable <= 0) return false;
        if (unsent == 0) return true;
        int size = DataSegmentSize();
        int window = _frto == FrtoStep.Second ? _frtoRoom : Congestion!.CongestionWindow - Pipe();
        _cwndLimited = window < Math.Min(unsent, usable);
        int room = Math.Min(usable, window);
        if (room <= 0) return false;
        length = Math.Min(Math.Min(unsent, room), LargestSend(size));
        if (length >= size)
        {
            // Whole segments, unless the rest is the end of the data and may go at once.
            bool tail = length == unsent && (!_nagle || _finQueued || MaySendSmall);
            if (!tail) length = length / size * size;
            return true;
        }
        if (length == unsent) return !_nagle || Flight == 0 || _finQueued || MaySendSmall;
        // Less than a segment because the peer's window is small: worth it at half of the largest window seen.
        return length == usable && length >= MaxSndWnd / 2;
    }

    /// <summary>The first octet, or the FIN, waits to be sent.</summary>
    private void BeginToSend()
    {
        Congestion = CongestionControl.Create(Options.CongestionControl);
        Congestion.Start(SegmentSize, Options.InitialWindow, _synRetransmitted);
    }

    private int FirstCongestionWindow =>
        _synRetransmitted ? SegmentSize : CongestionControl.InitialWindow(Options.InitialWindow, SegmentSize);

    // TcpOptions.NagleHoldsSecondSmall: no small segment is in flight.
    private bool MaySendSmall => Options.NagleHoldsSecondSmall && (_smallSentTo <= SndUna || _smallSentTo > SndNxt);

    /// <summary>SACK blocks take room from data while we have holes ourselves, and for a report of what came twice (RFC 6691 section 2).</summary>
    private int DataSegmentSize()
    {
        int blocks = SackOn ? Math.Min(MaxSackBlocks, (OutOfOrder?.Count ?? 0) + (_hasDuplicate ? 1 : 0)) : 0;
        return blocks == 0 ? SegmentSize : SegmentSize - (4 + 8 * blocks);
    }

    private bool SendNew(int length, Instant now, bool isMtuProbe = false)
    {
        if (Flight == 0)
        {
            // RFC 5681 section 4.1: after a pause the acknowledgments that would pace us are gone.
            if (now - _lastSentAt > Rtt.Timeout(Options)) Congestion!.RestartAfterIdle(Options.InitialWindow, now);
            _progressAt = now;
        }
        bool fin = length == Unsent && _finQueued && length < SndUna + SndWnd - SndNxt;
        bool small = length % DataSegmentSize() != 0;
        TcpHeader header = NewHeader(SndNxt, TcpFlags.Ack | Push(SndNxt - SndUna + length, length) | (fin ? TcpFlags.Fin : 0), now);
        // RFC 3168 sections 5.2 and 6.1.2: only what is new data, and whose loss would be taken for congestion, may be marked.
        bool mayBeMarked = MaySetEct && length > 0 && !isMtuProbe;
        if (mayBeMarked && (_ecn & EcnState.CwrOwed) != 0) header.Flags |= TcpFlags.Cwr;
        if (!TrySend(header, SndNxt - SndUna, length, now, mayBeMarked ? EcnCodepoint.Ect0 : EcnCodepoint.NotEct)) return false;
        if (mayBeMarked) NoteCwr();
        SequenceNumber left = SndNxt;
        SndNxt += length + (fin ? 1 : 0);
        if (small) _smallSentTo = SndNxt;
        _finSent |= fin;
        Scoreboard.Sent(left, SndNxt, now, Memory);
        Reduction.Sent(length);
        NoteFlight();
        if (_frto == FrtoStep.Second) _frtoRoom -= length;
        if (_phase == LossPhase.Open) TimeSegment(SndNxt, now);
        AfterSend(now);
        ScheduleLossProbe(now);
        return true;
    }

    private bool SendAgain(SequenceNumber sequence, int length, Instant now)
    {
        int offset = sequence - SndUna;
        int data = Math.Min(length, SendRing.Count - offset);
        // The range may end with our FIN, which has a number but no octet.
        bool fin = _finSent && sequence + length == SndNxt;
        data = Math.Min(data, length - (fin ? 1 : 0));
        TcpHeader header = NewHeader(sequence, TcpFlags.Ack | Push(offset + data, data) | (fin ? TcpFlags.Fin : 0), now);
        if (!TrySend(header, offset, data, now)) return false;
        int segments = Math.Max(1, (data + SegmentSize - 1) / SegmentSize);
        _retransmissions += (uint)segments;
        _bytesRetransmitted += (uint)data;
        Tcp.Context.Counters.Retransmissions += segments;
        NoteRetransmission(sequence, sequence + length, now);
        AfterSend(now);
        return true;
    }

    // RFC 9293 section 3.9.1.2: whatever carries the last octet that waits carries PSH, the first time and every other.
    private TcpFlags Push(int end, int length) => length > 0 && end == SendRing.Count ? TcpFlags.Psh : 0;

    private void AfterSend(Instant now)
    {
        _lastSentAt = now;
        _probeOwed = false;
        if (_retransmitAt == Instant.Never || _isPersisting) _retransmitAt = now + Rtt.Timeout(Options);
        _isPersisting = false;
    }

    /// <summary>A probe with an old number and nothing in it, which the peer must answer (TcpOptions.ProbeBehindWindow).</summary>
    private bool ProbeBehind(Instant now)
    {
        if (!TrySend(NewHeader(SndUna - 1, TcpFlags.Ack, now), 0, 0, now)) return false;
        _probeOwed = false;
        _lastSentAt = now;
        return true;
    }

    /// <summary>
    /// Into a closed window one octet, or the FIN (RFC 9293 section 3.8.6.1); into a window that is only too small for politeness
    /// what it takes (section 3.8.6.2.1, the override timeout). It stays in flight until the peer takes it.
    /// </summary>
    private bool SendProbe(Instant now)
    {
        bool again = Flight > 0;
        int data = again ? SendRing.Count : Unsent;
        if (data == 0 && !_finQueued) { _probeOwed = false; return false; }
        int usable = SndUna + SndWnd - SndNxt;
        if (Options.ProbeBehindWindow && usable <= 0 && !again) return ProbeBehind(now);
        int length = again ? Math.Min(1, data) : Math.Min(data, Math.Clamp(usable, 1, DataSegmentSize()));
        bool fin = length == 0;
        TcpHeader header = NewHeader(again ? SndUna : SndNxt, TcpFlags.Ack | Push(length, length) | (fin ? TcpFlags.Fin : 0), now);
        if (!TrySend(header, 0, length, now)) return false;
        SequenceNumber left = again ? SndUna : SndNxt, end = left + Math.Max(1, length);
        if (again) Scoreboard.SentAgain(left, end, now, Memory);
        else Scoreboard.Sent(left, SndNxt = end, now, Memory);
        _finSent |= fin;
        _probeOwed = false;
        _lastSentAt = now;
        return true;
    }

    /// <summary>A keepalive: nothing, at a number that the peer must answer (RFC 9293 section 3.8.4).</summary>
    private bool SendKeepAlive(Instant now)
    {
        if (!TrySend(NewHeader(SndNxt - 1, TcpFlags.Ack, now), 0, 0, now)) return false;
        _keepAliveOwed = false;
        return true;
    }

    private bool SendAck(Instant now)
    {
        // Each segment out of order deserves an acknowledgment of its own (RFC 5681 section 4.2); the others share one.
        byte owed = OutOfOrder is { IsEmpty: false } ? (byte)(_acksOwed - 1) : (byte)0;
        if (!TrySend(NewHeader(SndNxt, TcpFlags.Ack, now), 0, 0, now)) return false;
        _acksOwed = owed;
        return true;
    }

    private TcpHeader NewHeader(SequenceNumber sequence, TcpFlags flags, Instant now)
    {
        var header = new TcpHeader
        {
            SourcePort = Flow.Local.Port, DestinationPort = Flow.Remote.Port, Sequence = sequence, Flags = flags,
        };
        if (State != TcpState.SynSent) header.Acknowledgment = RcvNxt;
        if ((flags & TcpFlags.Syn) != 0)
        {
            header.TimestampEcho = TsRecent;
            return header;
        }
        if ((_ecn & EcnState.EchoOwed) != 0) header.Flags |= TcpFlags.Ece;
        header.Window = AdvertiseWindow(onSyn: false);
        if (SackOn) FillSack(ref header);
        if (!TimestampsOn) return header;
        header.HasTimestamps = true;
        header.TimestampValue = TimestampNow(now);
        header.TimestampEcho = TsRecent;
        return header;
    }

    /// <summary>Copies the data behind the header and hands the packet to IP.</summary>
    private bool TrySend(in TcpHeader header, int offset, int length, Instant now, EcnCodepoint ecn = EcnCodepoint.NotEct)
    {
        int headerSize = header.Size;
        if (!Tcp.Ip.TryRent(headerSize + length, out Packet packet))
        {
            Tcp.Drop(DropReason.OutOfBuffers);
            _outputAt = now + OutOfBuffersPause;
            return false;
        }
        header.Write(packet.Append(headerSize));
        // Where the link completes checksums nobody needs the sum; elsewhere it comes with the copy.
        bool isPartial = (Route.Interface.Link.Offloads & LinkOffloads.PartialChecksum) != 0;
        ulong sum = 0;
        if (isPartial) SendRing.Read(offset, packet.Append(length));
        else sum = SendRing.ReadSummed(offset, packet.Append(length));
        int size = SndMss - (headerSize - TcpHeader.MinimumSize);
        _segmentsSent += length > size ? (uint)((length + size - 1) / size) : 1;
        if (length > size) packet.Segmentation = new Segmentation(IsV4 ? SegmentationKind.TcpV4 : SegmentationKind.TcpV6, (ushort)size);
        if (header.Has(TcpFlags.Ack))
        {
            LastAckSent = RcvNxt;
            _acksOwed = 0;
            _unackedSegments = 0;
            _ackAt = Instant.Never;
        }
        var send = new IpSend(Flow.Local.Address, Flow.Remote.Address, IpProtocol.Tcp)
        {
            Ecn = ecn, TrafficClass = _trafficClass, FlowLabel = _flowLabel, SummedLength = isPartial ? 0 : length, Sum = sum,
        };
        Tcp.Ip.Send(packet, Route, send, now);
        return true;
    }

    /// <summary>Segment size from the peer's option and the path (RFC 6691, RFC 9293 section 3.7.1).</summary>
    internal void UpdateMss()
    {
        int path = UsableMtu - HeadersOfMtu;
        SndMss = Math.Max(LeastMss, Math.Min(Math.Min(PeerMss, _ownerMss), path));
        if (Congestion is { } congestion) congestion.SegmentSize = SegmentSize;
    }
}
