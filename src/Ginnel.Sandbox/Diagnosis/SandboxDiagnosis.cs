using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Ginnel.Linux.Datagrams;
using Ginnel.Linux.Launch;
using Ginnel.Linux.Links;
using Ginnel.Sandbox.Launch;

namespace Ginnel.Sandbox;

/// <summary>Looks at everything that <c>ginnel run</c> needs from this machine, and says how to mend what is not in order.</summary>
public static class SandboxDiagnosis
{
    /// <summary>Looks; sandboxes that do nothing are started to make sure. Takes a second or two.</summary>
    /// <param name="selfCommand">How this program starts itself anew; see <see cref="LaunchOptions.SelfCommand"/>.</param>
    public static async Task<IReadOnlyList<Finding>> LookAsync(IReadOnlyList<string>? selfCommand)
    {
        SystemTools tools = new();
        List<Finding> findings = [Tools(tools), Device(), Ports()];
        findings.AddRange(NamespaceObstacles.Find(!Environment.IsPrivilegedProcess).Select(o => new Finding(FindingKind.Note, "namespaces", o.Cause, o.Remedy)));
        findings.Add(Resolver());
        findings.Add(Ping(AddressFamily.InterNetwork, "ping"));
        findings.Add(Ping(AddressFamily.InterNetworkV6, "ping6"));
        findings.Add(NetworkScript.HasIpv6
            ? new Finding(FindingKind.Good, "IPv6", "the kernel has it")
            : new Finding(FindingKind.Note, "IPv6", "the kernel has none: programs get IPv4 only"));
        findings.AddRange(await TryAsync(selfCommand).ConfigureAwait(false));
        return findings;
    }

    private static Finding Tools(SystemTools tools)
    {
        if (tools.Unshare is null) return new(FindingKind.Bad, "tools", "unshare is not installed", "Install util-linux (apt install util-linux, apk add util-linux-misc)");
        return tools.MissingForShell() is { } missing
            ? new(FindingKind.Note, "tools", $"{missing} is not installed: a second process of ours does its work, and a start takes longer", "Install util-linux and iproute2")
            : new(FindingKind.Good, "tools", "unshare, setpriv, mount and ip are installed");
    }

    private static Finding Device()
    {
        if (AccessCheck.MayReadAndWrite(TunDevice.TunPath)) return new(FindingKind.Good, "device", "/dev/net/tun can be opened");
        string why = File.Exists(TunDevice.TunPath) ? "/dev/net/tun may not be opened by this user" : "there is no /dev/net/tun";
        string remedy = File.Exists(TunDevice.TunPath) ? "sudo chmod 0666 /dev/net/tun, as distributions have it" : "sudo modprobe tun; in a container: --device /dev/net/tun";
        return new(FindingKind.Note, "device", $"{why}: a veth pair with a packet socket takes its place, and a start takes longer", remedy);
    }

    private static Finding Ports() => NamespaceObstacles.Read("/proc/sys/net/ipv4/ip_unprivileged_port_start") is { } first and > 0 && !Environment.IsPrivilegedProcess
        ? new(FindingKind.Good, "ports", string.Create(CultureInfo.InvariantCulture, $"--publish may use ports from {first} up"))
        : new(FindingKind.Good, "ports", "--publish may use every port");

    private static Finding Resolver()
    {
        ResolverConfiguration configuration = new HostResolverFile().Current;
        return configuration.Servers.Count > 0
            ? new(FindingKind.Good, "names", $"asked at {string.Join(", ", configuration.Servers.Select(s => s.Address))}")
            : new(FindingKind.Note, "names", "/etc/resolv.conf names no server: names cannot be resolved inside", "Name one with --dns ADDR");
    }

    private static Finding Ping(AddressFamily family, string name)
    {
        BindResult bound = LinuxDatagramSockets.Shared.BindEcho(family);
        if (!bound.IsBound)
        {
            return new(FindingKind.Note, name, $"refused inside as prohibited: {DialFailures.ToText(bound.Failure)}", "sudo sysctl net.ipv4.ping_group_range='0 2147483647'");
        }
        _ = bound.Port.DisposeAsync().AsTask();
        return new(FindingKind.Good, name, "works");
    }

    /// <summary>Starts <c>true</c> by the ways that there are, the quickest first; one that works is enough.</summary>
    private static async Task<IReadOnlyList<Finding>> TryAsync(IReadOnlyList<string>? selfCommand)
    {
        long began = Stopwatch.GetTimestamp();
        try
        {
            LaunchOptions options = new() { Command = [Encoding.ASCII.GetBytes("true")], SelfCommand = selfCommand };
            await using SandboxProcess process = await SandboxProcess.StartAsync(options).ConfigureAwait(false);
            process.Release();
            ExitStatus status = await process.Exited.ConfigureAwait(false);
            if (status.ShellCode != 0) return [new(FindingKind.Bad, "start", $"the program inside ended with {status.ShellCode} instead of 0")];
            string duration = string.Create(CultureInfo.InvariantCulture, $"{Stopwatch.GetElapsedTime(began).TotalMilliseconds:0} ms");
            return
            [
                new(FindingKind.Good, "identity", Describe(process.Identity)),
                new(FindingKind.Good, "start", $"a sandbox was started in {duration}, {Describe(process.Way)}"),
            ];
        }
        catch (LaunchException failure)
        {
            return [new(FindingKind.Bad, "start", failure.Message, failure.Remedy)];
        }
    }

    private static string Describe(IdentityMapping mapping) => mapping switch
    {
        IdentityMapping.NoUserNamespace => "started by root: no user namespace is made; ids, setuid programs and daemons work as they do bare",
        IdentityMapping.WholeRange => "every id is mapped to itself",
        IdentityMapping.KeptWithSubordinate => "your id is kept, subordinate ids are mapped (newuidmap)",
        IdentityMapping.KeptAlone => "your id is kept; no other id exists inside (install uidmap and add lines to /etc/subuid and /etc/subgid for more)",
        IdentityMapping.RootWithSubordinate => "you are uid 0 inside, subordinate ids follow",
        _ => "you are uid 0 inside; no other id exists there",
    };

    private static string Describe(DeviceChoice way) => way switch
    {
        DeviceChoice.DirectTun => "with a TUN device, the quickest way",
        DeviceChoice.DirectPacket => "with a veth pair and a packet socket, the quickest way",
        DeviceChoice.ShellTun => "with a TUN device, the quick way",
        DeviceChoice.VerbTun => "with a TUN device, by a second process of ours",
        _ => "with a veth pair and a packet socket",
    };
}
