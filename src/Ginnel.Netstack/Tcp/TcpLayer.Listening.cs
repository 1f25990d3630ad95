using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Segments that belong to no connection: to a listener (RFC 9293 section 3.10.7.2), to any-IP mode, or to nobody (section 3.10.7.1).
/// Own listeners come first.
/// </content>
internal sealed partial class TcpLayer
{
    // Of an accepted one in any-IP mode: its SYN-ACK has been repeated after one, three and seven seconds.
    private static readonly TimeSpan HandshakePatience = TimeSpan.FromSeconds(10);

    private bool HasTaker(in ReceivedPacket packet, in IpEndpoint local) =>
        packet.Interface.AnyIp || FindListener(packet, local) is not null;

    /// <summary>A listener for all addresses means all own ones; one for a foreign address is meant as it stands, in any-IP mode.</summary>
    private TcpListener? FindListener(in ReceivedPacket packet, in IpEndpoint local) =>
        packet.IsForOwnAddress ? _listeners.Find(local) : _listeners.FindExact(local);

    private void ListenArrives(in ReceivedPacket packet, ref TcpSegment segment, in FlowKey flow, SequenceNumber? former, Instant now)
    {
        TcpListener? listener = FindListener(packet, flow.Local);
        if (listener is null && !packet.Interface.AnyIp)
        {
            Drop(DropReason.NoListener);
            Refuse(packet, segment, flow, now);
            return;
        }
        if (segment.Has(TcpFlags.Rst)) { Drop(DropReason.NoListener); return; }
        if (segment.Has(TcpFlags.Ack))
        {
            if (listener is not null && TakesCookie(listener, packet, ref segment, flow, now)) return;
            Drop(DropReason.NoListener);
            Refuse(packet, segment, flow, now);
            return;
        }
        // Neither SYN nor ACK, or SYN with FIN: nothing that an honest peer sends (attack case C15).
        if (!segment.Has(TcpFlags.Syn) || segment.Has(TcpFlags.Fin)) { Drop(DropReason.BadFlags); return; }
        if (listener is not null) OpenPassively(listener, packet, segment, flow, former, now);
        else OpenPending(packet, segment, flow, former, now);
    }

    /// <summary>
    /// An answer leaves by the interface that the question came in by: with several, the route table may know no way back, or another
    /// one, and the peer there is waiting here.
    /// </summary>
    private RouteDecision WayBack(in ReceivedPacket packet, in FlowKey flow) =>
        Ip.RouteVia(packet.Interface, flow.Local.Address, flow.Remote.Address);

    private void OpenPassively(
        TcpListener listener, in ReceivedPacket packet, in TcpSegment segment, in FlowKey flow, SequenceNumber? former, Instant now)
    {
        if (!listener.CanEstablish) { Drop(DropReason.BacklogFull); return; }
        if (AnswersWithCookie(listener, former)) { SendCookie(listener, packet, segment, flow, now); return; }
        listener.MakeRoom(now);
        var connection = new TcpConnection(this, flow, WayBack(packet, flow), keepsInterface: true) { FormerSndNxt = former };
        if (!TryAddSocket(connection, now)) { Drop(DropReason.TableFull); return; }
        _flows.Add(connection);
        listener.Add(connection);
        connection.LimitMss(listener.MaximumSegmentSize);
        connection.LimitReceive(listener.ReceiveLimit);
        connection.NoteSyn(segment, now);
        connection.AnswerSyn(now);
    }

    /// <summary>Any-IP mode: the SYN is held, unanswered and without buffers, until the shell has decided.</summary>
    private void OpenPending(
        in ReceivedPacket packet, in TcpSegment segment, in FlowKey flow, SequenceNumber? former, Instant now)
    {
        if (!TryMakePendingRoom(flow, segment.Header.Sequence, now)) { Drop(DropReason.BacklogFull); return; }
        var connection = new TcpConnection(this, flow, WayBack(packet, flow), keepsInterface: true) { FormerSndNxt = former };
        if (!TryAddSocket(connection, now)) { Drop(DropReason.TableFull); return; }
        _flows.Add(connection);
        _pending.Add(connection);
        Context.PendingCount++;
        connection.State = TcpState.Pending;
        connection.NoteSyn(segment, now);
        connection.AwaitDecision(now);
    }

    /// <summary>
    /// At a limit a SYN is dropped; one that is repeated gets in, and takes the place of a random pending one if there are too many of those. Nobody
    /// can fill the table for good, and a client that repeats its SYN gets in.
    /// </summary>
    private bool TryMakePendingRoom(in FlowKey flow, SequenceNumber irs, Instant now)
    {
        bool isFull = Context.PendingCount >= Context.Options.MaxPending;
        if (!isFull && !IsTooManyAnswered(now)) return true;
        if ((isFull && _pending.Count == 0) || !_refused.WasRefused(flow, irs, Memory)) return false;
        if (!isFull) return true;
        Context.Counters.PendingEvicted++;
        _pending[(int)Context.Entropy.Next((uint)_pending.Count)].Finish(NetworkFailure.Evicted, now);
        return true;
    }

    /// <summary>
    /// Whether as many as may be were accepted lately and have not completed their handshake, as no honest ones would be. Dials that succeed
    /// at once keep the pending ones few, and each SYN of a flood would cost a connection of the host's; so then, too, only who repeats
    /// gets in. Those that have had their time bind nobody: a place in ten seconds is no work, and after a flood nobody has to wait for long.
    /// </summary>
    private bool IsTooManyAnswered(Instant now) =>
        _answered.Count >= MaxAnswered && _answered.First is { } oldest && now - oldest.AnsweredAt < HandshakePatience;

    private int MaxAnswered => 4 * Context.Options.MaxPending;

    /// <summary>
    /// A pending connection was accepted and answers its SYN. Of those whose handshake is then not completed there are four times as many as
    /// pending ones at most: SYNs from made-up sources whose dials succeed must not fill the table of sockets. The oldest gives way, which
    /// has had most time for it.
    /// </summary>
    private void Answer(TcpConnection connection, Instant now)
    {
        LeaveSet(connection);
        if (_answered.Count >= MaxAnswered && _answered.First is { } oldest)
        {
            Context.Counters.HalfOpenEvicted++;
            oldest.Finish(NetworkFailure.Evicted, now);
        }
        _answered.Add(connection);
        connection.Decided();
        connection.AnswerSyn(now);
    }

    /// <summary>A connection without a listener has completed its handshake, or is gone: it gives way to nobody any more.</summary>
    internal void Completed(TcpConnection connection)
    {
        if (!ReferenceEquals(connection.List, _answered)) return;
        _answered.Remove(connection);
        ForgetRefused();
    }

    /// <summary>Takes a connection out of the set that it may have to leave for another: it is decided, or gone.</summary>
    internal void LeaveSet(TcpConnection connection)
    {
        bool pending = ReferenceEquals(connection.Set, _pending);
        connection.Set?.Remove(connection);
        if (!pending) return;
        Context.PendingCount--;
        ForgetRefused();
    }

    /// <summary>Nothing is near its limit any more, so nobody is turned away; who gives way to another must not make us forget the rest.</summary>
    private void ForgetRefused()
    {
        if (_pending.Count == 0 && _answered.Count < MaxAnswered / 2) _refused.Forget(Memory);
    }

    /// <summary>A connection in TIME-WAIT gives way to a living one when the table is full.</summary>
    private bool TryAddSocket(TcpConnection connection, Instant now)
    {
        if (Context.Sockets.TryAdd(connection)) return true;
        while (_timeWait.First is { } oldest)
        {
            oldest.Finish(NetworkFailure.None, now);
            if (Context.Sockets.TryAdd(connection)) return true;
        }
        return false;
    }

    /// <summary>A segment for nobody is reset, unless it is a reset (section 3.10.7.1).</summary>
    private void Refuse(in ReceivedPacket packet, in TcpSegment segment, in FlowKey flow, Instant now)
    {
        if (segment.Has(TcpFlags.Rst)) return;
        RouteDecision route = WayBack(packet, flow);
        if (segment.Has(TcpFlags.Ack)) SendReset(flow, route, segment.Header.Acknowledgment, now);
        else SendResetTo(flow, route, segment.End, now);
    }

    /// <summary>A reset at a number that the peer expects, from no connection, or from one that is not agreed on yet.</summary>
    internal void SendReset(in FlowKey flow, in RouteDecision route, SequenceNumber sequence, Instant now) =>
        SendBare(flow, route, sequence, default, TcpFlags.Rst, now);

    /// <summary>A reset for who expects nothing of us yet: number 0, and what he sent acknowledged.</summary>
    internal void SendResetTo(in FlowKey flow, in RouteDecision route, SequenceNumber acknowledgment, Instant now) =>
        SendBare(flow, route, default, acknowledgment, TcpFlags.Rst | TcpFlags.Ack, now);

    private void SendBare(
        in FlowKey flow, in RouteDecision route, SequenceNumber sequence, SequenceNumber acknowledgment, TcpFlags flags, Instant now)
    {
        var header = new TcpHeader
        {
            SourcePort = flow.Local.Port, DestinationPort = flow.Remote.Port,
            Sequence = sequence, Acknowledgment = acknowledgment, Flags = flags,
        };
        SendHeader(header, flow, route, now);
    }

    /// <summary>Sends a segment without data that belongs to no connection, or is its last.</summary>
    internal void SendHeader(in TcpHeader header, in FlowKey flow, in RouteDecision route, Instant now)
    {
        if (!route.Interface.IsUp) { Drop(DropReason.InterfaceDown); return; }
        int size = header.Size;
        if (!Ip.TryRent(size, out Packet packet)) { Drop(DropReason.OutOfBuffers); return; }
        header.Write(packet.Append(size));
        Ip.Send(packet, route, new IpSend(flow.Local.Address, flow.Remote.Address, IpProtocol.Tcp)
        {
            FlowLabel = Context.FlowLabels.Of(flow),
        }, now);
    }
}
