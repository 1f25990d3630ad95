using System.Net;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A TCP listener of a host. Its connections are established before they are offered: accepting never waits, rejecting resets.</summary>
public sealed class StackListener : IListener
{
    private readonly Socket _socket;
    private readonly string _origin;

    internal StackListener(Shard shard, string origin)
    {
        _socket = new Socket(shard);
        _origin = origin;
    }

    /// <summary>Where it listens, with the port that was chosen.</summary>
    public IPEndPoint LocalEndPoint { get; private set; } = null!;

    internal OpStatus Open(IpEndpoint local, int backlog)
    {
        (StackListener Listener, IpEndpoint Local, int Backlog) state = (this, local, backlog);
        return _socket.Shard.Run(ref state, static (NetworkStack stack, ref (StackListener Listener, IpEndpoint Local, int Backlog) s, Instant now, ref ShardWork _) =>
        {
            OpStatus status = stack.Listen(s.Local, s.Backlog, out SocketId id);
            if (status != OpStatus.Ok) return status;
            s.Listener._socket.Shard.Register(id, s.Listener._socket);
            s.Listener.LocalEndPoint = (stack.TryGetFlow(id, out FlowKey flow) ? flow.Local : s.Local).ToIPEndPoint();
            return status;
        });
    }

    /// <inheritdoc/>
    public async ValueTask<IPendingConnection?> AcceptAsync(CancellationToken cancellationToken = default) =>
        await AcceptStreamAsync(cancellationToken).ConfigureAwait(false) is { } stream ? new Established(stream, Describe(stream)) : null;

    /// <summary>The next connection as a stream; null once the listener is closed.</summary>
    public async ValueTask<TcpStream?> AcceptStreamAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            AcceptAttempt attempt = new() { Listener = _socket };
            OpStatus status = _socket.Shard.Run(ref attempt, static (NetworkStack stack, ref AcceptAttempt a, Instant now, ref ShardWork _) =>
            {
                if (a.Listener.Id == SocketId.None) return OpStatus.Stale;
                OpStatus accepted = stack.Accept(a.Listener.Id, now, out SocketId id);
                if (accepted == OpStatus.WouldBlock) a.Wait = a.Listener.Waiting.Wait();
                if (accepted != OpStatus.Ok) return accepted;
                a.Accepted = new TcpSocket(a.Listener.Shard);
                a.Accepted.Join(stack, id);
                return accepted;
            });
            if (status == OpStatus.Ok) return new TcpStream(attempt.Accepted!);
            if (status != OpStatus.WouldBlock) return null;
            await attempt.Wait!.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private FlowInfo Describe(TcpStream stream) => new()
    {
        Protocol = FlowProtocol.Tcp,
        Origin = _origin,
        Source = stream.RemoteEndPoint,
        Destination = stream.LocalEndPoint,
    };

    /// <summary>Stops listening; connections in the backlog are reset, waiting accepts yield null.</summary>
    public ValueTask DisposeAsync()
    {
        Socket socket = _socket;
        socket.Shard.Run(ref socket, static (NetworkStack _, ref Socket s, Instant now, ref ShardWork work) =>
        {
            s.Shard.Release(s, now);
            s.OnHostEnded(ref work);
            return OpStatus.Ok;
        });
        return default;
    }

    private struct AcceptAttempt
    {
        internal Socket Listener;
        internal TcpSocket? Accepted;
        internal Task? Wait;
    }

    private sealed class Socket(Shard shard) : ShardSocket(shard)
    {
        internal WaitQueue Waiting { get; } = new();

        // Whoever is woken may have been cancelled; waking all keeps a connection from waiting for a waiter that is gone.
        internal override void OnEvents(SocketEvents events, ref ShardWork work) => Waiting.WakeAll(ref work);

        internal override void OnHostEnded(ref ShardWork work) => Waiting.WakeAll(ref work);
    }

    private sealed class Established(TcpStream stream, FlowInfo flow) : IPendingConnection
    {
        public FlowInfo Flow => flow;
        public CancellationToken Abandoned => CancellationToken.None;
        public ValueTask<DuplexStream> AcceptAsync(CancellationToken cancellationToken = default) => new(stream);

        // The handshake is done: "refused" can only be a reset now.
        public void Reject(DialFailure reason)
        {
            stream.Abort();
            stream.Dispose();
        }
    }
}
