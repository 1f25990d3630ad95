using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// One connection, pending ones included. Theory of operation: a state machine that is told of segments, requests and deadlines, one
/// at a time, and never sends by itself: it notes what it owes and enters its interface's ready list; when the link has room the
/// layer asks for one packet at a time (<see cref="TransmitNext"/>). So what a link does not take stays here as sequence numbers,
/// one acknowledgment answers a whole batch, and the newest state is what goes out. The variables have the names of RFC 9293
/// section 3.3.1. The parts: Input (section 3.10.7 step by step), FastPath, Handshake, Acknowledgment, Recovery, WithoutSack, Rack,
/// LossProbe, Undo, Ecn, Path, MtuProbing, Text, Window, Output, Timers, Close, Errors, Verbs. Nothing but this object is allocated
/// before the first octet of data; what sending needs, rings and tables come with them.
/// </summary>
internal sealed partial class TcpConnection : StackSocket
{
    internal readonly TcpLayer Tcp;
    internal readonly FlowKey Flow;

    /// <summary>Begun by the peer: it stays on the interface that its SYN came in by, whatever the route table says.</summary>
    internal readonly bool KeepsInterface;

    internal TcpState State;
    internal NetworkFailure Failure;

    /// <summary>The way out, looked up again when retransmission suggests that it changed.</summary>
    internal RouteDecision Route;

    // Send sequence variables. SndNxt never moves back: what is sent again is decided by the scoreboard.
    internal SequenceNumber Iss;

    internal SequenceNumber SndUna;
    internal SequenceNumber SndNxt;
    internal int SndWnd;
    internal SequenceNumber SndWl1;
    internal SequenceNumber SndWl2;
    internal int MaxSndWnd;

    // Receive sequence variables. RcvAdv is the right edge that the peer was told of: RCV.NXT + RCV.WND.
    internal SequenceNumber Irs;
    internal SequenceNumber RcvNxt;
    internal SequenceNumber RcvAdv;
    internal SequenceNumber LastAckSent;

    // What was negotiated on the SYNs.
    internal byte SndScale;
    internal byte RcvScale;
    internal bool TimestampsOn;
    internal bool SackOn;
    internal bool ScalingOn;
    internal uint TsRecent;
    internal Instant TsRecentAt;
    internal uint TimestampOffset;

    /// <summary>The peer's MSS option, or its default (RFC 9293 section 3.7.1).</summary>
    internal int PeerMss;

    /// <summary>Octets per segment towards the peer, before options (RFC 6691).</summary>
    internal int SndMss;

    internal SendRing SendRing;
    internal ReceiveRing ReceiveRing;

    /// <summary>Null before anything is sent, and when nothing will be any more.</summary>
    internal CongestionControl? Congestion;
    private Sending? _sending;
    internal RttEstimator Rtt;
    internal OutOfOrderQueue? OutOfOrder;

    /// <summary>The listener whose backlog holds it; null for active, pending and accepted ones.</summary>
    internal TcpListener? Listener;

    /// <summary>Whether the owner gave the id up; the connection goes on closing by itself.</summary>
    internal bool Released;

    /// <summary>Whether we opened it (RFC 9293: active OPEN).</summary>
    internal bool IsActive;

    // Places in the layer's structures.
    internal TcpConnection? NextReady;
    internal NetworkInterface? ReadyOn;
    internal ConnectionSet? Set;
    internal int SetIndex = -1;
    internal ConnectionList? List;
    internal TcpConnection? Previous;
    internal TcpConnection? Next;

    internal TcpConnection(TcpLayer tcp, in FlowKey flow, in RouteDecision route, bool keepsInterface)
    {
        Tcp = tcp;
        Flow = flow;
        Route = route;
        KeepsInterface = keepsInterface;
        Rtt = new RttEstimator(tcp.Options);
        _rcvLimit = FirstReceiveLimit(AnnouncedMss, tcp);
        LimitReceive(tcp.ReceiveLimit);
        _nagle = tcp.Options.Nagle;
        _keepAliveTime = tcp.Options.KeepAliveTime;
        _trafficClass = tcp.Options.TrafficClass;
    }

    // References into the one object: they are never kept.
    private ref Scoreboard Scoreboard => ref (_sending ??= new Sending()).Scoreboard;
    private ref Rack Rack => ref (_sending ??= new Sending()).Rack;
    private ref GoingBack GoingBack => ref (_sending ??= new Sending()).GoingBack;
    private ref ProportionalReduction Reduction => ref (_sending ??= new Sending()).Reduction;

    /// <summary>
    /// SND.NXT of the former connection of this four-tuple, from which TIME-WAIT was taken over. It stands in ours until that is chosen.
    /// </summary>
    internal SequenceNumber? FormerSndNxt
    {
        init
        {
            if (value is not { } former) return;
            SndNxt = former;
            _hasFormer = true;
        }
    }

    private TcpOptions Options => Tcp.Options;
    private RingMemory Memory => Tcp.Memory;

    /// <summary>Whether sequence numbers are agreed on in both directions (RFC 9293 section 3.5.2).</summary>
    internal bool IsSynchronized => State >= TcpState.Established;

    /// <summary>Whether the peer's data still have a place to go.</summary>
    private bool MayReceive => State is TcpState.Established or TcpState.FinWait1 or TcpState.FinWait2;

    /// <summary>Whether data can still be sent: our FIN is not acknowledged.</summary>
    private bool MaySend => State is TcpState.Established or TcpState.CloseWait or TcpState.FinWait1
        or TcpState.Closing or TcpState.LastAck;

    /// <summary>Octets of sequence space in flight, FIN included.</summary>
    private int Flight => SndNxt - SndUna;

    /// <summary>Written octets that were never sent.</summary>
    private int Unsent => SendRing.Count - (Flight - (_finSent ? 1 : 0));

    /// <summary>Tells the owner, if there is one who knows the id.</summary>
    private void Raise(SocketEvents events)
    {
        if (!Released && Listener is null) Tcp.Context.Events.Raise(this, events);
    }

    /// <summary>After anything happened: timers and the ready list follow from the state.</summary>
    internal void Settle(Instant now)
    {
        if (State == TcpState.Closed) return;
        SettleTimers(now);
        if (WantsToSend(now)) Tcp.MarkReady(this);
    }

    internal TcpInfo Info() => new(
        State, Flow.Local, Flow.Remote, Congestion?.CongestionWindow ?? (MaySend ? FirstCongestionWindow : 0),
        Congestion?.SlowStartThreshold ?? int.MaxValue, Rtt.Smoothed, Rtt.Variation, Rtt.Timeout(Options),
        SndMss, Flight, SndWnd, RcvAdv - RcvNxt, TimestampsOn, SackOn, SndScale, RcvScale,
        _bytesSent, _bytesReceived, _retransmissions, SendRing.Count, ReceiveRing.Readable)
    {
        Loss = LossState, BytesSacked = _sending?.Scoreboard.Sacked ?? 0, BytesLost = _sending?.Scoreboard.Lost ?? 0,
        BytesSentAgain = _sending?.Scoreboard.SentAgainInFlight ?? 0,
        LeastRoundTrip = _sending?.Rack.LeastRoundTrip ?? default, Expiries = Rtt.Expiries, AnnouncedMss = AnnouncedMss, PathMtu = Route.PathMtu,
        Ecn = EchoesMarks, EcnSeen = (_ecn & EcnState.Seen) != 0, BytesRetransmitted = _bytesRetransmitted,
        SegmentsReceived = _segmentsReceived, SegmentsSent = _segmentsSent, DuplicatesReported = _duplicatesReported,
        ReorderingSeen = _sending?.Rack.ReorderingSeen ?? false, Probes = _isPersisting ? Rtt.Expiries : _keepAliveSent,
    };
}
