using System.Numerics;
using System.Runtime.CompilerServices;
using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>
/// TCP of one stack. Theory of operation: a segment is checked once, then belongs to a connection (flow table), a listener, any-IP mode,
/// or nobody (RFC 9293 section 3.10.7.1: reset). What is to be sent is pulled: connections stand in their interface's ready list, and
/// <see cref="TransmitOne"/> asks the first for one packet and puts it behind the others, so that each gets its turn.
/// </summary>
internal sealed partial class TcpLayer
{
    private readonly FlowTable _flows;
    private readonly ListenerTable _listeners = new();
    private readonly ConnectionList _timeWait = new();
    private readonly ConnectionSet _pending = new();
    private readonly ConnectionList _answered = new();
    private readonly RefusedSyns _refused;

    internal TcpLayer(StackContext context, IpLayer ip)
    {
        Context = context;
        Ip = ip;
        Options = context.Options.Tcp;
        Check(Options);
        Memory = new RingMemory(context);
        Isn = new IsnGenerator(context.Hash);
        Cookies = new SynCookies(context.Hash, Isn);
        _refused = new RefusedSyns(context.Hash);
        ChallengeAcks = new ChallengeAckLimiter(context.Entropy);
        _flows = new FlowTable(context.Entropy);
        SendLimit = RingSize(Options.SendBuffer);
        ReceiveLimit = RingSize(Options.ReceiveBuffer);
        // RFC 7323 section 2.3: the smallest shift with which the largest buffer can be told.
        while (WindowScale < 14 && ReceiveLimit >> WindowScale > ushort.MaxValue) WindowScale++;
    }

    internal StackContext Context { get; }
    internal IpLayer Ip { get; }
    internal TcpOptions Options { get; }
    internal RingMemory Memory { get; }
    internal IsnGenerator Isn { get; }
    internal SynCookies Cookies { get; }
    internal ChallengeAckLimiter ChallengeAcks { get; }

    /// <summary>Connections in every state.</summary>
    internal int ConnectionCount => _flows.Count;

    /// <summary>Bytes of the largest send ring.</summary>
    internal int SendLimit { get; }

    /// <summary>Bytes of the largest receive ring.</summary>
    internal int ReceiveLimit { get; }

    /// <summary>The window scale that we offer.</summary>
    internal byte WindowScale { get; }

    private static int RingSize(int option) =>
        (int)Math.Clamp(BitOperations.RoundUpToPowerOf2((uint)option), RingMemory.Smallest, 1u << 29);

    /// <summary>Longer than this no timer may be: sums of instants stay far from the end of time.</summary>
    internal static readonly TimeSpan LongestSpan = TimeSpan.FromDays(366);

    private static void Check(TcpOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.SendBuffer, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.ReceiveBuffer, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.InitialWindow, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxOutOfOrderRanges, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(options.MaxTimeWait);
        ArgumentOutOfRangeException.ThrowIfNegative(options.KeepAliveProbes);
        // RFC 9293 section 3.8.6.3: a delay must be below half a second.
        CheckSpan(options.DelayedAck, TimeSpan.Zero, TimeSpan.FromMilliseconds(500));
        CheckSpan(options.MinRetransmitTimeout, TimeSpan.FromMilliseconds(1), options.MaxRetransmitTimeout);
        CheckSpan(options.InitialRetransmitTimeout, TimeSpan.FromMilliseconds(1), options.MaxRetransmitTimeout);
        TimeSpan year = LongestSpan;
        TimeSpan least = TimeSpan.FromMilliseconds(1);
        CheckSpan(options.MaxRetransmitTimeout, least, year);
        CheckSpan(options.GiveUpAfter, least, year);
        CheckSpan(options.ConnectTimeout, least, year);
        CheckSpan(options.PendingTimeout, least, year);
        CheckSpan(options.KeepAliveInterval, least, year);
        CheckSpan(options.KeepAliveTime, TimeSpan.Zero, year);
        CheckSpan(options.TimeWait, TimeSpan.Zero, year);
        CheckSpan(options.FinWait2, TimeSpan.Zero, year);
    }

    private static void CheckSpan(
        TimeSpan value, TimeSpan least, TimeSpan most, [CallerArgumentExpression(nameof(value))] string? name = null)
    {
        if (value < least || value > most) throw new ArgumentOutOfRangeException(name, value, $"Must be between {least} and {most}.");
    }

    internal void Drop(DropReason reason) => Context.Drop(reason);

    /// <summary>A segment from IP. Whatever it holds, nothing is thrown.</summary>
    internal void Receive(in ReceivedPacket packet, Instant now)
    {
        DropReason reason = TryView(packet, out TcpView view);
        if (reason != DropReason.None) { Drop(reason); return; }
        var local = new IpEndpoint(packet.Destination, view.DestinationPort);
        var remote = new IpEndpoint(packet.Source, view.SourcePort);
        TcpConnection? connection = _flows.Find(local, remote);
        if (connection is not null && connection.TryPredicted(packet, view, now)) return;
        reason = TryRead(packet, view, out TcpSegment segment);
        if (reason != DropReason.None) { Drop(reason); return; }
        // Attack case C15: a segment from an endpoint to itself (LAND) would make us talk to ourselves for ever.
        if (local == remote) { Drop(DropReason.BadSource); return; }
        SequenceNumber? former = null;
        if (connection is not null && connection.YieldsTo(segment) && HasTaker(packet, local))
        {
            former = connection.SndNxt;
            connection.Finish(NetworkFailure.None, now);
            connection = null;
        }
        if (connection is not null) { connection.SegmentArrives(ref segment, now); return; }
        ListenArrives(packet, ref segment, new FlowKey(IpProtocol.Tcp, local, remote), former, now);
    }

    private static DropReason TryView(in ReceivedPacket packet, out TcpView view)
    {
        view = default;
        // RFC 9293 section 3.9.2.3: broadcast and multicast are nothing for TCP.
        if (packet.IsBroadcast || packet.Destination.IsMulticast) return DropReason.BadDestination;
        if (packet.Source.IsMulticast || packet.Source.IsLimitedBroadcast || packet.Source.IsUnspecified) return DropReason.BadSource;
        return TcpView.TryParse(packet.Transport, out view);
    }

    private static DropReason TryRead(in ReceivedPacket packet, in TcpView view, out TcpSegment segment)
    {
        segment = default;
        if (packet.Checksum == ChecksumState.Unverified
            && !Checksum.Verify(packet.Source, packet.Destination, IpProtocol.Tcp, packet.Transport))
            return DropReason.BadChecksum;
        DropReason reason = TcpHeader.Read(view, out TcpHeader header);
        if (reason != DropReason.None) return reason;
        if (header.SourcePort == 0 || header.DestinationPort == 0) return DropReason.BadField;
        segment = new TcpSegment
        {
            Header = header,
            Sequence = header.Sequence,
            Payload = view.Payload,
            Fin = header.Has(TcpFlags.Fin),
            Count = packet.Segmentation.Count(view.Payload.Length),
            Ecn = packet.Ecn,
        };
        return DropReason.None;
    }

    /// <summary>An ICMP error about a flow of ours (RFC 9293 section 3.9.2.2, RFC 5927).</summary>
    internal void ReceiveError(in IcmpError error, Instant now)
    {
        if (_flows.Find(error.Flow.Local, error.Flow.Remote) is { } connection) connection.IcmpArrives(error, now);
        else Drop(DropReason.IcmpNotOurs);
    }

    /// <summary>
    /// Builds at most one packet of the interface's first ready connection and passes it to <see cref="IpLayer.Send"/>. False: none is
    /// ready.
    /// </summary>
    internal bool TransmitOne(NetworkInterface to, Instant now)
    {
        while (to.FirstReady is { } connection)
        {
            to.FirstReady = connection.NextReady;
            if (to.FirstReady is null) to.LastReady = null;
            connection.NextReady = null;
            connection.ReadyOn = null;
            if (ReferenceEquals(connection.Route.Interface, to))
            {
                if (connection.TransmitNext(now)) return true;
            }
            // Its way out has changed since it got ready.
            else connection.Settle(now);
        }
        return false;
    }

    /// <summary>Puts a connection into its interface's ready list, once.</summary>
    internal void MarkReady(TcpConnection connection)
    {
        if (connection.ReadyOn is not null) return;
        NetworkInterface to = connection.Route.Interface;
        connection.ReadyOn = to;
        if (to.LastReady is { } last) last.NextReady = connection; else to.FirstReady = connection;
        to.LastReady = connection;
    }

    /// <summary>The link under an interface came up, went down or changed its MTU.</summary>
    internal void LinkChanged(NetworkInterface changed, Instant now)
    {
        foreach (TcpConnection connection in _flows.Snapshot())
        {
            if (ReferenceEquals(connection.Route.Interface, changed)) connection.LinkChanged(now);
        }
    }

    /// <summary>The memory limit was raised.</summary>
    internal void MemoryChanged() => Memory.WakeWaiters();

    /// <summary>Takes a connection out of every structure but the socket table.</summary>
    internal void Forget(TcpConnection connection)
    {
        LeaveSet(connection);
        Completed(connection);
        connection.List?.Remove(connection);
        _flows.Remove(connection);
        Context.Timers.Remove(connection);
    }

    /// <summary>Keeps TIME-WAIT bounded: the oldest gives way.</summary>
    internal void EnterTimeWait(TcpConnection connection, Instant now)
    {
        // Not yet accepted ones stand in their listener's queue and are bounded by it.
        if (connection.List is not null) return;
        _timeWait.Add(connection);
        if (_timeWait.Count > Options.MaxTimeWait) _timeWait.First!.Finish(NetworkFailure.None, now);
    }
}
