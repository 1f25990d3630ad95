using Ginnel.Netstack;

namespace Ginnel.Testing;

/// <summary>
/// One end of a TCP transfer: writes a pattern at its pace, reads one at its pace and compares every byte, then goes away as planned. A
/// wrong byte, a stream that ends early and a failure that was not to be expected are <see cref="SimulationException"/>s.
/// </summary>
public sealed partial class TransferEnd : SimulatedApplication
{
    private readonly SimulatedNetwork _network;
    private readonly TransferPlan _plan;
    private readonly Func<TransferEnd, SocketId> _open;
    private SocketId _socket;
    private Instant _nextWrite;
    private Instant _nextRead;
    private Instant _abortAt = Instant.Never;
    private bool _isConnected;
    private bool _writingClosed;
    private bool _isClosed;
    private bool _released;

    private TransferEnd(SimulatedNetwork network, TransferPlan plan, Func<TransferEnd, SocketId> open)
    {
        _network = network;
        _plan = plan;
        _open = open;
    }

    /// <summary>An end that connects when it is started.</summary>
    public static TransferEnd Connecting(SimulatedNetwork network, TransferPlan plan, Wire.IpEndpoint remote) => new(network, plan, end =>
    {
        OpStatus status = end.Host.Stack.Connect(default, remote, end.Host.Now, out SocketId id);
        return status == OpStatus.Ok ? id : throw network.Failure($"{end.Host.Name} cannot connect to {remote}: {status}");
    });

    /// <summary>An end on a connection that was accepted.</summary>
    public static TransferEnd Accepted(SimulatedNetwork network, TransferPlan plan, SocketId id) => new(network, plan, _ => id) { _isConnected = true };

    /// <summary>Bytes written so far.</summary>
    public long Sent { get; private set; }

    /// <summary>Bytes read and compared so far.</summary>
    public long Received { get; private set; }

    /// <summary>Whether the end of the other's stream was read.</summary>
    public bool SawEnd { get; private set; }

    /// <summary>How the connection failed, if it did.</summary>
    public NetworkFailure Failure { get; private set; }

    /// <summary>When the last byte that it must receive was read; <see cref="Instant.Never"/> before.</summary>
    public Instant ReceivedAllAt { get; private set; } = Instant.Never;

    /// <summary>The socket.</summary>
    public SocketId Socket => _socket;

    /// <inheritdoc/>
    public override bool IsDone => _released;

    /// <inheritdoc/>
    public override void Start()
    {
        _socket = _open(this);
        Host.Own(_socket, this);
        if (_plan.Ending == TransferEnding.Abort) _abortAt = Host.Now + _plan.AbortAfter;
        if (_isConnected) Work();
        Schedule();
    }

    /// <inheritdoc/>
    public override void OnEvent(SocketEvent socketEvent)
    {
        if (_released) return;
        if ((socketEvent.Events & SocketEvents.Connected) != 0) _isConnected = true;
        if ((socketEvent.Events & SocketEvents.Failed) != 0)
        {
            Fail(Host.Stack.FailureOf(_socket));
            return;
        }
        Work();
        if ((socketEvent.Events & SocketEvents.Closed) != 0) _isClosed = true;
        ReleaseWhenDue();
        Schedule();
    }

    /// <inheritdoc/>
    public override void OnTime()
    {
        if (_released) return;
        if (_abortAt <= Host.Now)
        {
            Host.Stack.Abort(_socket, Host.Now);
            Failure = NetworkFailure.Aborted;
            Release();
            return;
        }
        if (_isConnected) Work();
        ReleaseWhenDue();
        Schedule();
    }

    private void Work()
    {
        Read();
        if (!_released) Write();
        if (!_released) CloseWhenDue();
    }

    // A slow reader may still have bytes in the socket's buffer when both ends are closed.
    private void ReleaseWhenDue()
    {
        if (_released || !_writingClosed || !SawEnd) return;
        if (_isClosed || _plan.Ending == TransferEnding.ReleaseEarly) Release();
    }

    private void CloseWhenDue()
    {
        bool due = Sent == _plan.SendBytes && (_plan.Ending != TransferEnding.AfterPeer || SawEnd);
        if (due && !_writingClosed)
        {
            _writingClosed = true;
            OpStatus status = Host.Stack.CloseWrite(_socket, Host.Now);
            Survives(status, "CloseWrite");
        }
    }

    private void Schedule()
    {
        if (_released)
        {
            NextDeadline = Instant.Never;
            return;
        }
        Instant next = _abortAt;
        if (_isConnected && _nextWrite > Host.Now && Sent < _plan.SendBytes) next = Instant.Min(next, _nextWrite);
        if (_isConnected && _nextRead > Host.Now && !SawEnd) next = Instant.Min(next, _nextRead);
        NextDeadline = next;
    }

    private void Fail(NetworkFailure failure)
    {
        Failure = failure;
        if (!_plan.MayFail) throw Wrong($"failed: {failure}");
        Release();
    }

    private void Release()
    {
        _released = true;
        Host.Disown(_socket);
        Host.Stack.Release(_socket, Host.Now);
        NextDeadline = Instant.Never;
    }

    private bool Survives(OpStatus status, string verb)
    {
        if (status == OpStatus.Ok) return true;
        if (status != OpStatus.Failed) throw Wrong($"got {status} from {verb}");
        Fail(Host.Stack.FailureOf(_socket));
        return false;
    }

    private SimulationException Wrong(string what) => _network.Failure($"{this} {what}");

    /// <inheritdoc/>
    public override string ToString() =>
        $"{Host.Name}'s end (sent {Sent} of {_plan.SendBytes}, received {Received} of {_plan.ReceiveBytes}{(SawEnd ? " and the end" : "")}"
        + $"{(_released ? ", released" : "")})";
}
