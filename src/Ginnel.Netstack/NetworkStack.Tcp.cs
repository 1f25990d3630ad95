using Ginnel.Wire;

namespace Ginnel.Netstack;

/// <content>TCP's verbs. A connection stays readable by its id until <see cref="Release"/>, whatever the network did to it.</content>
public sealed partial class NetworkStack
{
    /// <summary>Begins a connection; <see cref="SocketEvents.Connected"/> or <see cref="SocketEvents.Failed"/> tells the outcome.</summary>
    /// <param name="local">Source; unspecified address and port 0 let the stack choose (RFC 6056).</param>
    /// <param name="remote">Destination.</param>
    /// <param name="now">The time.</param>
    /// <param name="id">The connection.</param>
    public OpStatus Connect(IpEndpoint local, IpEndpoint remote, Instant now, out SocketId id) => Done(_tcp.Connect(local, remote, now, out id), now);

    /// <summary>
    /// Listens on a port of an own address, or of all own ones with an unspecified address (of both families with <c>::</c>). A foreign
    /// address that is named is served on any-IP interfaces.
    /// </summary>
    /// <param name="local">Where; port 0 chooses an ephemeral one.</param>
    /// <param name="backlog">Established connections that may wait for <see cref="Accept"/>, and half-open ones likewise; 1–65,535.</param>
    /// <param name="id">The listener.</param>
    public OpStatus Listen(IpEndpoint local, int backlog, out SocketId id) => _tcp.Listen(local, backlog, out id);

    /// <summary>Takes an established connection from a listener, or accepts a pending connection or port (then both ids are equal).</summary>
    public OpStatus Accept(SocketId id, Instant now, out SocketId accepted) =>
        Done(_context.Sockets.Find(id) is DatagramPort ? _datagrams.Accept(id, out accepted) : _tcp.Accept(id, now, out accepted), now);

    /// <summary>Refuses a pending connection or port: RST for <see cref="NetworkFailure.Refused"/>, ICMP for the others, silence for none.</summary>
    public OpStatus Reject(SocketId id, NetworkFailure reason, Instant now) =>
        Done(_context.Sockets.Find(id) is DatagramPort ? _datagrams.Reject(id, reason, now) : _tcp.Reject(id, reason, now), now);

    /// <summary>
    /// Lends what can be read. <see cref="OpStatus.WouldBlock"/>: nothing yet, and a <see cref="SocketEvents.Readable"/> will come.
    /// <see cref="OpStatus.EndOfStream"/>: the peer has closed. One read lease at a time.
    /// </summary>
    public OpStatus TryLeaseReadable(SocketId id, out RingLease lease) => _tcp.TryLeaseReadable(id, out lease);

    /// <summary>Ends the read lease; <paramref name="count"/> bytes were taken (0 is allowed), the window opens by as much.</summary>
    public OpStatus Consume(SocketId id, int count, Instant now) => Done(_tcp.Consume(id, count, now), now);

    /// <summary>
    /// Lends room for writing. <see cref="OpStatus.WouldBlock"/>: none, and a <see cref="SocketEvents.Writable"/> will come.
    /// One write lease at a time.
    /// </summary>
    /// <param name="id">The connection.</param>
    /// <param name="wanted">Bytes that the caller has; the lease may be shorter, and is longer only if that costs nothing.</param>
    /// <param name="lease">The room.</param>
    public OpStatus TryLeaseWritable(SocketId id, int wanted, out RingLease lease) => _tcp.TryLeaseWritable(id, wanted, out lease);

    /// <summary>Ends the write lease; the first <paramref name="count"/> bytes were written (0 is allowed) and are sent.</summary>
    public OpStatus Commit(SocketId id, int count, Instant now) => Done(_tcp.Commit(id, count, now), now);

    /// <summary>Sends FIN behind what was written; reading goes on.</summary>
    public OpStatus CloseWrite(SocketId id, Instant now) => Done(_tcp.CloseWrite(id, now), now);

    /// <summary>Resets the connection at once; what is buffered is lost. The id stays until <see cref="Release"/>.</summary>
    public OpStatus Abort(SocketId id, Instant now) => Done(_tcp.Abort(id, now), now);

    /// <summary>
    /// Gives the id up. A connection closes by itself from here on (FIN, TIME-WAIT; a reset if data arrives that nobody will read,
    /// RFC 9293 section 3.6.1); a listener resets what waits in its backlog; a port is unbound; a pending one is rejected silently.
    /// </summary>
    public OpStatus Release(SocketId id, Instant now) =>
        Done(_context.Sockets.Find(id) is DatagramPort ? _datagrams.Release(id) : _tcp.Release(id, now), now);

    /// <summary>Switches Nagle's algorithm for one connection.</summary>
    public OpStatus SetNagle(SocketId id, bool enabled, Instant now) => Done(_tcp.SetNagle(id, enabled, now), now);

    /// <summary>Sets or, with zero, switches off keepalive for one connection; at most 366 days.</summary>
    public OpStatus SetKeepAlive(SocketId id, TimeSpan time, Instant now) => _tcp.SetKeepAlive(id, time, now);

    /// <summary>
    /// Sets the differentiated services field of one connection's segments from now on: the upper six bits of
    /// <paramref name="trafficClass"/>; the lower two belong to ECN and are ignored.
    /// </summary>
    public OpStatus SetTrafficClass(SocketId id, byte trafficClass) => _tcp.SetTrafficClass(id, trafficClass);

    /// <summary>
    /// Bounds the segments of one connection in either direction, or of all that a listener brings from here on (RFC 9293 section 3.7.1). The
    /// peer learns of it by our SYN: of an active connection, if this follows <see cref="Connect"/> at once.
    /// </summary>
    /// <param name="id">The connection or listener.</param>
    /// <param name="octets">Most octets of data and TCP options of one segment; 88–65,535.</param>
    public OpStatus SetMaximumSegmentSize(SocketId id, int octets) => _tcp.SetMaximumSegmentSize(id, octets);

    /// <summary>
    /// Bounds the receive buffer of one connection, or of all that a listener brings from here on, and with it the window that the peer is offered.
    /// Below the bound it follows what its reader takes, as ever. A window that was offered is not taken back: it shrinks as data come.
    /// </summary>
    /// <param name="id">The connection or listener.</param>
    /// <param name="octets">
    /// Most octets, from 1; rounded up to a power of two, <see cref="TcpOptions.ReceiveBuffer"/> at most. The smallest buffer holds 4 KiB.
    /// </param>
    public OpStatus SetReceiveBuffer(SocketId id, int octets) => _tcp.SetReceiveBuffer(id, octets);

    /// <summary>A connection at a glance.</summary>
    public bool TryGetInfo(SocketId id, out TcpInfo info) => _tcp.TryGetInfo(id, out info);

    // A request can produce packets to an own address; they are delivered before the request returns.
    private OpStatus Done(OpStatus status, Instant now)
    {
        _ip.DeliverLocal(now);
        return status;
    }
}
