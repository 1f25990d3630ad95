using Ginnel.Netstack;
using Ginnel.PacketScripts.Running;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Calls;

/// <summary>The calls on TCP sockets.</summary>
internal sealed class StreamCalls(StackUnderTest subject, Profile profile, DescriptorTable table, FlowsUnderTest flows)
{
    /// <summary>The latest connection.</summary>
    internal SocketId Connection { get; private set; }

    private NetworkStack Stack => subject.Stack;

    internal CallResult Call(PendingCall pending, StreamSocket socket) => pending.Name switch
    {
        "bind" => Bind(pending, socket),
        "listen" => Listen(pending, socket),
        "accept" or "accept4" => Accept(pending, socket),
        "connect" => Connect(pending, socket),
        "shutdown" => Shutdown(pending, socket),
        "read" => Read(pending, socket, pending.Number(2), 0),
        "recv" or "recvfrom" => Read(pending, socket, pending.Number(2), pending.Number(3, 0)),
        "readv" => Read(pending, socket, pending.VectorLength(pending.Call[1]), 0),
        "recvmsg" => ReceiveMessage(pending, socket),
        "write" => Write(pending, socket, pending.Number(2), 0),
        "send" or "sendto" => Write(pending, socket, pending.Number(2), pending.Number(3, 0)),
        "writev" => Write(pending, socket, pending.VectorLength(pending.Call[1]), 0),
        "sendmsg" => Write(pending, socket, pending.VectorLength(pending.Call[1].Field("msg_iov") ?? EllipsisValue.Instance), pending.Number(2, 0)),
        _ => throw pending.Error("the call is not known"),
    };

    internal bool TryGetInfo(ScriptSocket socket, out TcpInfo info) => Stack.TryGetInfo(socket.Id, out info);

    private CallResult Bind(PendingCall pending, StreamSocket socket)
    {
        if (socket.Id != default) return CallResult.Failed("EINVAL");
        socket.BoundPort = pending.Port(1) ?? profile.BindPort;
        return CallResult.Ok;
    }

    private CallResult Listen(PendingCall pending, StreamSocket socket)
    {
        if (socket.IsListener) return CallResult.Ok;
        if (socket.Id != default) return CallResult.Failed("EINVAL");
        ushort port = socket.BoundPort ?? profile.BindPort;
        int backlog = (int)Math.Clamp(pending.Number(1), 1, ushort.MaxValue);
        OpStatus status = Stack.Listen(new IpEndpoint(profile.Local, port), backlog, out SocketId id);
        if (status != OpStatus.Ok) return Errors.Of(status);
        socket.Id = id;
        socket.IsListener = true;
        ApplyOptions(socket);
        flows.Listen(port);
        return CallResult.Ok;
    }

    /// <summary>Takes a waiting connection from the listener, if there is one; it stays with the socket.</summary>
    internal bool HasWaiting(StreamSocket listener)
    {
        if (listener.Taken.Count == 0 && Stack.Accept(listener.Id, subject.Now, out SocketId id) == OpStatus.Ok) listener.Taken.Enqueue(id);
        return listener.Taken.Count > 0;
    }

    private CallResult Accept(PendingCall pending, StreamSocket listener)
    {
        if (!listener.IsListener) return CallResult.Failed("EINVAL");
        if (!HasWaiting(listener)) return listener.IsNonBlocking ? CallResult.Failed("EAGAIN") : CallResult.Blocked;
        SocketId id = listener.Taken.Dequeue();
        Connection = id;
        var accepted = new StreamSocket { Id = id, HasConnected = true, Nagle = listener.Nagle, KeepAliveSeconds = listener.KeepAliveSeconds, AbortsOnClose = listener.AbortsOnClose };
        accepted.IsNonBlocking = pending.Name == "accept4" && pending.Call[3].Has("SOCK_NONBLOCK");
        foreach ((string name, long value) in listener.Options) accepted.Options[name] = value;
        ApplyOptions(accepted);
        return table.Add(pending, accepted);
    }

    private CallResult Connect(PendingCall pending, StreamSocket socket)
    {
        if (pending.Call[1].Field("sa_family") is { } family && family.Has("AF_UNSPEC")) throw pending.Error("connecting to AF_UNSPEC, which disconnects, is not supported");
        if (socket.IsListener) return CallResult.Failed("EISCONN");
        if (!pending.IsAgain && socket.Id == default)
        {
            ushort remote = pending.Port(1) ?? profile.ConnectPort;
            IpEndpoint local = socket.BoundPort is { } port ? new IpEndpoint(profile.Local, port) : default;
            OpStatus status = Stack.Connect(local, new IpEndpoint(profile.Remote, remote), subject.Now, out SocketId id);
            if (status != OpStatus.Ok) return Errors.Of(status);
            socket.Id = Connection = id;
            Stack.TryGetFlow(id, out FlowKey flow);
            flows.Connect(IpProtocol.Tcp, flow.Local.Port, remote);
            ApplyOptions(socket);
            if (socket.IsNonBlocking) return CallResult.Failed("EINPROGRESS");
        }
        NetworkFailure failure = Stack.FailureOf(socket.Id);
        if (failure != NetworkFailure.None) return socket.HasReported ? CallResult.Failed("ECONNABORTED") : Errors.Report(socket, failure);
        if (!TryGetInfo(socket, out TcpInfo info)) return CallResult.Failed("EBADF");
        if (info.State is TcpState.SynSent or TcpState.SynReceived) return socket.IsNonBlocking ? CallResult.Failed("EALREADY") : CallResult.Blocked;
        if (!pending.IsAgain && socket.HasConnected) return CallResult.Failed("EISCONN");
        socket.HasConnected = true;
        return CallResult.Ok;
    }

    private const long KnownReadFlags = 2 | 0x20 | 0x40 | 0x100 | 0x4000;
    private const long KnownWriteFlags = 0x40 | 0x4000;
    private const long Peek = 2;
    private const long DontWait = 0x40;
    private const long WaitAll = 0x100;

    private CallResult Read(PendingCall pending, StreamSocket socket, long count, long flags)
    {
        if ((flags & ~KnownReadFlags) != 0) throw pending.Error($"the flags {pending.Call[pending.Call.Arguments.Count - 1]} are not supported (MSG_PEEK, MSG_TRUNC, MSG_DONTWAIT, MSG_WAITALL)");
        if (socket.Id == default || socket.IsListener) return CallResult.Failed("ENOTCONN");
        if (count == 0) return CallResult.Ok;
        bool mayWait = !socket.IsNonBlocking && (flags & DontWait) == 0;
        while (pending.Progress < count)
        {
            OpStatus status = Stack.TryLeaseReadable(socket.Id, out RingLease lease);
            if (status == OpStatus.Ok)
            {
                int part = (int)Math.Min(count - pending.Progress, lease.Length);
                Stack.Consume(socket.Id, (flags & Peek) != 0 ? 0 : part, subject.Now);
                pending.Progress += part;
                if ((flags & Peek) != 0) break;
                continue;
            }
            if (pending.Progress > 0 && ((flags & WaitAll) == 0 || status != OpStatus.WouldBlock || !mayWait)) break;
            if (status == OpStatus.WouldBlock) return socket.IsReadShut ? CallResult.Ok : mayWait ? CallResult.Blocked : CallResult.Failed("EAGAIN");
            return Ended(socket, status);
        }
        return new CallResult(pending.Progress);
    }

    private CallResult Ended(StreamSocket socket, OpStatus status) => status switch
    {
        OpStatus.EndOfStream => CallResult.Ok,
        OpStatus.Failed => socket.HasReported ? CallResult.Ok : Errors.Report(socket, Stack.FailureOf(socket.Id)),
        _ => CallResult.Failed("ENOTCONN"),
    };

    private CallResult ReceiveMessage(PendingCall pending, StreamSocket socket)
    {
        Value message = pending.Call[1];
        CallResult result = Read(pending, socket, pending.VectorLength(message.Field("msg_iov") ?? EllipsisValue.Instance), pending.Number(2, 0));
        if (result.Blocks || result.Errno is not null || message.Field("msg_control") is not ListValue control) return result;
        foreach (Value item in control.Items)
        {
            string type = item.Field("cmsg_type")?.ToString() ?? "";
            if (type is not ("TCP_CM_INQ" or "TCP_INQ") || !socket.TellsReadable) throw pending.Error($"the control message {type} is not supported (TCP_CM_INQ)");
            if (item.Field("cmsg_data")?.Number is { } expected && Readable(socket) != expected) throw pending.Error($"TCP_CM_INQ is {Readable(socket)}, not {expected}");
        }
        return result;
    }

    /// <summary>Octets that can be read; the end of the stream counts as one, as in Linux.</summary>
    private long Readable(StreamSocket socket)
    {
        if (!TryGetInfo(socket, out TcpInfo info)) return 0;
        bool ended = info.State is TcpState.CloseWait or TcpState.Closing or TcpState.LastAck or TcpState.TimeWait or TcpState.Closed;
        return info.ReceiveQueued + (ended ? 1 : 0);
    }

    private CallResult Write(PendingCall pending, StreamSocket socket, long count, long flags)
    {
        if ((flags & ~KnownWriteFlags) != 0) throw pending.Error($"the flags {pending.Call[pending.Call.Arguments.Count > 3 ? 3 : 2]} are not supported (MSG_DONTWAIT, MSG_NOSIGNAL)");
        if (socket.Id == default || socket.IsListener) return CallResult.Failed("EPIPE");
        bool mayWait = !socket.IsNonBlocking && (flags & DontWait) == 0;
        OpStatus status = OpStatus.Ok;
        while (pending.Progress < count && (status = Stack.TryLeaseWritable(socket.Id, (int)(count - pending.Progress), out RingLease lease)) == OpStatus.Ok)
        {
            int part = (int)Math.Min(lease.Length, count - pending.Progress);
            Stack.Commit(socket.Id, part, subject.Now);
            pending.Progress += part;
        }
        if (pending.Progress == count && status == OpStatus.Ok) return new CallResult(count);
        if (status == OpStatus.WouldBlock && mayWait) return CallResult.Blocked;
        if (pending.Progress > 0) return new CallResult(pending.Progress);
        return status switch
        {
            OpStatus.WouldBlock => CallResult.Failed("EAGAIN"),
            OpStatus.Failed => socket.HasReported ? CallResult.Failed("EPIPE") : Errors.Report(socket, Stack.FailureOf(socket.Id)),
            _ => CallResult.Failed("EPIPE"),
        };
    }

    private CallResult Shutdown(PendingCall pending, StreamSocket socket)
    {
        long how = pending.Number(1);
        if (socket.IsListener && how != 1) throw pending.Error("shutting a listener down for reading is not supported");
        if (socket.Id == default) return CallResult.Failed("ENOTCONN");
        if (how is < 0 or > 2) return CallResult.Failed("EINVAL");
        if (how is 0 or 2) socket.IsReadShut = true;
        if (how == 0) return CallResult.Ok;
        OpStatus status = Stack.CloseWrite(socket.Id, subject.Now);
        return status == OpStatus.Ok ? CallResult.Ok : CallResult.Failed("ENOTCONN");
    }

    internal CallResult Close(StreamSocket socket)
    {
        if (socket.Id == default) return CallResult.Ok;
        while (socket.Taken.TryDequeue(out SocketId taken)) Stack.Release(taken, subject.Now);
        if (socket.AbortsOnClose && !socket.IsListener) Stack.Abort(socket.Id, subject.Now);
        return Errors.Of(Stack.Release(socket.Id, subject.Now));
    }

    /// <summary>Gives the stack what was set, once there is a connection to set it on.</summary>
    internal void ApplyOptions(StreamSocket socket)
    {
        if (socket.Id == default) return;
        if (socket.MaximumSegmentSize is { } most) Stack.SetMaximumSegmentSize(socket.Id, most);
        if (socket.IsListener) return;
        if (socket.Nagle is { } nagle) Stack.SetNagle(socket.Id, nagle, subject.Now);
        if (socket.TrafficClass is { } octet) Stack.SetTrafficClass(socket.Id, octet);
        if (socket.KeepAliveSeconds is { } seconds) Stack.SetKeepAlive(socket.Id, TimeSpan.FromSeconds(seconds), subject.Now);
    }
}
