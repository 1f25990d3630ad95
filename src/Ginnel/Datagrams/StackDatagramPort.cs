using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Ginnel.Netstack;
using Ginnel.Wire;

namespace Ginnel;

/// <summary>A port of a host: bound for oneself, or accepted from a source in any-IP mode, in whose name the others then answer.</summary>
internal sealed class StackDatagramPort : ShardSocket, IDatagramPort
{
    private readonly FlowProtocol _protocol;
    private readonly IpEndpoint? _source;
    private readonly ReceiveOperation _receiving;
    private readonly WaitQueue _waiting = new();
    private readonly EndPointCache _endPoints = new();
    private bool _closed;

    /// <param name="shard">The host's.</param>
    /// <param name="protocol">UDP or echo.</param>
    /// <param name="source">For an accepted port: the source that it serves.</param>
    internal StackDatagramPort(Shard shard, FlowProtocol protocol, IpEndpoint? source) : base(shard)
    {
        _protocol = protocol;
        _source = source;
        _receiving = new ReceiveOperation(this);
    }

    public IPEndPoint? LocalEndPoint { get; private set; }

    /// <summary>Under the lock, when the id is known.</summary>
    internal void Join(NetworkStack stack, SocketId id)
    {
        Shard.Register(id, this);
        if (_source is null && stack.TryGetFlow(id, out FlowKey flow)) LocalEndPoint = flow.Local.ToIPEndPoint();
    }

    /// <summary>Under the lock: gives the id up.</summary>
    internal void Leave(Instant now)
    {
        _closed = true;
        Shard.Release(this, now);
    }

    internal override void OnEvents(SocketEvents events, ref ShardWork work) => OnHostEnded(ref work);

    internal override void OnHostEnded(ref ShardWork work)
    {
        _receiving.Wake(ref work);
        _waiting.WakeAll(ref work);
    }

    public ValueTask<DatagramItem> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<DatagramItem>(cancellationToken);
        if (!_receiving.TryBegin()) throw new InvalidOperationException("A receive is under way already; one at a time.");
        OpStatus status = TryReceive(buffer.Span, arm: null, out DatagramItem item);
        if (status == OpStatus.WouldBlock) return _receiving.WaitAsync(buffer, cancellationToken);
        _receiving.EndAtOnce();
        return status == OpStatus.Ok ? new(item) : ValueTask.FromException<DatagramItem>(Gone());
    }

    public async ValueTask WaitAsync(CancellationToken cancellationToken = default)
    {
        (OpStatus status, Task? wait) = Shard.Peek(this, static (stack, port) =>
            port._closed || port.Shard.Ended is not null ? (OpStatus.Stale, null)
            : stack.HasDatagram(port.Id) ? (OpStatus.Ok, (Task?)null)
            : (OpStatus.WouldBlock, port._waiting.Wait()));
        if (status == OpStatus.Stale) throw Gone();
        if (wait is not null) await wait.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    internal OpStatus TryReceive(Span<byte> buffer, ReceiveOperation? arm, out DatagramItem item)
    {
        Receive state = new() { Port = this, Buffer = buffer, Arm = arm };
        OpStatus status = Shard.Ask(ref state, static (NetworkStack stack, ref Receive r, Instant _, ref ShardWork _) =>
        {
            if (r.Port._closed) return OpStatus.Stale;
            // An echo port's payload begins with the sequence number, which the stack keeps beside it.
            Span<byte> payload = r.Port._protocol == FlowProtocol.IcmpEcho && r.Buffer.Length >= 2 ? r.Buffer[2..] : r.Buffer;
            OpStatus found = stack.TryReceive(r.Port.Id, payload, out r.Datagram);
            return found == OpStatus.WouldBlock && r.Arm is not null && !r.Arm.Arm() ? OpStatus.Failed : found;
        });
        item = status == OpStatus.Ok ? ToItem(state.Datagram, buffer) : default;
        return status;
    }

    private DatagramItem ToItem(in ReceivedDatagram datagram, Span<byte> buffer)
    {
        bool isError = datagram.Failure != NetworkFailure.None;
        IPEndPoint remote = _endPoints.Of(_source is not null || isError ? datagram.Destination : datagram.Source);
        if (isError) return new DatagramItem(0, remote, DialFailures.From(datagram.Failure, datagram.Mtu));
        if (_protocol != FlowProtocol.IcmpEcho || buffer.Length < 2) return new DatagramItem(datagram.Length, remote);
        BinaryPrimitives.WriteUInt16BigEndian(buffer, datagram.EchoSequence);
        return new DatagramItem(datagram.Length + 2, remote);
    }

    public ValueTask<DialFailure> SendAsync(ReadOnlyMemory<byte> payload, IPEndPoint remote, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<DialFailure>(cancellationToken);
        IpEndpoint other = IpEndpoint.From(remote);
        Outgoing state = new() { Port = this, Payload = payload.Span };
        // An accepted port answers its source in the name of the other end.
        state.Header = _source is { } source ? new DatagramSend(source, other, EchoRequest: false) : new DatagramSend(other);
        if (_protocol == FlowProtocol.IcmpEcho)
        {
            if (payload.Length < 2) return new(new DialFailure(DialFailureKind.Unsupported, "an echo begins with its sequence number, 2 bytes"));
            state.Header = state.Header with { EchoSequence = BinaryPrimitives.ReadUInt16BigEndian(state.Payload) };
            state.Payload = state.Payload[2..];
        }
        OpStatus status = Shard.Run(ref state, static (NetworkStack stack, ref Outgoing s, Instant now, ref ShardWork _) =>
            s.Port._closed ? OpStatus.Stale : stack.Send(s.Port.Id, s.Header, s.Payload, now));
        if (status == OpStatus.Stale) return ValueTask.FromException<DialFailure>(Gone());
        // Full buffers drop silently, as networks do.
        return new(status is OpStatus.WouldBlock or OpStatus.LimitReached ? default : DialFailures.From(status));
    }

    public void ReportFailure(IPEndPoint remote, DialFailure failure)
    {
        NetworkFailure network = DialFailures.ToNetworkFailure(failure.Kind);
        if (_source is null || network == NetworkFailure.None) return;
        (StackDatagramPort Port, IpEndpoint Target, NetworkFailure Failure, int Mtu) state = (this, IpEndpoint.From(remote), network, failure.Mtu);
        Shard.Run(ref state, static (NetworkStack stack, ref (StackDatagramPort Port, IpEndpoint Target, NetworkFailure Failure, int Mtu) s, Instant now, ref ShardWork _) =>
            s.Port._closed ? OpStatus.Stale : stack.ReportFailure(s.Port.Id, s.Target, s.Failure, s.Mtu, now));
    }

    public ValueTask DisposeAsync()
    {
        StackDatagramPort self = this;
        Shard.Run(ref self, static (NetworkStack _, ref StackDatagramPort port, Instant now, ref ShardWork work) =>
        {
            port.Leave(now);
            port.OnHostEnded(ref work);
            return OpStatus.Ok;
        });
        return default;
    }

    internal Exception Gone() => Shard.Ended is { } ended && !_closed
        ? StreamErrors.Read(ended)
        : new ObjectDisposedException(nameof(IDatagramPort), "The datagram port is closed.");

    private ref struct Receive
    {
        internal StackDatagramPort Port;
        internal Span<byte> Buffer;
        internal ReceiveOperation? Arm;
        internal ReceivedDatagram Datagram;
    }

    private ref struct Outgoing
    {
        internal StackDatagramPort Port;
        internal ReadOnlySpan<byte> Payload;
        internal DatagramSend Header;
    }
}

/// <summary>A receive that waits.</summary>
internal sealed class ReceiveOperation(StackDatagramPort port) : Operation<DatagramItem>(port.Shard)
{
    private Memory<byte> _buffer;

    internal ValueTask<DatagramItem> WaitAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        _buffer = buffer;
        Watch(cancellationToken);
        short version = Version;
        Execute();
        return new ValueTask<DatagramItem>(this, version);
    }

    public override void Execute()
    {
        OpStatus status = port.TryReceive(_buffer.Span, this, out DatagramItem item);
        if (status == OpStatus.WouldBlock) return; // Armed: from here on it may be executing elsewhere already.
        if (status == OpStatus.Ok) Complete(item);
        else if (IsCancelled) FailCancelled();
        else Fail(port.Gone());
    }

    protected override void Clear() => _buffer = default;
}
