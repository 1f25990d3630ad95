using Ginnel.Netstack;
using Ginnel.PacketScripts.Syntax;

namespace Ginnel.PacketScripts.Running;

/// <summary>
/// Socket options that the stack has once for all connections. A script has one connection, mostly, so they are read from the whole
/// script before the stack is made; two values for one option fail it.
/// </summary>
internal static class OptionScan
{
    internal static readonly HashSet<string> Names =
        ["SO_RCVBUF", "SO_SNDBUF", "SO_RCVBUFFORCE", "SO_SNDBUFFORCE", "TCP_CONGESTION", "TCP_USER_TIMEOUT", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_SYNCNT", "TCP_LINGER2"];

    internal static void Apply(Script script, Profile profile)
    {
        Dictionary<string, string> values = [];
        bool begun = false;
        foreach (ScriptEvent each in script.Events)
        {
            if (each.Action is not SystemCall call) continue;
            begun |= call.Name is "listen" or "connect";
            if (call.Name != "setsockopt" || call[2].ToString() is var name && !Names.Contains(name)) continue;
            string value = call[3].ToString();
            if (values.TryGetValue(name, out string? former) && former != value)
                throw new ScriptException(each.Line, $"the option {name} is {former} before and {value} here; this stack has one for all connections");
            values[name] = value;
            Apply(each.Line, profile, name, call[3], begun);
        }
    }

    private static void Apply(int line, Profile profile, string name, Value value, bool begun)
    {
        if (name == "TCP_CONGESTION") { profile.Set(line, "net.ipv4.tcp_congestion_control", Text(value)); return; }
        long number = value.Number ?? throw new ScriptException(line, $"the value {value} of {name} is no number");
        profile.Tune(line, tuning => name switch
        {
            // A receive buffer bounds the window that the SYN tells; later it only bounds growth, which no script waits for.
            "SO_RCVBUF" or "SO_RCVBUFFORCE" => begun ? tuning : tuning with { ReceiveBuffer = Math.Min(tuning.ReceiveBuffer, Tuning.Buffer(number)) },
            "SO_SNDBUF" or "SO_SNDBUFFORCE" => tuning with { SendBuffer = Tuning.Buffer(2 * number) },
            "TCP_USER_TIMEOUT" => number == 0 ? tuning : tuning with { GiveUpAfter = TimeSpan.FromMilliseconds(number) },
            "TCP_KEEPINTVL" => tuning with { KeepAliveInterval = TimeSpan.FromSeconds(number) },
            "TCP_KEEPCNT" => tuning with { KeepAliveProbes = (int)number },
            "TCP_SYNCNT" => tuning with { ConnectTimeout = Tuning.AfterRetries((int)number) },
            _ => tuning with { FinWait2 = TimeSpan.FromSeconds(Math.Max(1, number)) },
        });
    }

    private static string Text(Value value) => value switch
    {
        TextValue text => text.Text,
        ListValue { Items: [TextValue text] } => text.Text,
        _ => value.ToString() ?? "",
    };
}
