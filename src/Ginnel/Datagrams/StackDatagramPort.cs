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
    private readonly ArrivalOperation _arrival;
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
        _arrival = new ArrivalOperation(this);
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
        _arrival.Wake(ref work);
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

    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled<bool>(cancellationToken);
        if (!_arrival.TryBegin()) throw new InvalidOperationException("A wait is under way already; one at a time.");
        return _arrival.WaitAsync(cancellationToken);
    }

    public ValueTask ReceiveAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        return TryReceive(batch) is OpStatus.Ok or OpStatus.WouldBlock ? default : ValueTask.FromException(Gone());
    }

    /// <summary>Takes what is there and the batch has room for, at once.</summary>
    private OpStatus TryReceive(DatagramBatch batch)
    {
        (StackDatagramPort Port, DatagramBatch Batch) state = (this, batch);
        return Shard.Ask(ref state, static (NetworkStack stack, ref (StackDatagramPort Port, DatagramBatch Batch) s, Instant _, ref ShardWork _) =>
        {
            if (s.Port._closed) return OpStatus.Stale;
            OpStatus first = OpStatus.WouldBlock;
            while (!s.Batch.IsFull)
            {
                OpStatus status = s.Port.Take(stack, s.Batch.Free.Span, out DatagramItem item);
                if (status != OpStatus.Ok) return first == OpStatus.Ok ? first : status;
                s.Batch.Add(item);
                first = OpStatus.Ok;
            }
            return first;
        });
    }

    /// <summary>Whether a receive would not wait. Arms the wait if it would.</summary>
    internal OpStatus Look(ArrivalOperation arm)
    {
        (StackDatagramPort Port, ArrivalOperation Arm) state = (this, arm);
        return Shard.Ask(ref state, static (NetworkStack stack, ref (StackDatagramPort Port, ArrivalOperation Arm) s, Instant _, ref ShardWork _) =>
            s.Port._closed ? OpStatus.Stale
            : stack.HasDatagram(s.Port.Id) ? OpStatus.Ok
            : s.Arm.Arm() ? OpStatus.WouldBlock : OpStatus.Failed);
    }

    internal OpStatus TryReceive(Span<byte> buffer, ReceiveOperation? arm, out DatagramItem item)
    {
        Receive state = new() { Port = this, Buffer = buffer, Arm = arm };
        OpStatus status = Shard.Ask(ref state, static (NetworkStack stack, ref Receive r, Instant _, ref ShardWork _) =>
        {
            if (r.Port._closed) return OpStatus.Stale;
            OpStatus found = r.Port.Take(stack, r.Buffer, out r.Item);
            return found == OpStatus.WouldBlock && r.Arm is not null && !r.Arm.Arm() ? OpStatus.Failed : found;
        });
        item = state.Item;
        return status;
    }

    private OpStatus Take(NetworkStack stack, Span<byte> buffer, out DatagramItem item)
    {
        // An echo port's payload begins with the sequence number, which the stack keeps beside it.
        Span<byte> payload = _protocol == FlowProtocol.IcmpEcho && buffer.Length >= 2 ? buffer[2..] : buffer;
        OpStatus status = stack.TryReceive(Id, payload, out ReceivedDatagram datagram);
        item = status == OpStatus.Ok ? ToItem(datagram, buffer) : default;
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
        Outgoing state = new() { Port = this, Payload = payload.Span, Remote = remote };
        OpStatus status = Shard.Run(ref state, static (NetworkStack stack, ref Outgoing s, Instant now, ref ShardWork _) =>
            s.Port._closed ? OpStatus.Stale : s.Port.Send(stack, s.Payload, s.Remote, segmentSize: 0, now, out s.Failure));
        return status == OpStatus.Stale ? ValueTask.FromException<DialFailure>(Gone()) : new(state.Failure);
    }

    public ValueTask SendAsync(DatagramBatch batch, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested) return ValueTask.FromCanceled(cancellationToken);
        (StackDatagramPort Port, DatagramBatch Batch) state = (this, batch);
        OpStatus status = Shard.Run(ref state, static (NetworkStack stack, ref (StackDatagramPort Port, DatagramBatch Batch) s, Instant now, ref ShardWork _) =>
            s.Port._closed ? OpStatus.Stale : s.Port.Send(stack, s.Batch, now));
        return status == OpStatus.Stale ? ValueTask.FromException(Gone()) : default;
    }

    private OpStatus Send(NetworkStack stack, DatagramBatch batch, Instant now)
    {
        for (int i = 0; i < batch.Count;)
        {
            if (batch[i].Failure.Kind != DialFailureKind.None)
            {
                i++;
                continue;
            }
            ReadOnlyMemory<byte> payload = batch.PayloadOf(i);
            // An echo's sequence number goes beside each.
            int count = _protocol == FlowProtocol.Udp ? batch.RunFrom(i, out payload) : 1;
            OpStatus status = Send(stack, payload.Span, batch[i].Remote, count > 1 ? batch[i].Length : 0, now, out DialFailure failure);
            if (status == OpStatus.Stale) return status;
            if (count > 1 && status is OpStatus.MessageTooLong or OpStatus.WouldBlock)
            {
                // A run goes whole or not at all, into a queue that may have no such room; one after the other some of it goes.
                SendEach(stack, batch, i, count, now);
                i += count;
                continue;
            }
            for (; count > 0; count--, i++)
                if (failure.Kind != DialFailureKind.None) batch[i] = batch[i] with { Failure = failure };
        }
        return OpStatus.Ok;
    }

    private void SendEach(NetworkStack stack, DatagramBatch batch, int first, int count, Instant now)
    {
        for (int i = first; i < first + count; i++)
        {
            // Where one finds no room neither do those behind it.
            if (Send(stack, batch.PayloadOf(i).Span, batch[i].Remote, segmentSize: 0, now, out DialFailure failure) == OpStatus.WouldBlock) return;
            if (failure.Kind != DialFailureKind.None) batch[i] = batch[i] with { Failure = failure };
        }
    }

    private OpStatus Send(NetworkStack stack, ReadOnlySpan<byte> payload, IPEndPoint remote, int segmentSize, Instant now, out DialFailure failure)
    {
        IpEndpoint other = IpEndpoint.From(remote);
        // An accepted port answers its source in the name of the other end.
        DatagramSend header = _source is { } source ? new DatagramSend(source, other, EchoRequest: false) : new DatagramSend(other);
        if (_protocol == FlowProtocol.IcmpEcho)
        {
            if (payload.Length < 2)
            {
                failure = new DialFailure(DialFailureKind.Unsupported, "an echo begins with its sequence number, 2 bytes");
                return OpStatus.Ok;
            }
            header = header with { EchoSequence = BinaryPrimitives.ReadUInt16BigEndian(payload) };
            payload = payload[2..];
        }
        OpStatus status = stack.Send(Id, header with { SegmentSize = segmentSize }, payload, now);
        // Full buffers drop silently, as networks do.
        failure = status is OpStatus.WouldBlock or OpStatus.LimitReached or OpStatus.Stale ? default : DialFailures.From(status);
        return status;
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
        internal DatagramItem Item;
    }

    private ref struct Outgoing
    {
        internal StackDatagramPort Port;
        internal ReadOnlySpan<byte> Payload;
        internal IPEndPoint Remote;
        internal DialFailure Failure;
    }
}

/// <summary>The one wait for a datagram that may be under way on a port.</summary>
internal sealed class ArrivalOperation(StackDatagramPort port) : Operation<bool>(port.Shard)
{
    internal ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        Watch(cancellationToken);
        short version = Version;
        Execute();
        return new ValueTask<bool>(this, version);
    }

    public override void Execute()
    {
        OpStatus status = port.Look(this);
        if (status == OpStatus.WouldBlock) return; // Armed: from here on it may be executing elsewhere already.
        if (status == OpStatus.Failed && IsCancelled) FailCancelled();
        else Complete(status == OpStatus.Ok);
    }

    protected override void Clear()
    {
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
