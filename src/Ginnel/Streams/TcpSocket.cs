using System.Net.Sockets;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>
/// The shell's side of a TCP connection: the four lease calls, and the rule that an id is given up only when no lease is out.
/// </summary>
internal sealed class TcpSocket : ShardSocket
{
    // Copies below this are cheaper under the lock than a second entry.
    private const int CopyUnderLock = 1024;
    private WriteOperation? _writing;
    private int _leases;
    private bool _releaseWanted;
    private bool _aborted;

    internal TcpSocket(Shard shard) : base(shard)
    {
        Reading = new ReadOperation(this);
    }

    internal ReadOperation Reading { get; }
    // Who relays into it waits for room only where the peer is slow; most never do.
    internal WriteOperation Writing => Volatile.Read(ref _writing) ?? Interlocked.CompareExchange(ref _writing, new WriteOperation(this), null) ?? _writing;

    /// <summary>Completes when the handshake is done or has failed; null where it was done before we heard of the connection.</summary>
    internal HandshakeCompletion? Handshake { get; set; }

    internal FlowKey Flow { get; private set; }
    internal bool IsReleased => _releaseWanted;

    /// <summary>Under the lock, when the id is known.</summary>
    internal void Join(NetworkStack stack, SocketId id)
    {
        Shard.Register(id, this);
        if (stack.TryGetFlow(id, out FlowKey flow)) Flow = flow;
    }

    internal override void OnEvents(SocketEvents events, ref ShardWork work)
    {
        if ((events & (SocketEvents.Readable | SocketEvents.PeerClosed | SocketEvents.Failed | SocketEvents.Closed)) != 0) Reading.Wake(ref work);
        if ((events & (SocketEvents.Writable | SocketEvents.Failed | SocketEvents.Closed)) != 0) _writing?.Wake(ref work);
        if ((events & (SocketEvents.Connected | SocketEvents.Failed)) != 0) Handshake?.Wake((events & SocketEvents.Failed) == 0, ref work);
    }

    internal override void OnHostEnded(ref ShardWork work)
    {
        Reading.Wake(ref work);
        _writing?.Wake(ref work);
        Handshake?.Wake(connected: false, ref work);
    }

    /// <summary>Reads what is there. <see cref="OpStatus.WouldBlock"/> arms the operation if one is given.</summary>
    internal OpStatus TryRead(Span<byte> buffer, ReadOperation? arm, out int count)
    {
        Transfer transfer = new() { Socket = this, Into = buffer, Operation = arm };
        OpStatus status = LeaseForRead(ref transfer);
        count = transfer.Count;
        if (status != OpStatus.Ok || transfer.Lease.Length == 0) return status;
        Span<byte> first = transfer.Lease.First.Span;
        int fromFirst = Math.Min(first.Length, buffer.Length);
        first[..fromFirst].CopyTo(buffer);
        int fromSecond = Math.Min(transfer.Lease.Second.Length, buffer.Length - fromFirst);
        transfer.Lease.Second.Span[..fromSecond].CopyTo(buffer[fromFirst..]);
        count = fromFirst + fromSecond;
        EndRead(count);
        return OpStatus.Ok;
    }

    private OpStatus LeaseForRead(ref Transfer transfer) => Shard.Run(ref transfer, static (NetworkStack stack, ref Transfer t, Instant now, ref ShardWork _) =>
    {
        TcpSocket socket = t.Socket;
        if (socket._releaseWanted) return OpStatus.Stale;
        OpStatus status = stack.TryLeaseReadable(socket.Id, out RingLease lease);
        if (status == OpStatus.WouldBlock && t.Operation is not null && !t.Operation.Arm()) return OpStatus.Ok; // Cancelled: its caller looks.
        if (status != OpStatus.Ok) return status;
        int count = Math.Min(lease.Length, t.Into.Length);
        if (count > CopyUnderLock)
        {
            socket._leases++;
            t.Lease = lease;
            return status;
        }
        int fromFirst = Math.Min(lease.First.Length, count);
        lease.First.Span[..fromFirst].CopyTo(t.Into);
        lease.Second.Span[..(count - fromFirst)].CopyTo(t.Into[fromFirst..]);
        t.Count = count;
        stack.Consume(socket.Id, count, now);
        return status;
    });

    /// <summary>Lends what can be read; <see cref="EndRead"/> must follow <see cref="OpStatus.Ok"/>.</summary>
    internal OpStatus TryLeaseRead(out RingLease lease)
    {
        Transfer transfer = new() { Socket = this };
        OpStatus status = Shard.Ask(ref transfer, static (NetworkStack stack, ref Transfer t, Instant _, ref ShardWork _) =>
        {
            if (t.Socket._releaseWanted) return OpStatus.Stale;
            OpStatus found = stack.TryLeaseReadable(t.Socket.Id, out t.Lease);
            if (found == OpStatus.Ok) t.Socket._leases++;
            return found;
        });
        lease = transfer.Lease;
        return status;
    }

    /// <summary>Ends a read lease of which so many bytes were taken.</summary>
    internal void EndRead(int count)
    {
        (TcpSocket Socket, int Count) state = (this, count);
        Shard.Run(ref state, static (NetworkStack stack, ref (TcpSocket Socket, int Count) s, Instant now, ref ShardWork _) =>
        {
            OpStatus status = stack.Consume(s.Socket.Id, s.Count, now);
            s.Socket.EndLease(now);
            return status;
        });
    }

    /// <summary>Writes what there is room for. <see cref="OpStatus.WouldBlock"/> arms the operation if one is given.</summary>
    internal OpStatus TryWrite(ReadOnlySpan<byte> bytes, WriteOperation? arm, out int count)
    {
        Transfer transfer = new() { Socket = this, From = bytes, ArmWrite = arm };
        OpStatus status = LeaseForWrite(ref transfer);
        count = transfer.Count;
        if (status != OpStatus.Ok || transfer.Lease.Length == 0) return status;
        Span<byte> first = transfer.Lease.First.Span;
        int toFirst = Math.Min(first.Length, bytes.Length);
        bytes[..toFirst].CopyTo(first);
        int toSecond = Math.Min(transfer.Lease.Second.Length, bytes.Length - toFirst);
        bytes.Slice(toFirst, toSecond).CopyTo(transfer.Lease.Second.Span);
        count = toFirst + toSecond;
        EndWrite(count);
        return OpStatus.Ok;
    }

    private OpStatus LeaseForWrite(ref Transfer transfer) => Shard.Run(ref transfer, static (NetworkStack stack, ref Transfer t, Instant now, ref ShardWork _) =>
    {
        TcpSocket socket = t.Socket;
        if (socket._releaseWanted) return OpStatus.Stale;
        OpStatus status = stack.TryLeaseWritable(socket.Id, Math.Max(1, t.From.Length), out RingLease lease);
        if (status == OpStatus.WouldBlock && t.ArmWrite is not null && !t.ArmWrite.Arm()) return OpStatus.Ok; // Cancelled: its caller looks.
        if (status != OpStatus.Ok) return status;
        int count = Math.Min(lease.Length, t.From.Length);
        if (count > CopyUnderLock)
        {
            socket._leases++;
            t.Lease = lease;
            return status;
        }
        int toFirst = Math.Min(lease.First.Length, count);
        t.From[..toFirst].CopyTo(lease.First.Span);
        t.From[toFirst..count].CopyTo(lease.Second.Span);
        t.Count = count;
        stack.Commit(socket.Id, count, now);
        return status;
    });

    /// <summary>Lends room; <see cref="EndWrite"/> must follow <see cref="OpStatus.Ok"/>.</summary>
    internal OpStatus TryLeaseWrite(int wanted, out RingLease lease)
    {
        Transfer transfer = new() { Socket = this, Count = wanted };
        OpStatus status = Shard.Ask(ref transfer, static (NetworkStack stack, ref Transfer t, Instant _, ref ShardWork _) =>
        {
            if (t.Socket._releaseWanted) return OpStatus.Stale;
            OpStatus found = stack.TryLeaseWritable(t.Socket.Id, t.Count, out t.Lease);
            if (found == OpStatus.Ok) t.Socket._leases++;
            return found;
        });
        lease = transfer.Lease;
        return status;
    }

    /// <summary>Ends a write lease of which the first so many bytes were written.</summary>
    internal void EndWrite(int count)
    {
        (TcpSocket Socket, int Count) state = (this, count);
        Shard.Run(ref state, static (NetworkStack stack, ref (TcpSocket Socket, int Count) s, Instant now, ref ShardWork _) =>
        {
            OpStatus status = stack.Commit(s.Socket.Id, s.Count, now);
            s.Socket.EndLease(now);
            return status;
        });
    }

    /// <summary>Sends FIN behind what was written.</summary>
    internal OpStatus CloseWrite()
    {
        TcpSocket self = this;
        return Shard.Run(ref self, static (NetworkStack stack, ref TcpSocket socket, Instant now, ref ShardWork work) =>
        {
            OpStatus status = socket._releaseWanted ? OpStatus.Stale : stack.CloseWrite(socket.Id, now);
            socket._writing?.Wake(ref work);
            return status;
        });
    }

    /// <summary>Gives the connection up, with a reset or by closing it; operations that wait fail.</summary>
    internal void End(bool abort)
    {
        (TcpSocket Socket, bool Abort) state = (this, abort);
        Shard.Run(ref state, static (NetworkStack stack, ref (TcpSocket Socket, bool Abort) s, Instant now, ref ShardWork work) =>
        {
            TcpSocket socket = s.Socket;
            if (socket._releaseWanted) return OpStatus.Stale;
            socket._aborted = s.Abort;
            if (s.Abort) stack.Abort(socket.Id, now);
            socket._releaseWanted = true;
            socket.OnHostEnded(ref work); // Whatever waits, waits in vain.
            if (socket._leases == 0) socket.Shard.Release(socket, now);
            return OpStatus.Ok;
        });
    }

    private void EndLease(Instant now)
    {
        if (--_leases == 0 && _releaseWanted) Shard.Release(this, now);
    }

    /// <summary>What a status that is no success means to a caller.</summary>
    internal SocketError ErrorOf(OpStatus status) => status switch
    {
        OpStatus.Stale => _aborted ? SocketError.ConnectionAborted : SocketError.OperationAborted,
        OpStatus.InvalidState => SocketError.Shutdown,
        OpStatus.LimitReached => SocketError.NoBufferSpaceAvailable,
        _ => Failure == NetworkFailure.None ? SocketError.ConnectionReset : DialFailures.ToSocketError(DialFailures.From(Failure).Kind),
    };

    /// <summary>How the network ended it; none while it has not.</summary>
    internal NetworkFailure Failure => Shard.Peek(this, static (stack, socket) => stack.FailureOf(socket.Id));

    private ref struct Transfer
    {
        internal TcpSocket Socket;
        internal Span<byte> Into;
        internal ReadOnlySpan<byte> From;
        internal ReadOperation? Operation;
        internal WriteOperation? ArmWrite;
        internal RingLease Lease;
        internal int Count;
    }
}
