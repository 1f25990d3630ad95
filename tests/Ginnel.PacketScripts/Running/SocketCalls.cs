using System.Globalization;
using Ginnel.Netstack;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>What a call returned; <see cref="Blocks"/> when it has not.</summary>
internal readonly record struct CallResult(long Value, string? Errno = null, bool Blocks = false)
{
    internal static CallResult Blocked => new(0, null, true);

    internal static CallResult Failed(string errno) => new(-1, errno);

    public override string ToString() => Errno is null ? Value.ToString(CultureInfo.InvariantCulture) : $"{Value} {Errno}";
}

/// <summary>A descriptor of the script.</summary>
internal sealed class ScriptSocket
{
    internal SocketId Id;
    internal ushort Port = 8080;
    internal bool IsListener;
    internal bool IsNonBlocking;
    internal bool AbortsOnClose;
    internal bool HasConnected;
    internal bool HasReported;
    internal bool? Nagle;
    internal int? KeepAliveSeconds;
}

/// <summary>The socket calls of scripts, on the verbs of the stack. Descriptors begin at 3, the lowest free one is taken.</summary>
internal sealed class SocketCalls(StackUnderTest subject, Profile profile)
{
    internal const ushort RemotePort = 33_000;
    private readonly SortedDictionary<int, ScriptSocket> _sockets = [];
    private int _line;

    /// <summary>The connection that assertions and packets are about: the latest.</summary>
    internal SocketId Connection { get; private set; }

    /// <summary>Our port in packets from the peer.</summary>
    internal ushort LocalPort { get; private set; } = 8080;

    private NetworkStack Stack => subject.Stack;

    /// <summary>Makes a call, or tries again one that blocked (<paramref name="again"/>).</summary>
    internal CallResult Call(int line, SystemCall call, bool again)
    {
        _line = line;
        CallResult result = call.Name switch
        {
            "socket" => Add(new ScriptSocket()),
            "bind" => Bind(Socket(call)),
            "listen" => Listen(Socket(call), call),
            "accept" or "accept4" => Accept(Socket(call)),
            "connect" => Connect(Socket(call), again),
            "read" or "recv" => Read(Socket(call), Number(call, 2)),
            "write" or "send" => Write(Socket(call), Number(call, 2)),
            "shutdown" => Shutdown(Socket(call), call.Arguments[1]),
            "close" => Close(call),
            "setsockopt" => SetOption(Socket(call), call),
            "getsockopt" => GetOption(Socket(call), call),
            "fcntl" => Control(Socket(call), call),
            _ => throw new ScriptException(line, $"the call '{call.Name}' is not known"),
        };
        subject.Collect();
        return result;
    }

    private CallResult Add(ScriptSocket socket)
    {
        int descriptor = 3;
        while (_sockets.ContainsKey(descriptor)) descriptor++;
        _sockets.Add(descriptor, socket);
        return new CallResult(descriptor);
    }

    private CallResult Bind(ScriptSocket socket)
    {
        LocalPort = socket.Port;
        return new CallResult(0);
    }

    private CallResult Listen(ScriptSocket socket, SystemCall call)
    {
        socket.IsListener = true;
        return Status(Stack.Listen(new IpEndpoint(profile.Local, socket.Port), Math.Max(1, Number(call, 1)), out socket.Id));
    }

    private CallResult Accept(ScriptSocket listener)
    {
        if (!listener.IsListener) return CallResult.Failed("EINVAL");
        OpStatus status = Stack.Accept(listener.Id, subject.Now, out SocketId accepted);
        if (status == OpStatus.WouldBlock) return listener.IsNonBlocking ? CallResult.Failed("EAGAIN") : CallResult.Blocked;
        if (status != OpStatus.Ok) return Status(status);
        Connection = accepted;
        return Add(new ScriptSocket { Id = accepted, HasConnected = true });
    }

    private CallResult Connect(ScriptSocket socket, bool again)
    {
        if (!again && socket.Id == default)
        {
            OpStatus status = Stack.Connect(default, new IpEndpoint(profile.Remote, RemotePort), subject.Now, out socket.Id);
            if (status != OpStatus.Ok) return Status(status);
            Connection = socket.Id;
            if (Stack.TryGetFlow(socket.Id, out FlowKey flow)) LocalPort = flow.Local.Port;
            ApplyOptions(socket);
            if (socket.IsNonBlocking) return CallResult.Failed("EINPROGRESS");
        }
        NetworkFailure failure = Stack.FailureOf(socket.Id);
        if (failure != NetworkFailure.None) return Report(socket, failure);
        if (!Stack.TryGetInfo(socket.Id, out TcpInfo info)) return CallResult.Failed("EBADF");
        if (info.State is TcpState.SynSent or TcpState.SynReceived) return socket.IsNonBlocking ? CallResult.Failed("EALREADY") : CallResult.Blocked;
        if (again || !socket.HasConnected) { socket.HasConnected = true; return new CallResult(0); }
        return CallResult.Failed("EISCONN");
    }

    private CallResult Read(ScriptSocket socket, int count)
    {
        OpStatus status = socket.Id == default ? OpStatus.InvalidState : Stack.TryLeaseReadable(socket.Id, out RingLease lease) is var result && result == OpStatus.Ok
            ? Take(socket, Math.Min(count, lease.Length), out count) : result;
        return status switch
        {
            OpStatus.Ok => new CallResult(count),
            OpStatus.EndOfStream => new CallResult(0),
            OpStatus.WouldBlock => socket.IsNonBlocking ? CallResult.Failed("EAGAIN") : CallResult.Blocked,
            OpStatus.Failed => socket.HasReported ? new CallResult(0) : Report(socket, Stack.FailureOf(socket.Id)),
            _ => CallResult.Failed("ENOTCONN"),
        };
    }

    private OpStatus Take(ScriptSocket socket, int count, out int taken)
    {
        taken = count;
        return Stack.Consume(socket.Id, count, subject.Now);
    }

    private CallResult Write(ScriptSocket socket, int count)
    {
        int written = 0;
        OpStatus status = OpStatus.InvalidState;
        while (written < count && socket.Id != default && (status = Stack.TryLeaseWritable(socket.Id, count - written, out RingLease lease)) == OpStatus.Ok)
        {
            int part = Math.Min(lease.Length, count - written);
            Stack.Commit(socket.Id, part, subject.Now);
            written += part;
        }
        if (written > 0) return new CallResult(written);
        return status switch
        {
            OpStatus.WouldBlock => socket.IsNonBlocking ? CallResult.Failed("EAGAIN") : CallResult.Blocked,
            OpStatus.Failed => socket.HasReported ? CallResult.Failed("EPIPE") : Report(socket, Stack.FailureOf(socket.Id)),
            _ => CallResult.Failed("EPIPE"),
        };
    }

    private CallResult Shutdown(ScriptSocket socket, string how)
    {
        if (how is not ("SHUT_WR" or "SHUT_RDWR")) throw new ScriptException(_line, $"shutdown(…, {how}) is not supported (SHUT_WR, SHUT_RDWR)");
        OpStatus status = socket.Id == default ? OpStatus.InvalidState : Stack.CloseWrite(socket.Id, subject.Now);
        return status == OpStatus.Ok ? new CallResult(0) : CallResult.Failed("ENOTCONN");
    }

    private CallResult Close(SystemCall call)
    {
        ScriptSocket socket = Socket(call);
        _sockets.Remove(Number(call, 0));
        if (socket.Id == default) return new CallResult(0);
        if (socket.AbortsOnClose) Stack.Abort(socket.Id, subject.Now);
        return Status(Stack.Release(socket.Id, subject.Now));
    }

    private CallResult SetOption(ScriptSocket socket, SystemCall call)
    {
        string name = call.Arguments[2];
        string value = call.Arguments[3];
        switch (name)
        {
            case "SO_REUSEADDR" or "SO_REUSEPORT" or "SO_SNDBUF" or "SO_RCVBUF": break;
            case "TCP_NODELAY": socket.Nagle = Inner(value) == 0; break;
            case "SO_KEEPALIVE": socket.KeepAliveSeconds = Inner(value) == 0 ? 0 : socket.KeepAliveSeconds ?? 7_200; break;
            case "TCP_KEEPIDLE": socket.KeepAliveSeconds = Inner(value); break;
            case "SO_LINGER": socket.AbortsOnClose = value.Contains("onoff=1", StringComparison.Ordinal) && value.Contains("linger=0", StringComparison.Ordinal); break;
            default: throw new ScriptException(_line, $"socket option '{name}' is not known");
        }
        ApplyOptions(socket);
        return new CallResult(0);
    }

    private void ApplyOptions(ScriptSocket socket)
    {
        if (socket.Id == default || socket.IsListener) return;
        if (socket.Nagle is { } nagle) Stack.SetNagle(socket.Id, nagle, subject.Now);
        if (socket.KeepAliveSeconds is { } seconds) Stack.SetKeepAlive(socket.Id, TimeSpan.FromSeconds(seconds), subject.Now);
    }

    // The value that getsockopt stores stands in the script as what is expected, in brackets.
    private CallResult GetOption(ScriptSocket socket, SystemCall call)
    {
        if (call.Arguments[2] != "SO_ERROR") throw new ScriptException(_line, $"socket option '{call.Arguments[2]}' cannot be read");
        string expected = call.Arguments[3].Trim('[', ']', ' ');
        NetworkFailure failure = Stack.FailureOf(socket.Id);
        string actual = failure == NetworkFailure.None || socket.HasReported ? "0" : Report(socket, failure).Errno!;
        if (actual != expected) throw new ScriptException(_line, $"SO_ERROR is {actual}, not {expected}");
        return new CallResult(0);
    }

    private CallResult Control(ScriptSocket socket, SystemCall call)
    {
        if (call.Arguments[1] == "F_GETFL") return new CallResult(2);
        if (call.Arguments[1] != "F_SETFL") throw new ScriptException(_line, $"fcntl {call.Arguments[1]} is not known");
        socket.IsNonBlocking = call.Arguments[2].Contains("O_NONBLOCK", StringComparison.Ordinal);
        return new CallResult(0);
    }

    private static CallResult Report(ScriptSocket socket, NetworkFailure failure)
    {
        socket.HasReported = true;
        return CallResult.Failed(failure switch
        {
            NetworkFailure.Refused => "ECONNREFUSED",
            NetworkFailure.Reset => "ECONNRESET",
            NetworkFailure.HostUnreachable or NetworkFailure.Prohibited => "EHOSTUNREACH",
            NetworkFailure.NetworkUnreachable => "ENETUNREACH",
            NetworkFailure.TimedOut => "ETIMEDOUT",
            NetworkFailure.ProtocolUnreachable => "ENOPROTOOPT",
            _ => "ECONNABORTED",
        });
    }

    private static CallResult Status(OpStatus status) => status switch
    {
        OpStatus.Ok => new CallResult(0),
        OpStatus.AddressInUse => CallResult.Failed("EADDRINUSE"),
        OpStatus.NoRoute => CallResult.Failed("ENETUNREACH"),
        OpStatus.Stale => CallResult.Failed("EBADF"),
        _ => CallResult.Failed("EINVAL"),
    };

    private ScriptSocket Socket(SystemCall call) =>
        _sockets.TryGetValue(Number(call, 0), out ScriptSocket? socket) ? socket : throw new ScriptException(_line, $"{call.Name}: {call.Arguments[0]} is no open descriptor");

    private int Number(SystemCall call, int index) =>
        index < call.Arguments.Count && int.TryParse(call.Arguments[index], CultureInfo.InvariantCulture, out int number)
            ? number : throw new ScriptException(_line, $"{call.Name}: argument {index + 1} must be a number");

    private int Inner(string bracketed) =>
        int.TryParse(bracketed.Trim('[', ']', ' '), CultureInfo.InvariantCulture, out int number) ? number : throw new ScriptException(_line, $"'{bracketed}' is no [number]");
}
