using System.Diagnostics;
using Ginnel.Macro.Workers;

namespace Ginnel.Macro;

/// <summary>
/// Where the measurement runs: a network namespace of its own whose loopback uses cubic whatever the machine uses, with a device and a route
/// as pasta wants to find them. Nothing of the machine is changed, and nothing leaves it.
/// </summary>
internal static class Surroundings
{
    private const string Mark = "GINNEL_BENCH_SURROUNDED";

    // Routes name the control of whoever uses them; a namespace of its own may not set the default to one that the machine restricts.
    private const string Setup = $"""
        set -e
        ip link set lo up
        for net in 127.0.0.0/8 127.0.0.1; do
          ip route replace local $net dev lo proto kernel scope host src 127.0.0.1 table local congctl {CongestionChoice.Name}
        done
        ip link add host type veth peer name beyond
        ip link set beyond up
        ip address add 198.18.1.2/24 dev host
        ip link set host up
        ip route add default via 198.18.1.1
        exec "$@"
        """;

    /// <summary>Runs this program once more, in its surroundings, where that is possible and not done yet; its exit code, else null.</summary>
    internal static int? Enter(string[] arguments)
    {
        if (Environment.GetEnvironmentVariable(Mark) is not null || !Environment.IsPrivilegedProcess) return null;
        ProcessStartInfo start = new("unshare") { Environment = { [Mark] = "1" } };
        foreach (string word in (string[])["--net", "sh", "-c", Setup, "sh", Environment.ProcessPath!, .. arguments]) start.ArgumentList.Add(word);
        using Process inside = Process.Start(start)!;
        inside.WaitForExit();
        return inside.ExitCode;
    }

    /// <summary>The congestion control in force at the guest's end, and at the gateway's and the server's.</summary>
    internal static string CongestionControl()
    {
        string ofMachine = File.ReadAllText("/proc/sys/net/ipv4/tcp_congestion_control").Trim();
        return Environment.GetEnvironmentVariable(Mark) is not null ? $"{CongestionChoice.Name} at all ends (the guest's, the gateway's, the server's)" : ofMachine;
    }
}
