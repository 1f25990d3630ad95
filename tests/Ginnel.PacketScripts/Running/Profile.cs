using System.Globalization;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>What a script sets before it begins: options of the run and settings of the stack. Commands are read, never executed.</summary>
internal sealed class Profile(SystemKind system)
{
    private bool _frozen;

    internal SystemKind System => system;
    internal Tuning Tuning { get; private set; } = Tuning.Of(system);
    internal bool IsV6 { get; private set; }
    internal int Mtu { get; private set; } = 1500;
    internal TimeSpan Tolerance { get; private set; } = TimeSpan.FromMilliseconds(4);
    internal double TolerancePart { get; private set; }
    internal int? TimestampTick { get; private set; }
    internal ushort BindPort { get; private set; } = 8080;
    internal ushort ConnectPort { get; private set; } = 8080;
    internal IpAddress Local { get; private set; }
    internal IpAddress Remote { get; private set; }
    internal IpAddress Gateway { get; private set; }

    /// <summary>Takes the options of a script, which stand before everything else.</summary>
    internal void Apply(IReadOnlyList<ScriptOption> options)
    {
        foreach (ScriptOption option in options) Apply(option);
        Local = Choose(options, "local_ip", IsV6 ? "fd3d:fa7b:d17d::1" : "192.168.0.1");
        Gateway = Choose(options, "gateway_ip", IsV6 ? "fd3d:fa7b:d17d::2" : "192.168.0.2");
        Remote = Choose(options, "remote_ip", IsV6 ? "fd3d:0:0:1::1" : "192.0.2.1");
        if (Gateway == Local) Gateway = IpAddress.Parse(IsV6 ? "fd3d:fa7b:d17d::2" : "192.168.0.2");
    }

    private void Apply(ScriptOption option)
    {
        string value = option.Value;
        switch (option.Name)
        {
            case "ip_version": IsV6 = IsV6Name(option); break;
            case "mtu": SetMtu(option.Line, value); break;
            case "tolerance_usecs": Tolerance = TimeSpan.FromMicroseconds(Number(option)); break;
            case "tolerance_percent": TolerancePart = double.Parse(value, CultureInfo.InvariantCulture) / 100; break;
            case "bind_port": BindPort = (ushort)Number(option); break;
            case "connect_port": ConnectPort = (ushort)Number(option); break;
            case "tcp_ts_tick_usecs": TimestampTick = Number(option) is > 0 and var tick ? tick : null; break;
            case "local_ip" or "remote_ip" or "gateway_ip": break;
            // How other interpreters run; here time is virtual and segments may be compared joined or cut.
            case "netmask_ip" or "speed" or "mss" or "strict_segments" or "non_fatal" or "verbose" or "debug" or "init_scripts" or "tcp_ts_ecr_scaled"
                or "code_command" or "code_format" or "code_sockopt" or "dump_packets" or "persistent_tun_dev" or "local_linklocal_ip"
                or "send_omit_free" or "timeout_secs" or "is_anyip": break;
            case "dry_run": throw new ScriptException(option.Line, "--dry_run would run nothing");
            default: throw new ScriptException(option.Line, $"option --{option.Name} is not known");
        }
    }

    private static bool IsV6Name(ScriptOption option) => option.Value switch
    {
        "ipv4" or "ipv4-mapped-ipv6" => false,
        "ipv6" => true,
        _ => throw new ScriptException(option.Line, $"--ip_version={option.Value} is not known (ipv4, ipv4-mapped-ipv6, ipv6)"),
    };

    private IpAddress Choose(IReadOnlyList<ScriptOption> options, string name, string otherwise)
    {
        ScriptOption? option = options.LastOrDefault(each => each.Name == name);
        if (option is null) return IpAddress.Parse(otherwise);
        if (!IpAddress.TryParse(option.Value, out IpAddress address) || address.IsV4 == IsV6)
            throw new ScriptException(option.Line, $"--{name}: '{option.Value}' is no {(IsV6 ? "IPv6" : "IPv4")} address");
        return address;
    }

    /// <summary>The settings that the Linux selftests and the original suite begin with; those that are missing here are as by default.</summary>
    internal void ApplyDefaults(int line)
    {
        Set(line, "net.ipv4.tcp_rmem", "4096 540000 15728640");
        Set(line, "net.ipv4.tcp_syn_retries", "5");
        Set(line, "net.ipv4.tcp_congestion_control", "cubic");
        Set(line, "net.ipv4.tcp_timestamps", "1");
        Set(line, "net.ipv4.tcp_sack", "1");
    }

    internal void Set(int line, string name, string value) => Tune(line, tuning => Settings.Apply(line, tuning, name, value));

    internal void Tune(int line, Func<Tuning, Tuning> change)
    {
        Tuning tuning = change(Tuning);
        if (_frozen && tuning != Tuning) throw new ScriptException(line, "settings must stand before the first call or packet: a running stack keeps them");
        Tuning = tuning;
    }

    internal void SetMtu(int line, string value)
    {
        int mtu = (int)Settings.Number(line, "mtu", value);
        if (_frozen && mtu != Mtu) throw new ScriptException(line, "the MTU must be set before the first call or packet");
        Mtu = mtu;
    }

    /// <summary>The stack is made: settings that change something come too late from here on.</summary>
    internal void Freeze() => _frozen = true;

    private static int Number(ScriptOption option) =>
        int.TryParse(option.Value, CultureInfo.InvariantCulture, out int number) ? number : throw new ScriptException(option.Line, $"--{option.Name}: '{option.Value}' is no number");
}
