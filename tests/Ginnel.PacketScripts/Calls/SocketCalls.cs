using Ginnel.Netstack;
using Ginnel.PacketScripts.Running;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Calls;

/// <summary>The calls of scripts, on the verbs of the stack. Those that a stack without a kernel around it cannot have fail by name.</summary>
internal sealed class SocketCalls
{
    private readonly StackUnderTest _subject;
    private readonly DescriptorTable _table = new();
    private readonly StreamCalls _streams;
    private readonly DatagramCalls _datagrams;
    private readonly OptionCalls _options;
    private readonly ReadinessCalls _readiness;

    internal SocketCalls(StackUnderTest subject, Profile profile)
    {
        _subject = subject;
        Flows = new FlowsUnderTest(profile);
        _streams = new StreamCalls(subject, profile, _table, Flows);
        _datagrams = new DatagramCalls(subject, profile, Flows);
        _options = new OptionCalls(subject, profile, _streams);
        _readiness = new ReadinessCalls(subject, profile, _table, _streams, _datagrams);
        subject.EventTaken += NoteEvent;
    }

    /// <summary>The flow that packets are about.</summary>
    internal FlowsUnderTest Flows { get; }

    /// <summary>The connection that assertions are about: the latest.</summary>
    internal SocketId Connection => _streams.Connection;

    /// <summary>Makes a call, or tries again one that blocked.</summary>
    internal CallResult Call(PendingCall pending)
    {
        CallResult result = pending.Name switch
        {
            "socket" => Open(pending),
            "close" => Close(pending),
            "fcntl" => Control(pending),
            "ioctl" => _options.Query(pending, Socket(pending)),
            "setsockopt" => _options.Set(pending, Socket(pending)),
            "getsockopt" => _options.Get(pending, Socket(pending)),
            "poll" => _readiness.Poll(pending),
            "epoll_create" or "epoll_create1" => _table.Add(pending, new EpollInstance()),
            "epoll_ctl" => _readiness.Control(pending),
            "epoll_wait" or "epoll_pwait" => _readiness.Wait(pending),
            "sendfile" or "splice" or "pipe" or "open" or "mmap" or "cap_set" => throw pending.Error("files, pipes and capabilities are not of the stack, and are not supported"),
            _ => OnSocket(pending, Socket(pending)),
        };
        pending.IsAgain = true;
        _subject.Collect();
        return result;
    }

    private CallResult OnSocket(PendingCall pending, ScriptSocket socket) => socket switch
    {
        StreamSocket stream => _streams.Call(pending, stream),
        DatagramSocket datagram => _datagrams.Call(pending, datagram),
        _ => throw pending.Error("the call is not known"),
    };

    private CallResult Open(PendingCall pending)
    {
        long protocol = pending.Number(2, 0);
        bool stream = pending.Call[1].Has("SOCK_STREAM") || (pending.Call[1].Number & 15) == 1;
        Descriptor socket = (stream, protocol) switch
        {
            (true, 0 or 6) => new StreamSocket(),
            (false, 0 or 17) => new DatagramSocket(isEcho: false),
            (false, 1 or 58) => new DatagramSocket(isEcho: true),
            _ => throw pending.Error($"{pending.Call[1]} with {pending.Call[2]} is not supported (TCP, UDP, ICMP echo)"),
        };
        if (pending.Call[1].Has("SOCK_RAW")) throw pending.Error("raw sockets are not supported");
        socket.IsNonBlocking = pending.Call[1].Has("SOCK_NONBLOCK");
        return _table.Add(pending, socket);
    }

    private CallResult Close(PendingCall pending)
    {
        Descriptor? descriptor = _table.Find(pending.Number(0));
        if (descriptor is null) return CallResult.Failed("EBADF");
        _table.Remove(pending.Number(0));
        _readiness.Forget(descriptor);
        return descriptor switch
        {
            StreamSocket stream => _streams.Close(stream),
            DatagramSocket datagram => _datagrams.Close(datagram),
            _ => CallResult.Ok,
        };
    }

    private CallResult Control(PendingCall pending)
    {
        Descriptor descriptor = _table.Find(pending.Number(0)) ?? throw pending.Error($"{pending.Call[0]} is no open descriptor");
        switch (pending.Word(1))
        {
            case "F_GETFL": return new CallResult(2 | (descriptor.IsNonBlocking ? 0x800 : 0));
            case "F_SETFL": descriptor.IsNonBlocking = pending.Call[2].Has("O_NONBLOCK") || (pending.Call[2].Number & 0x800) != 0; return CallResult.Ok;
            case "F_GETFD" or "F_SETFD": return CallResult.Ok;
            default: throw pending.Error($"{pending.Word(1)} is not known (F_GETFL, F_SETFL)");
        }
    }

    private ScriptSocket Socket(PendingCall pending)
    {
        if (!Known.Contains(pending.Name)) throw new ScriptException(pending.Line, $"the call '{pending.Name}' is not known");
        return _table.Find(pending.Number(0)) as ScriptSocket ?? throw pending.Error($"{pending.Call[0]} is no open socket");
    }

    // Edge-triggered watchers hear of what happened, not of what is.
    private void NoteEvent(SocketEvent happened)
    {
        long edges = 0;
        if ((happened.Events & (SocketEvents.Readable | SocketEvents.PeerClosed | SocketEvents.Acceptable)) != 0) edges |= 1;
        if ((happened.Events & (SocketEvents.Writable | SocketEvents.Connected)) != 0) edges |= 4;
        if ((happened.Events & SocketEvents.Failed) != 0) edges |= 1 | 4 | 8 | 16;
        foreach (ScriptSocket socket in _table.Sockets)
        {
            if (socket.Id == happened.Id) socket.Edges |= edges;
        }
    }

    private static readonly HashSet<string> Known =
    [
        "bind", "listen", "accept", "accept4", "connect", "read", "recv", "recvfrom", "recvmsg", "readv", "write", "send", "sendto", "sendmsg", "writev",
        "shutdown", "setsockopt", "getsockopt", "ioctl",
    ];
}
