namespace Ginnel.Netstack;

/// <summary>Names a socket: connection, listener, port, or a pending one. A stale id is detected, never dereferenced.</summary>
/// <param name="Slot">Index in the stack's table.</param>
/// <param name="Generation">How often the slot had been used before, plus one; 0 is never valid.</param>
public readonly record struct SocketId(uint Slot, uint Generation)
{
    /// <summary>Names nothing.</summary>
    public static SocketId None => default;
}

/// <summary>Names an interface of a stack.</summary>
/// <param name="Index">1 for the first; 0 names nothing.</param>
public readonly record struct InterfaceId(int Index)
{
    /// <summary>Any interface, or none.</summary>
    public static InterfaceId None => default;
}

/// <summary>How a request to the stack went. Requests never throw because of the network.</summary>
public enum OpStatus : byte
{
    /// <summary>Done, or begun where an event tells the outcome.</summary>
    Ok,
    /// <summary>Nothing to read, or no room to write: an event will tell.</summary>
    WouldBlock,
    /// <summary>The id names no living socket.</summary>
    Stale,
    /// <summary>The socket is not of the kind or in the state that the request needs.</summary>
    InvalidState,
    /// <summary>The address is not ours, or cannot be a destination.</summary>
    InvalidAddress,
    /// <summary>The endpoint is taken.</summary>
    AddressInUse,
    /// <summary>No route leads there.</summary>
    NoRoute,
    /// <summary>A limit of the stack is reached: table, memory or ephemeral ports.</summary>
    LimitReached,
    /// <summary>The message is longer than the socket or the path can carry.</summary>
    MessageTooLong,
    /// <summary>All data was read and the peer has closed its side.</summary>
    EndOfStream,
    /// <summary>The connection is gone; <see cref="NetworkStack.FailureOf"/> says how.</summary>
    Failed,
}

/// <summary>How the network ended or refused something, in the core's own few words.</summary>
public enum NetworkFailure : byte
{
    /// <summary>It did not.</summary>
    None,
    /// <summary>A reset answered a SYN, or a port was unreachable.</summary>
    Refused,
    /// <summary>A reset ended an established connection.</summary>
    Reset,
    /// <summary>The host cannot be reached (ICMP host unreachable, no neighbor).</summary>
    HostUnreachable,
    /// <summary>The network cannot be reached (ICMP network unreachable, no route).</summary>
    NetworkUnreachable,
    /// <summary>Forbidden by an administrator (ICMP 3/13, ICMPv6 1/1).</summary>
    Prohibited,
    /// <summary>The peer went silent beyond every retry.</summary>
    TimedOut,
    /// <summary>The datagram does not fit the path; the mtu stands beside.</summary>
    PacketTooBig,
    /// <summary>We aborted it.</summary>
    Aborted,
    /// <summary>A limit of the stack made it give way.</summary>
    Evicted,
    /// <summary>The protocol is not available there (ICMP protocol unreachable).</summary>
    ProtocolUnreachable,
}

/// <summary>What has happened to a socket since its event was last taken.</summary>
[Flags]
public enum SocketEvents : ushort
{
    /// <summary>Nothing.</summary>
    None = 0,
    /// <summary>There is data, a datagram or an error item to read.</summary>
    Readable = 1,
    /// <summary>There is room to write again after <see cref="OpStatus.WouldBlock"/>.</summary>
    Writable = 2,
    /// <summary>The handshake is complete.</summary>
    Connected = 4,
    /// <summary>The peer has closed its side; what is buffered can still be read.</summary>
    PeerClosed = 8,
    /// <summary>The connection ended in failure, or a pending one was abandoned.</summary>
    Failed = 16,
    /// <summary>A listener has a connection to accept.</summary>
    Acceptable = 32,
    /// <summary>This id is a new pending connection: accept or reject it.</summary>
    PendingConnection = 64,
    /// <summary>This id is a new pending port: accept or reject it.</summary>
    PendingPort = 128,
    /// <summary>Everything that was written has been acknowledged, FIN included, and the socket is closed on both sides.</summary>
    Closed = 256,
}

/// <summary>An event taken from the stack.</summary>
/// <param name="Id">The socket.</param>
/// <param name="Events">What happened; several at once are one event.</param>
public readonly record struct SocketEvent(SocketId Id, SocketEvents Events);
