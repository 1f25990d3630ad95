using Ginnel.Netstack;
using Ginnel.PacketScripts.Running;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Calls;

/// <summary>Socket options and ioctl. What the stack has no switch for fails by name.</summary>
internal sealed class OptionCalls(StackUnderTest subject, Profile profile, StreamCalls streams)
{
    private NetworkStack Stack => subject.Stack;

    internal CallResult Set(PendingCall pending, ScriptSocket socket)
    {
        string name = pending.Call[2].ToString();
        Value value = pending.Call[3];
        if (name == "SO_LINGER") return SetLinger(pending, socket, value);
        // The runner has read these before the stack was made: OptionScan.
        if (OptionScan.Names.Contains(name)) { if (value.Number is { } scanned) socket.Options[name] = scanned; return CallResult.Ok; }
        long number = value.Number ?? throw pending.Error($"the value {value} of {name} is no number");
        switch (name)
        {
            case "TCP_NODELAY" when socket is StreamSocket stream: stream.Nagle = number == 0; break;
            case "SO_KEEPALIVE" when socket is StreamSocket stream: stream.KeepAliveSeconds = number == 0 ? 0 : IdleSeconds(stream); break;
            case "TCP_KEEPIDLE" when socket is StreamSocket stream: KeepIdle(stream, number); break;
            case "TCP_MAXSEG" when socket is StreamSocket stream && number is >= 88 and <= 32_767: stream.MaximumSegmentSize = (int)number; break;
            case "TCP_MAXSEG": return CallResult.Failed("EINVAL");
            case "TCP_INQ" when socket is StreamSocket stream: stream.TellsReadable = number != 0; break;
            case "IP_MTU_DISCOVER" or "IPV6_MTU_DISCOVER": SetDiscovery(pending, socket, name, number); break;
            case "SO_REUSEADDR" or "SO_REUSEPORT" or "IPV6_V6ONLY" or "IP_BIND_ADDRESS_NO_PORT" or "SO_PRIORITY" or "SO_BUSY_POLL" or "SO_INCOMING_CPU" or "SO_NO_CHECK" or "SO_DEBUG": break;
            // No limit on what waits unsent, which is how the stack is.
            case "TCP_NOTSENT_LOWAT" when number is uint.MaxValue or -1 or 0: break;
            // Those whose zero is what the stack does anyway.
            // A port of the stack keeps the one that it was bound with.
            case "IP_TOS" or "IPV6_TCLASS" when number == 0 || socket is StreamSocket || socket.Id == default: break;
            case "TCP_CORK" or "SO_ZEROCOPY" or "TCP_DEFER_ACCEPT" or "IP_RECVERR" or "IPV6_RECVERR" or "SO_MARK" or "TCP_WINDOW_CLAMP"
                or "SO_TIMESTAMPING" or "SO_TIMESTAMP" or "SO_OOBINLINE" or "TCP_REPAIR" or "IP_RECVTOS" or "IP_RECVTTL" or "IPV6_RECVTCLASS" or "TCP_SAVE_SYN" when number == 0: break;
            default: throw pending.Error($"the option {name} = {number} is not supported");
        }
        socket.Options[name] = number;
        if (socket is StreamSocket applied) streams.ApplyOptions(applied);
        return CallResult.Ok;
    }

    private static int IdleSeconds(StreamSocket socket) => (int)socket.Options.GetValueOrDefault("TCP_KEEPIDLE", 7_200);

    // The time counts once keepalive is on.
    private static void KeepIdle(StreamSocket socket, long seconds)
    {
        if (socket.Options.GetValueOrDefault("SO_KEEPALIVE") != 0) socket.KeepAliveSeconds = (int)seconds;
    }

    private static CallResult SetLinger(PendingCall pending, ScriptSocket socket, Value value)
    {
        long? onOff = value.Field("onoff")?.Number ?? value.Field("l_onoff")?.Number;
        long? seconds = value.Field("linger")?.Number ?? value.Field("l_linger")?.Number;
        if (onOff is null || seconds is null) throw pending.Error($"{value} is not of the form {{onoff=1, linger=0}}");
        if (onOff != 0 && seconds != 0) throw pending.Error("a close that lingers for a time is not supported, only {onoff=1, linger=0}");
        if (socket is StreamSocket stream) stream.AbortsOnClose = onOff != 0;
        return CallResult.Ok;
    }

    private static void SetDiscovery(PendingCall pending, ScriptSocket socket, string name, long number)
    {
        if (socket is DatagramSocket datagram && datagram.Id == default) { datagram.DontFragment = number is 2 or 3; return; }
        // TCP always discovers the path's MTU.
        if (number is not (1 or 2)) throw pending.Error($"the option {name} = {number} is not supported");
    }

    /// <summary>What stands as value in the script is what is expected.</summary>
    internal CallResult Get(PendingCall pending, ScriptSocket socket)
    {
        string name = pending.Call[2].ToString();
        Value expected = pending.Call[3];
        if (name == "TCP_INFO") return CompareInfo(pending, socket, expected);
        if (name == "TCP_CONGESTION") return CompareText(pending, name, expected, subject.CongestionName);
        long actual = Read(pending, socket, name);
        if (expected is EllipsisValue or ListValue { Items: [EllipsisValue] }) return CallResult.Ok;
        long wanted = expected.Number ?? throw pending.Error($"the value {expected} of {name} is no number");
        if (actual == wanted) return CallResult.Ok;
        throw pending.Error(name == "SO_ERROR" ? $"SO_ERROR is {ErrorText(actual)}, not {ErrorText(wanted)}" : $"{name} is {actual}, not {wanted}");
    }

    private static CallResult CompareText(PendingCall pending, string name, Value expected, string actual)
    {
        string? wanted = expected switch { TextValue text => text.Text, ListValue { Items: [TextValue text] } => text.Text, _ => null };
        return wanted is null || wanted == actual ? CallResult.Ok : throw pending.Error($"{name} is {actual}, not {wanted}");
    }

    private static string ErrorText(long number) => number == 0 ? "0" : Symbols.ErrorName(number);

    private long Read(PendingCall pending, ScriptSocket socket, string name)
    {
        switch (name)
        {
            case "SO_ERROR":
                NetworkFailure failure = Stack.FailureOf(socket.Id);
                return failure == NetworkFailure.None || socket.HasReported ? 0 : Symbols.Find(Errors.Report(socket, failure).Errno!) ?? 0;
            case "SO_TYPE": return socket is StreamSocket ? 1 : 2;
            case "SO_PROTOCOL": return socket is StreamSocket ? 6 : 17;
            case "SO_ACCEPTCONN": return socket is StreamSocket { IsListener: true } ? 1 : 0;
            case "TCP_MAXSEG" when streams.TryGetInfo(socket, out TcpInfo info) && info.State != TcpState.Listen: return info.SendMss;
            // Without a connection it is the least that every host takes.
            case "TCP_MAXSEG": return 536;
            // Linux keeps twice what was asked for, for its own use; FreeBSD rounds up to whole segments once it knows them.
            case "SO_SNDBUF" or "SO_RCVBUF" when profile.System == SystemKind.FreeBsd: return FreeBsdBuffer(socket, name);
            case "SO_SNDBUF" or "SO_RCVBUF" when socket.Options.TryGetValue(name, out long half): return 2 * half;
            case "TCP_NODELAY" or "SO_KEEPALIVE" or "SO_REUSEADDR" or "TCP_CORK" or "TCP_INQ": return socket.Options.GetValueOrDefault(name);
            case "TCP_KEEPIDLE": return socket.Options.GetValueOrDefault(name, 7_200);
            default: return socket.Options.TryGetValue(name, out long value) ? value : throw pending.Error($"the option {name} cannot be read");
        }
    }

    private long FreeBsdBuffer(ScriptSocket socket, string name)
    {
        long size = socket.Options.GetValueOrDefault(name, name == "SO_RCVBUF" ? 65_536 : 32_768);
        if (!streams.TryGetInfo(socket, out TcpInfo info) || !subject.Stack.TryGetFlow(socket.Id, out _) || info.State is TcpState.SynSent or TcpState.Listen) return size;
        return (size + info.SendMss - 1) / info.SendMss * info.SendMss;
    }

    private CallResult CompareInfo(PendingCall pending, ScriptSocket socket, Value expected)
    {
        var fields = new InfoFields(subject, socket.Id);
        if (expected is not StructureValue structure) return expected is EllipsisValue or ListValue ? CallResult.Ok : throw pending.Error($"{expected} is no tcp_info");
        foreach ((string name, Value value) in structure.Fields)
        {
            if (value is EllipsisValue || name.Length == 0) continue;
            double actual = fields.Find(name) ?? throw pending.Error($"'{name}' is not a field that can be read here");
            if (value.Number is not { } wanted) throw pending.Error($"the value {value} of {name} is no number");
            if (actual != wanted) throw pending.Error($"{name} is {actual}, not {wanted}");
        }
        return CallResult.Ok;
    }

    /// <summary>ioctl: what waits to be read or to be acknowledged.</summary>
    internal CallResult Query(PendingCall pending, ScriptSocket socket)
    {
        string name = pending.Call[1].ToString();
        if (name == "FIONBIO") { socket.IsNonBlocking = pending.Number(2) != 0; return CallResult.Ok; }
        if (!streams.TryGetInfo(socket, out TcpInfo info)) return CallResult.Failed("EINVAL");
        long actual = name switch
        {
            "SIOCINQ" or "FIONREAD" => info.ReceiveQueued,
            "SIOCOUTQ" or "TIOCOUTQ" => info.SendQueued,
            "SIOCOUTQNSD" => Math.Max(0, info.SendQueued - info.BytesInFlight),
            _ => throw pending.Error($"the request {name} is not supported (SIOCINQ, FIONREAD, SIOCOUTQ, SIOCOUTQNSD, FIONBIO)"),
        };
        if (pending.Call[2].Number is { } expected && actual != expected) throw pending.Error($"{name} is {actual}, not {expected}");
        return CallResult.Ok;
    }
}
