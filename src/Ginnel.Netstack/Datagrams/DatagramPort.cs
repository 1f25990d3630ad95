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

    internal override void OnDeadline(Instant now) => layer.Abandon(this);
}
