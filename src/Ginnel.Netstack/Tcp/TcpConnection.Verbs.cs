namespace Ginnel.Netstack;

/// <content>SEND and RECEIVE (RFC 9293 sections 3.10.2 and 3.10.3) as leases on the rings, and the switches.</content>
internal sealed partial class TcpConnection
{
    private bool _writeWanted;

    internal OpStatus TryLeaseReadable(out RingLease lease)
    {
        lease = default;
        if (ReceiveRing.IsLeased) return OpStatus.InvalidState;
        if (ReceiveRing.TryLease(out lease)) return OpStatus.Ok;
        // Whatever became of the connection later: the peer has said that this was all, and a reader has missed nothing.
        if (_peerFinKnown && RcvNxt > _peerFin) return OpStatus.EndOfStream;
        if (Failure != NetworkFailure.None) return OpStatus.Failed;
        return State is TcpState.CloseWait or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait or TcpState.Closed
            ? OpStatus.EndOfStream
            : OpStatus.WouldBlock;
    }

    internal OpStatus Consume(int count, Instant now)
    {
        bool keep = OutOfOrder is { IsEmpty: false };
        if (!ReceiveRing.TryConsume(count, keep, Memory)) return OpStatus.InvalidState;
        if (count == 0 || State == TcpState.Closed) return OpStatus.Ok;
        AfterConsume(count, now);
        Settle(now);
        return OpStatus.Ok;
    }

    internal OpStatus TryLeaseWritable(int wanted, out RingLease lease)
    {
        lease = default;
        if (State == TcpState.Closed) return Failure == NetworkFailure.None ? OpStatus.InvalidState : OpStatus.Failed;
        if (_finQueued || SendRing.IsLeased) return OpStatus.InvalidState;
        bool open = State is TcpState.Established or TcpState.CloseWait;
        if (open && MayGrowToSend && SendRing.TryLease(wanted, SendLimit, Memory, out lease)) return OpStatus.Ok;
        _writeWanted = true;
        // With nothing in flight no acknowledgment will ever come to wake the writer: it waits for memory.
        if (open && SendRing.Count == 0) Memory.Await(this);
        return OpStatus.WouldBlock;
    }

    internal OpStatus Commit(int count, Instant now)
    {
        if (!SendRing.TryCommit(count, Memory)) return OpStatus.InvalidState;
        if (State == TcpState.Closed) return Failure == NetworkFailure.None ? OpStatus.InvalidState : OpStatus.Failed;
        if (count > 0) Settle(now);
        return OpStatus.Ok;
    }

    internal OpStatus SetNagle(bool enabled, Instant now)
    {
        _nagle = enabled;
        Settle(now);
        return OpStatus.Ok;
    }

    internal OpStatus SetKeepAlive(TimeSpan time, Instant now)
    {
        if (time < TimeSpan.Zero || time > TcpLayer.LongestSpan) return OpStatus.InvalidState;
        _keepAliveTime = time;
        _keepAliveSent = 0;
        Settle(now);
        return OpStatus.Ok;
    }

    /// <summary>Differentiated services of what is sent from now on (RFC 9293 section 3.9.2).</summary>
    internal OpStatus SetTrafficClass(byte trafficClass)
    {
        _trafficClass = trafficClass;
        return OpStatus.Ok;
    }

    /// <summary>The ring's memory that was refused is to be had now.</summary>
    internal void MemoryAvailable()
    {
        if (State == TcpState.Closed) return;
        ReopenWindow();
        if (!_writeWanted) return;
        _writeWanted = false;
        Raise(SocketEvents.Writable);
    }

    // A writer is woken for a quarter of the buffer, not for every acknowledged segment.
    private void RaiseWritable()
    {
        if (!_writeWanted || SendRing.Count > SendLimit / 4 * 3) return;
        _writeWanted = false;
        Raise(SocketEvents.Writable);
    }
}
