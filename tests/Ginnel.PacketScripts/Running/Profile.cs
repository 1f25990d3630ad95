using System.Globalization;
using Ginnel.Netstack;
using Ginnel.PacketScripts.Syntax;
using Ginnel.Wire;

namespace Ginnel.PacketScripts.Running;

/// <summary>What a script sets before it begins: options of the run and settings of the stack. Commands are read, never executed.</summary>
internal sealed class Profile
{
    private readonly Dictionary<string, string> _settings = [];

    internal bool IsV6 { get; private set; }
    internal int Mtu { get; private set; } = 1500;
    internal TimeSpan Tolerance { get; private set; } = TimeSpan.FromMilliseconds(4);
    internal IpAddress Local => IsV6 ? IpAddress.Parse("fd3d:fa7b:d17d::1") : IpAddress.Parse("192.168.0.1");
    internal IpAddress Gateway => IsV6 ? IpAddress.Parse("fd3d:fa7b:d17d::2") : IpAddress.Parse("192.168.0.2");
    internal IpAddress Remote => IsV6 ? IpAddress.Parse("fd3d:0:0:1::1") : IpAddress.Parse("192.0.2.1");

    internal void Apply(IReadOnlyDictionary<string, string> options)
    {
        foreach ((string name, string value) in options)
        {
            switch (name)
            {
                case "ip_version": IsV6 = value is "ipv6"; break;
                case "mtu": Mtu = Number(value); break;
                case "tolerance_usecs": Tolerance = TimeSpan.FromMicroseconds(Number(value)); break;
                // Where packets go is the interpreter's business.
                case "local_ip" or "remote_ip" or "gateway_ip" or "netmask_ip" or "connect_port" or "bind_port": break;
                default: throw new ScriptException(1, $"option --{name} is not known (ip_version, mtu, tolerance_usecs)");
            }
        }
    }

    /// <summary>Takes the settings of a <c>sysctl</c>; every other command fails the script by its name.</summary>
    internal void Command(int line, string text)
    {
        foreach (string part in text.Split(['\n', ';'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] words = part.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words[0] != "sysctl") throw new ScriptException(line, $"the command '{words[0]}' is never executed; only sysctl settings are read");
            foreach (string setting in words.Skip(1).Where(word => !word.StartsWith('-')))
            {
                string[] pair = setting.Split('=', 2);
                if (pair.Length != 2) throw new ScriptException(line, $"'{setting}' is no setting of the form name=value");
                _settings[pair[0]] = pair[1].Trim('"', '\'');
            }
        }
        Build(line);
    }

    /// <summary>TCP's options with the settings so far.</summary>
    internal TcpOptions Build(int line = 1)
    {
        foreach (string name in _settings.Keys)
        {
            if (!Known.Contains(name)) throw new ScriptException(line, $"the setting '{name}' is not known");
        }
        return new TcpOptions
        {
            Sack = Get("net.ipv4.tcp_sack", 1) != 0,
            Timestamps = Get("net.ipv4.tcp_timestamps", 1) != 0,
            WindowScaling = Get("net.ipv4.tcp_window_scaling", 1) != 0,
            FinWait2 = TimeSpan.FromSeconds(Get("net.ipv4.tcp_fin_timeout", 60)),
            KeepAliveInterval = TimeSpan.FromSeconds(Get("net.ipv4.tcp_keepalive_intvl", 75)),
            KeepAliveProbes = Get("net.ipv4.tcp_keepalive_probes", 9),
            Nagle = true,
            CongestionControl = _settings.GetValueOrDefault("net.ipv4.tcp_congestion_control", "cubic") == "reno"
                ? CongestionControlKind.NewReno : CongestionControlKind.Cubic,
        };
    }

    private static readonly HashSet<string> Known =
    [
        "net.ipv4.tcp_sack", "net.ipv4.tcp_timestamps", "net.ipv4.tcp_window_scaling", "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl", "net.ipv4.tcp_keepalive_probes", "net.ipv4.tcp_congestion_control",
    ];

    private int Get(string name, int otherwise) => _settings.TryGetValue(name, out string? value) ? Number(value) : otherwise;

    private static int Number(string text) =>
        int.TryParse(text, CultureInfo.InvariantCulture, out int number) ? number : throw new ScriptException(1, $"'{text}' is no number");
}
