using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// From the first SYN to ESTABLISHED: active and passive open, simultaneous open, and the pending connection of any-IP mode, which is
/// a passive open whose SYN-ACK waits for the shell's decision.
/// </content>
internal sealed partial class TcpConnection
{
    /// <summary>Least MSS we believe: below it a peer could make us send a packet for every few octets (attack case C10). With the
    /// longest options there is still room for 48 octets of data.</summary>
    internal const int LeastMss = 88;

    // RFC 9293 section 3.7.1: what a SYN without MSS option means.
    private const int DefaultMssV4 = 536;
    private const int DefaultMssV6 = 1220;

    private bool _synOwed;
    private bool _synRetransmitted;
    private bool _synUntimed;
    private bool _hasFormer;

    private bool IsV4 => Flow.Remote.Address.IsV4;

    /// <summary>The longest segment that the owner wants, in either direction; 65,535 unless said (RFC 9293 section 3.9.1.1).</summary>
    private ushort _ownerMss = ushort.MaxValue;

    /// <summary>The MSS that we tell: what our link takes, without options (RFC 6691), and no more than the owner wants.</summary>
    private int AnnouncedMss => AnnouncedMssOn(Route.Interface, IsV4, _ownerMss);

    internal static int AnnouncedMssOn(NetworkInterface on, bool v4, int most) => Math.Clamp(on.Link.Mtu - (v4 ? 40 : 60), LeastMss, most);

    /// <summary>The segment size that a SYN offers, or what its silence means (RFC 9293 section 3.7.1).</summary>
    internal static int OfferedMss(in TcpHeader syn, bool v4) =>
        syn.MaximumSegmentSize == 0 ? (v4 ? DefaultMssV4 : DefaultMssV6) : Math.Max((int)syn.MaximumSegmentSize, LeastMss);

    /// <summary>Bounds segments of both directions; those of the peer only until our SYN has told him.</summary>
    internal void LimitMss(int octets)
    {
        _ownerMss = (ushort)octets;
        UpdateMss();
    }

    /// <summary>Active OPEN (RFC 9293 section 3.10.1).</summary>
    internal void Open(Instant now)
    {
        IsActive = true;
        State = TcpState.SynSent;
        PeerMss = IsV4 ? DefaultMssV4 : DefaultMssV6;
        UpdateMss();
        BeginSending(now);
        Settle(now);
    }

    /// <summary>A SYN for a listener or for any-IP mode: note what it says (RFC 9293 section 3.10.7.2).</summary>
    internal void NoteSyn(in TcpSegment segment, Instant now)
    {
        // Any-IP mode: another attempt from the same port asks anew.
        if (State == TcpState.Pending && Irs != segment.Header.Sequence) _ecn = EcnState.None;
        Irs = segment.Header.Sequence;
        RcvNxt = Irs + 1;
        RcvAdv = RcvNxt;
        LearnOptions(segment, now);
        LearnEcn(segment);
        SndWnd = segment.Header.Window;
        MaxSndWnd = SndWnd;
        SndWl1 = Irs;
        _lastHeardAt = now;
    }

    /// <summary>
    /// Answers the noted SYN: SYN-RECEIVED. Data on the SYN are not taken; the peer sends them again (section 3.10.7.2 allows it).
    /// </summary>
    internal void AnswerSyn(Instant now)
    {
        State = TcpState.SynReceived;
        BeginSending(now);
        if (!ScalingOn) RcvScale = 0;
        SndWl2 = Iss;
        Settle(now);
    }

    /// <summary>
    /// The SYN was answered with a cookie, and <see cref="NoteSyn"/> was told of it again: SYN-RECEIVED, as if the SYN-ACK had just left. When is
    /// not known, so it is no measure of the round trip. The window that it told is not taken back.
    /// </summary>
    internal void ResumeFromCookie(SequenceNumber iss, Instant now)
    {
        State = TcpState.SynReceived;
        BeginSending(now);
        if (!ScalingOn) RcvScale = 0;
        SndUna = SndWl2 = Iss = iss;
        SndNxt = Iss + 1;
        ResetRecovery();
        RcvAdv = RcvNxt + Math.Min(FirstReceiveLimit(AnnouncedMss, ReceiveMost), ushort.MaxValue);
        LastAckSent = RcvNxt;
        NoteSentEcn(EcnOfSyn(answer: true));
        _synOwed = false;
        _synUntimed = true;
    }

    /// <summary>When its SYN was answered, as long as its handshake is not completed.</summary>
    internal Instant AnsweredAt => _progressAt;

    private void BeginSending(Instant now)
    {
        (Iss, TimestampOffset) = Tcp.Isn.Next(Flow, now);
        _flowLabel = Tcp.Context.FlowLabels.Of(Flow);
        // RFC 9293 section 3.6.1: beyond everything of the connection before, which a fast sender has carried past the clock.
        if (_hasFormer && Iss <= SndNxt + ushort.MaxValue)
            Iss = SndNxt + ushort.MaxValue + (int)Tcp.Context.Entropy.Next(1 << 16);
        SndUna = Iss;
        SndNxt = Iss + 1;
        ResetRecovery();
        _synOwed = true;
        _progressAt = now;
        // Begun while the link is down: the SYN waits for the link, and so does the patience.
        if (!Route.Interface.IsUp) _downSince = now;
        RcvScale = Tcp.WindowScale;
    }

    private void LearnOptions(in TcpSegment segment, Instant now)
    {
        TcpHeader header = segment.Header;
        PeerMss = OfferedMss(header, IsV4);
        UpdateMss();
        // RFC 7323 section 2.3: more than 14 means 14 (attack case C17).
        ScalingOn = header.HasWindowScale && Options.WindowScaling;
        SndScale = ScalingOn ? Math.Min(header.WindowScale, (byte)14) : (byte)0;
        SackOn = header.SackPermitted && Options.Sack;
        TimestampsOn = header.HasTimestamps && Options.Timestamps;
        if (!TimestampsOn) return;
        TsRecent = header.TimestampValue;
        TsRecentAt = now;
    }

    /// <summary>SEGMENT ARRIVES in SYN-SENT (section 3.10.7.3).</summary>
    private void SynSentArrives(ref TcpSegment segment, Instant now)
    {
        SequenceNumber acknowledgment = segment.Header.Acknowledgment;
        bool hasAck = segment.Has(TcpFlags.Ack);
        if (hasAck && (acknowledgment <= Iss || acknowledgment > SndNxt))
        {
            Tcp.Drop(DropReason.BadAcknowledgment);
            if (!segment.Has(TcpFlags.Rst)) Tcp.SendReset(Flow, Route, acknowledgment, now);
            return;
        }
        if (segment.Has(TcpFlags.Rst))
        {
            // Only a reset that acknowledges our SYN can be the peer's answer to it.
            if (hasAck) Finish(NetworkFailure.Refused, now); else Tcp.Drop(DropReason.BadFlags);
            return;
        }
        if (!segment.Has(TcpFlags.Syn)) { Tcp.Drop(DropReason.BadFlags); return; }
        NoteSyn(segment, now);
        // Our SYN has already told a window.
        RcvAdv = RcvNxt + Math.Min(_rcvLimit, ushort.MaxValue);
        if (!ScalingOn) RcvScale = 0;
        if (!hasAck)
        {
            // Simultaneous open (section 3.5, figure 7): the SYN goes out again, this time with an acknowledgment.
            State = TcpState.SynReceived;
            _synOwed = true;
            return;
        }
        if (!_synRetransmitted) Rtt.Sample(now - _lastSentAt, Options);
        SndUna = acknowledgment;
        SndWl2 = acknowledgment;
        BecomeEstablished(now);
        OweAck();
        // Data and FIN on a SYN-ACK are legal, and are taken as if they had come in a segment of their own.
        segment.TrimFront(RcvNxt);
        segment.TrimBack(RcvAdv);
        LearnFin(segment, now);
        CheckText(ref segment, now);
        if (State != TcpState.Closed) CheckFin(now);
    }

    private void BecomeEstablished(Instant now)
    {
        State = TcpState.Established;
        _synOwed = false;
        if (!ScalingOn) RcvScale = 0;
        MaxSndWnd = Math.Max(MaxSndWnd, SndWnd);
        _progressAt = now;
        _lastHeardAt = now;
        _retransmitAt = Instant.Never;
        if (_synRetransmitted) Rtt.AfterLostSyn();
        if (_finQueued) State = TcpState.FinWait1;
        if (_windowAwaitsMemory && !AwaitsMemory) ReopenWindow();
        if (Listener is { } listener) listener.Established(this);
        else
        {
            Tcp.Completed(this);
            Raise(SocketEvents.Connected | SocketEvents.Writable);
        }
    }

    /// <summary>The owner takes it from the backlog and learns what has happened meanwhile.</summary>
    internal void Accepted()
    {
        Listener = null;
        SocketEvents events = SocketEvents.Connected | SocketEvents.Writable;
        if (ReceiveRing.Readable > 0) events |= SocketEvents.Readable;
        if (_peerFinKnown && !MayReceive) events |= SocketEvents.PeerClosed | SocketEvents.Readable;
        Raise(events);
    }

    /// <summary>Whether this is the SYN again that brought us to SYN-RECEIVED: its SYN-ACK was lost.</summary>
    private bool IsRepeatedSyn(in TcpSegment segment) =>
        State == TcpState.SynReceived && segment.Header.Sequence == Irs
        && (segment.Header.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Rst)) == TcpFlags.Syn;

    private void AcceptSimultaneous(ref TcpSegment segment)
    {
        if (!segment.Has(TcpFlags.Ack) || segment.Header.Acknowledgment != SndNxt) return;
        LearnEcn(segment);
        // From here on they would be an echo and its answer.
        segment.Header.Flags &= ~EcnFlags;
        segment.TrimFront(RcvNxt);
        OweAck();
    }

    private void RepeatSynAck(in TcpSegment segment, Instant now)
    {
        // RFC 3168 section 6.1.1.1: what is repeated may no longer ask for ECN.
        LearnEcn(segment);
        // The timer repeats it anyway; an answer to each copy would let a flood of copies be reflected.
        if (now < _challengeAt) return;
        _challengeAt = now + ChallengeAckLimiter.PerConnection;
        _synOwed = true;
        _synRetransmitted = true;
    }

    /// <summary>SEGMENT ARRIVES for a pending connection: a repeated SYN joins it, a reset ends it.</summary>
    private void PendingArrives(ref TcpSegment segment, Instant now)
    {
        if (segment.Has(TcpFlags.Rst))
        {
            // The peer gave up: its reset has the number of its SYN or the one after.
            if (segment.Sequence == Irs || segment.Sequence == RcvNxt) Finish(NetworkFailure.Reset, now);
            else Tcp.Drop(DropReason.OutOfWindow);
            return;
        }
        if ((segment.Header.Flags & (TcpFlags.Syn | TcpFlags.Ack | TcpFlags.Fin)) != TcpFlags.Syn)
        {
            Tcp.Drop(DropReason.BadFlags);
            return;
        }
        // The same SYN again, or a new attempt from the same port: the latest one is answered.
        NoteSyn(segment, now);
    }

    /// <summary>The shell refuses a pending connection (design, section 4): RST, ICMP or silence.</summary>
    internal void Reject(NetworkFailure reason, Instant now)
    {
        switch (reason)
        {
            case NetworkFailure.None or NetworkFailure.TimedOut or NetworkFailure.Evicted or NetworkFailure.PacketTooBig: break;
            case NetworkFailure.Refused or NetworkFailure.Reset or NetworkFailure.Aborted: Tcp.SendResetTo(Flow, Route, RcvNxt, now); break;
            default: SendUnreachable(reason, now); break;
        }
    }

    private void SendUnreachable(NetworkFailure reason, Instant now)
    {
        // ICMP quotes the first eight octets at least (RFC 792); those of the SYN are rebuilt from what was noted.
        Span<byte> quote = stackalloc byte[TcpHeader.MinimumSize];
        var syn = new TcpHeader
        {
            SourcePort = Flow.Remote.Port, DestinationPort = Flow.Local.Port, Sequence = Irs, Flags = TcpFlags.Syn,
            Window = (ushort)Math.Min(SndWnd, ushort.MaxValue),
        };
        syn.Write(quote);
        Tcp.Ip.SendUnreachable(Route.Interface, Flow, quote, reason, 0, now);
    }
}
