using System.Net.Sockets;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A SYN that the stack holds unanswered.</summary>
internal sealed class StackPendingConnection : ShardSocket, IPendingConnection
{
    private readonly CancellationTokenSource _abandoned = new();
    private readonly FlowKey _key;
    private readonly string _origin;
    private readonly IAddressNames? _names;
    private FlowInfo? _flow;
    private bool _decided;

    internal StackPendingConnection(Shard shard, FlowKey key, string origin, IAddressNames? names) : base(shard)
    {
        (_key, _origin, _names) = (key, origin, names);
    }

    /// <summary>Whether it still waits for a decision.</summary>
    internal bool IsAlive => Id != SocketId.None;

    // Made under the lock, described outside it: the names are someone else's to tell.
    public FlowInfo Flow => _flow ?? Interlocked.CompareExchange(ref _flow, FlowDescription.Of(FlowProtocol.Tcp, _origin, _key, _names), null) ?? _flow;

    public CancellationToken Abandoned => _abandoned.Token;

    internal override void OnEvents(SocketEvents events, ref ShardWork work)
    {
        if ((events & (SocketEvents.Failed | SocketEvents.Closed)) == 0) return;
        Shard.Release(this, Shard.Runtime.Now);
        OnHostEnded(ref work);
    }

    internal override void OnHostEnded(ref ShardWork work)
    {
        if (_decided) return;
        _decided = true;
        work.Add(new Abandonment(_abandoned));
    }

    public async ValueTask<DuplexStream> AcceptAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        HandshakeCompletion handshake = new();
        TcpSocket socket = new(Shard) { Handshake = handshake };
        (StackPendingConnection Pending, TcpSocket Socket) state = (this, socket);
        OpStatus status = Shard.Run(ref state, static (NetworkStack stack, ref (StackPendingConnection Pending, TcpSocket Socket) s, Instant now, ref ShardWork _) =>
        {
            SocketId id = s.Pending.Id;
            if (id == SocketId.None) return OpStatus.Stale;
            s.Pending._decided = true;
            s.Pending.Id = SocketId.None;
            s.Socket.Join(stack, id); // Takes the pending one's place before an event of the accept can come.
            OpStatus accepted = stack.Accept(id, now, out SocketId _);
            if (accepted != OpStatus.Ok) s.Socket.Shard.Release(s.Socket, now);
            return accepted;
        });
        if (status != OpStatus.Ok) throw StreamErrors.Read(SocketError.ConnectionAborted);
        TcpStream stream = new(socket);
        try
        {
            bool connected = await handshake.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            socket.Handshake = null;
            if (connected) return stream;
            throw TcpStream.ReadError(socket, OpStatus.Failed);
        }
        catch
        {
            stream.Abort();
            stream.Dispose();
            throw;
        }
    }

    public void Reject(DialFailure reason)
    {
        (StackPendingConnection Pending, NetworkFailure Failure) state = (this, DialFailures.ToNetworkFailure(reason.Kind));
        Shard.Run(ref state, static (NetworkStack stack, ref (StackPendingConnection Pending, NetworkFailure Failure) s, Instant now, ref ShardWork _) =>
        {
            StackPendingConnection pending = s.Pending;
            if (pending.Id == SocketId.None) return OpStatus.Stale;
            pending._decided = true;
            OpStatus status = stack.Reject(pending.Id, s.Failure, now);
            pending.Shard.Release(pending, now);
            return status;
        });
    }

    private sealed class Abandonment(CancellationTokenSource source) : Completion
    {
        public override void Execute() => source.Cancel();
    }
}
