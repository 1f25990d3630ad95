using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <summary>What a port is.</summary>
internal enum DatagramPortState : byte
{
    /// <summary>Bound by a caller to an own address.</summary>
    Bound,
    /// <summary>Any-IP mode: datagrams of a new source wait for accept or reject.</summary>
    Pending,
    /// <summary>Any-IP mode: serves every destination of its source.</summary>
    Accepted,
    /// <summary>Nobody decided in time; only the id remains.</summary>
    Abandoned,
}

/// <summary>A bound, pending or accepted port.</summary>
internal sealed class DatagramPort(DatagramLayer layer) : StackSocket
{
    internal FlowKey Flow;
    internal NetworkFailure Failure;
    internal DatagramPortState State;
    internal DatagramQueue Queue;

    /// <summary>Bound: the only interface, or null for any. Otherwise the interface that the source is behind.</summary>
    internal NetworkInterface? Interface;

    /// <summary>How it was bound.</summary>
    internal DatagramPortOptions Options = DefaultOptions;

    /// <summary>Of the latest datagram in: what an error that quotes it will say.</summary>
    internal ushort LastEchoSequence;
    internal int LastLength;

    /// <summary>The next port that waits for room on the same interface, and whether this one does.</summary>
    internal DatagramPort? NextWaiting;
    internal NetworkInterface? WaitingOn;

    private static readonly DatagramPortOptions DefaultOptions = new();

    private FlowKey _labeled;
    private uint _label;

    /// <summary>The label of what goes from an endpoint of ours to another. That of the last one is remembered, for mostly it is the next.</summary>
    internal uint LabelOf(IpEndpoint source, IpEndpoint destination, FlowLabels labels)
    {
        if (source.Address.IsV4) return 0;
        if (source == _labeled.Local && destination == _labeled.Remote) return _label;
        _labeled = new FlowKey(Flow.Protocol, source, destination);
        return _label = labels.Of(_labeled);
    }

    internal override void OnDeadline(Instant now) => layer.Abandon(this);
}
