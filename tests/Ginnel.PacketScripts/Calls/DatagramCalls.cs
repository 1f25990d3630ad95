using Ginnel.Netstack;
using Ginnel.PacketScripts.Running;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Calls;

/// <summary>The calls on UDP sockets and on those for ICMP echoes.</summary>
internal sealed class DatagramCalls(StackUnderTest subject, Profile profile, FlowsUnderTest flows)
{
    private const long DontWait = 0x40;
    private readonly byte[] _buffer = new byte[ushort.MaxValue];
    private ushort _echoSequence;

    private NetworkStack Stack => subject.Stack;

    internal CallResult Call(PendingCall pending, DatagramSocket socket) => pending.Name switch
    {
        "bind" => Bind(socket, pending.Port(1) ?? profile.BindPort),
        "connect" => Connect(pending, socket),
        "read" => Receive(pending, socket, pending.Number(2), 0),
        "recv" or "recvfrom" => Receive(pending, socket, pending.Number(2), pending.Number(3, 0)),
        "readv" => Receive(pending, socket, pending.VectorLength(pending.Call[1]), 0),
        "recvmsg" => Receive(pending, socket, MessageLength(pending), pending.Number(2, 0)),
        "write" or "send" => Send(pending, socket, pending.Number(2), null),
        "sendto" => Send(pending, socket, pending.Number(2), pending.Port(4) ?? profile.ConnectPort),
        "writev" => Send(pending, socket, pending.VectorLength(pending.Call[1]), null),
        "sendmsg" => Send(pending, socket, MessageLength(pending), pending.Call[1].Field("msg_name") is StructureValue ? profile.ConnectPort : null),
        "shutdown" => CallResult.Failed(socket.IsConnected ? "EINVAL" : "ENOTCONN"),
        _ => CallResult.Failed("EOPNOTSUPP"),
    };

    private static int MessageLength(PendingCall pending)
    {
        if (pending.Call[1].Field("msg_control") is ListValue { Items.Count: > 0 }) throw pending.Error("control messages on datagrams are not supported");
        return pending.VectorLength(pending.Call[1].Field("msg_iov") ?? EllipsisValue.Instance);
    }

    private CallResult Bind(DatagramSocket socket, ushort port)
    {
        if (socket.Id != default) return CallResult.Failed("EINVAL");
        IpProtocol protocol = socket.IsEcho ? profile.IsV6 ? IpProtocol.IcmpV6 : IpProtocol.Icmp : IpProtocol.Udp;
        var options = new DatagramPortOptions
        {
            Protocol = protocol, Local = new IpEndpoint(profile.Local, port), DontFragment = socket.DontFragment, TrafficClass = socket.TrafficClass ?? 0,
        };
        OpStatus status = Stack.Bind(options, out SocketId id);
        if (status != OpStatus.Ok) return Errors.Of(status);
        socket.Id = id;
        Stack.TryGetFlow(id, out FlowKey flow);
        socket.BoundPort = flow.Local.Port;
        flows.Connect(protocol, flow.Local.Port, profile.ConnectPort);
        return CallResult.Ok;
    }

    private CallResult Connect(PendingCall pending, DatagramSocket socket)
    {
        if (socket.Id == default && Bind(socket, 0) is { Errno: not null } failed) return failed;
        socket.IsConnected = true;
        socket.ConnectedPort = pending.Port(1) ?? profile.ConnectPort;
        flows.Connect(flows.Current!.Protocol, socket.BoundPort!.Value, socket.ConnectedPort.Value);
        return CallResult.Ok;
    }

    private CallResult Send(PendingCall pending, DatagramSocket socket, long count, ushort? port)
    {
        if (port is null && !socket.IsConnected) return CallResult.Failed("EDESTADDRREQ");
        if (TakeError(socket) is { } error) return CallResult.Failed(error);
        if (socket.Id == default && Bind(socket, 0) is { Errno: not null } failed) return failed;
        ushort target = port ?? socket.ConnectedPort!.Value;
        if (!socket.IsConnected) flows.Connect(flows.Current!.Protocol, socket.BoundPort!.Value, target);
        if (count > ushort.MaxValue) return CallResult.Failed("EMSGSIZE");
        var send = new DatagramSend(new IpEndpoint(profile.Remote, socket.IsEcho ? (ushort)0 : target), EchoSequence: socket.IsEcho ? ++_echoSequence : (ushort)0);
        OpStatus status = Stack.Send(socket.Id, send, new byte[count], subject.Now);
        if (status == OpStatus.WouldBlock) return socket.IsNonBlocking ? CallResult.Failed("EAGAIN") : CallResult.Blocked;
        return status == OpStatus.Ok ? new CallResult(count) : Errors.Of(status);
    }

    private CallResult Receive(PendingCall pending, DatagramSocket socket, long count, long flags)
    {
        if ((flags & ~DontWait) != 0) throw pending.Error("flags beside MSG_DONTWAIT are not supported on datagrams");
        if (TakeError(socket) is { } error) return CallResult.Failed(error);
        if (socket.Inbox.TryDequeue(out int length)) return new CallResult(Math.Min(length, count));
        return socket.IsNonBlocking || (flags & DontWait) != 0 ? CallResult.Failed("EAGAIN") : CallResult.Blocked;
    }

    /// <summary>Takes over what has arrived; whether a datagram waits.</summary>
    internal bool HasDatagram(DatagramSocket socket)
    {
        while (socket.Id != default && Stack.TryReceive(socket.Id, _buffer, out ReceivedDatagram item) == OpStatus.Ok)
        {
            if (item.Failure == NetworkFailure.None) socket.Inbox.Enqueue(item.Length);
            // An unconnected socket does not hear of errors (RFC 1122 section 4.1.3.3 leaves that to options).
            else if (socket.IsConnected) socket.Error = Errors.Name(item.Failure);
        }
        return socket.Inbox.Count > 0;
    }

    // An error about an earlier datagram is told by the next call, whichever it is, before what has arrived.
    private string? TakeError(DatagramSocket socket)
    {
        HasDatagram(socket);
        string? error = socket.Error;
        socket.Error = null;
        return error;
    }

    internal CallResult Close(DatagramSocket socket) => socket.Id == default ? CallResult.Ok : Errors.Of(Stack.Release(socket.Id, subject.Now));
}
