using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>
/// Segments that belong to no connection: to a listener (RFC 9293 section 3.10.7.2), to any-IP mode, or to nobody (section 3.10.7.1).
/// Own listeners come first.
/// </content>
internal sealed partial class TcpLayer
{
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
        if (segment.Has(TcpFlags.Ack)) { Drop(DropReason.NoListener); Refuse(packet, segment, flow, now); return; }
        // Neither SYN nor ACK, or SYN with FIN: nothing that an honest peer sends (attack case C15).
        if (!segment.Has(TcpFlags.Syn) || segment.Has(TcpFlags.Fin)) { Drop(DropReason.BadFlags); return; }
        var connection = new TcpConnection(this, flow, WayBack(packet, flow), keepsInterface: true) { FormerSndNxt = former };
        if (listener is not null) OpenPassively(listener, connection, segment, now);
        else OpenPending(connection, segment, now);
    }

    /// <summary>
    /// An answer leaves by the interface that the question came in by: with several, the route table may know no way back, or another
    /// one, and the peer there is waiting here.
    /// </summary>
    private RouteDecision WayBack(in ReceivedPacket packet, in FlowKey flow) =>
        Ip.RouteVia(packet.Interface, flow.Local.Address, flow.Remote.Address);

    private void OpenPassively(TcpListener listener, TcpConnection connection, in TcpSegment segment, Instant now)
    {
        if (!listener.TryMakeRoom(now)) { Drop(DropReason.BacklogFull); return; }
        if (!TryAddSocket(connection, now)) { Drop(DropReason.TableFull); return; }
        _flows.Add(connection);
        listener.Add(connection);
        connection.NoteSyn(segment, now);
        connection.AnswerSyn(now);
    }

    /// <summary>Any-IP mode: the SYN is held, unanswered and without buffers, until the shell has decided.</summary>
    private void OpenPending(TcpConnection connection, in TcpSegment segment, Instant now)
    {
        if (!TryMakePendingRoom(now)) { Drop(DropReason.BacklogFull); return; }
        if (!TryAddSocket(connection, now)) { Drop(DropReason.TableFull); return; }
        _flows.Add(connection);
        _pending.Add(connection);
        Context.PendingCount++;
        connection.State = TcpState.Pending;
        connection.NoteSyn(segment, now);
        connection.AwaitDecision(now);
    }

    /// <summary>
    /// At the limit a SYN is dropped at random: the new one, or a pending one in its place. Nobody can fill the table for good, and a
    /// client that repeats its SYN gets in.
    /// </summary>
    private bool TryMakePendingRoom(Instant now)
    {
        if (Context.PendingCount < Context.Options.MaxPending) return true;
        if (_pending.Count == 0) return false;
        Context.Counters.PendingEvicted++;
        int victim = (int)Context.Entropy.Next((uint)_pending.Count + 1);
        if (victim == _pending.Count) return false;
        _pending[victim].Finish(NetworkFailure.Evicted, now);
        return true;
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

    /// <summary>A reset at a number that the peer expects; with the acknowledgment of ours, where there is a connection.</summary>
    internal void SendReset(
        in FlowKey flow, in RouteDecision route, SequenceNumber sequence, Instant now, SequenceNumber? acknowledgment = null)
    {
        TcpFlags flags = acknowledgment is null ? TcpFlags.Rst : TcpFlags.Rst | TcpFlags.Ack;
        SendBare(flow, route, sequence, acknowledgment ?? default, flags, now);
    }

    /// <summary>A reset for who expects nothing of us yet: number 0, and what he sent acknowledged.</summary>
    internal void SendResetTo(in FlowKey flow, in RouteDecision route, SequenceNumber acknowledgment, Instant now) =>
        SendBare(flow, route, default, acknowledgment, TcpFlags.Rst | TcpFlags.Ack, now);

    private void SendBare(
        in FlowKey flow, in RouteDecision route, SequenceNumber sequence, SequenceNumber acknowledgment, TcpFlags flags, Instant now)
    {
        if (!route.Interface.IsUp) { Drop(DropReason.InterfaceDown); return; }
        if (!Ip.TryRent(TcpHeader.MinimumSize, out Packet packet)) { Drop(DropReason.OutOfBuffers); return; }
        var header = new TcpHeader
        {
            SourcePort = flow.Local.Port, DestinationPort = flow.Remote.Port,
            Sequence = sequence, Acknowledgment = acknowledgment, Flags = flags,
        };
        header.Write(packet.Append(TcpHeader.MinimumSize));
        Ip.Send(packet, route, new IpSend(flow.Local.Address, flow.Remote.Address, IpProtocol.Tcp), now);
    }
}
